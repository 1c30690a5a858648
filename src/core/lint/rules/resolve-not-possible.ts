import { defineLintRule, spotOf } from '../rule.ts';
import { own } from '../scopes.ts';

/** `resolve` came to the open nginx with 1.27.3 (CHANGES), and works only in a group that all workers share. */
export default defineLintRule({
  meta: {
    id: 'resolve-not-possible',
    title: 'An upstream is to look its name up again, and cannot',
    severity: 'error',
    fault: 'nginx-config-invalid',
  },
  *check(view) {
    for (const { directive, members, name, scope } of view.upstreams) {
      const member = members.find(one => one.resolves);
      const token = member?.directive.args.find(arg => arg.value === 'resolve');
      if (member === undefined || token === undefined) continue;
      if (!view.since('1.27.3')) {
        yield {
          at: spotOf(member.directive, token),
          message: `nginx ${view.version} does not know \`resolve\`; it does not start ("invalid parameter"). Only NGINX Plus had it before 1.27.3.`,
          advice: 'Upgrade, or name a `resolver` and pass to a variable instead of the group.',
        };
      } else if (scope.isWhole && own(scope, 'zone').length === 0) {
        const [first] = scope.inside;
        yield {
          at: spotOf(member.directive, token),
          message: `The upstream "${name}" has no \`zone\`, which \`resolve\` needs so that all workers see the new addresses; nginx does not start.`,
          advice: `Write \`zone ${zoneName(name)} 64k;\` in it.`,
          related: [{ at: spotOf(directive), text: 'The group is this one.' }],
          ...(first === undefined || first.path !== directive.path
            ? {}
            : {
                fix: {
                  summary: 'Give the group a zone',
                  changes: [{ path: first.path, start: first.start, end: first.start, text: `zone ${zoneName(name)} 64k; ` }],
                },
              }),
        };
      }
    }
  },
});

function zoneName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '_') || 'upstream';
}
