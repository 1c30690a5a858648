import { keepsConnections } from '../reuse.ts';
import { defineLintRule, spotOf } from '../rule.ts';

/** nginx keeps FastCGI connections in the cache of an `upstream` block alone (ngx_http_upstream_keepalive_module). */
export default defineLintRule({
  meta: {
    id: 'fastcgi-keep-conn-alone',
    title: 'FastCGI connections are to stay open, and nothing keeps them',
    severity: 'notice',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'fastcgi') continue;
      const { args, at } = pass.setting('keep_conn');
      if (args[0] !== 'on' || at === undefined || pass.targets.length === 0) continue;
      const [target] = pass.targets;
      const keeps = pass.targets.some(
        one => one.variables.length > 0 || (one.upstream !== undefined && (keepsConnections(one.upstream, view) || !one.upstream.scope.isWhole)),
      );
      if (keeps || target === undefined) continue;
      const group = target.upstream;
      yield {
        at: spotOf(at),
        message: `\`fastcgi_keep_conn on\` asks the backend to leave connections open, and ${group === undefined ? `"${target.authority}" is no \`upstream\` block` : `the upstream "${group.name}" has no \`keepalive\``}: nginx closes each of them after its request all the same.`,
        advice:
          group === undefined
            ? 'Name an `upstream` block with the server and `keepalive` in it, or take this line out.'
            : 'Set `keepalive` in the upstream, well below the number of workers of the backend, or take this line out.',
        related: [{ at: spotOf(group?.directive ?? pass.directive), text: 'Requests go here.' }],
      };
    }
  },
});
