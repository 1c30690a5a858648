import { isHostName, writtenAddress } from '../addresses.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';

/** Longer names are no slip of an upstream's name that is worth comparing. */
const longest = 40;

/** A name without a dot that is no upstream, next to an upstream that nobody uses and that is called nearly so. */
export default defineLintRule({
  meta: {
    id: 'dns-name-not-found',
    title: 'A pass misspells the name of an upstream',
    severity: 'warning',
    fault: 'dns-name-not-found',
  },
  *check(view) {
    const all = [...targetsOf(view)];
    const used = new Set(all.flatMap(({ target }) => target.upstream ?? []));
    // With a variable in some pass, a group may be used without being named.
    const isSure = all.every(({ target }) => target.members.length > 0 || target.upstream !== undefined);
    const unused = isSure ? view.upstreams.filter(one => !used.has(one)) : [];
    if (unused.length === 0) return;
    for (const { pass, target } of all) {
      const { host = '', portText } = writtenAddress(target.authority);
      if (target.upstream !== undefined || portText !== undefined || !isHostName(host) || host.includes('.') || host.toLowerCase() === 'localhost') continue;
      const near = unused.find(({ layer, name }) => layer === pass.scope.layer && isNear(name.toLowerCase(), host.toLowerCase()));
      if (near === undefined) continue;
      const { token } = pass;
      // A word is replaced as a whole; what is quoted or escaped is left to a person.
      const isPlain = token.quote === '' && token.end - token.start === token.value.length && pass.variables.length === 0;
      yield {
        at: spotOf(pass.directive, pass.token),
        message: `There is no upstream "${host}", so nginx looks it up as a host name when it starts; where there is none, it does not start ("host not found in upstream"). The upstream "${near.name}" is used by nobody.`,
        advice: `Write "${near.name}", if that is what is meant.`,
        related: [{ at: spotOf(near.directive), text: 'Nothing passes to this group.' }],
        ...(isPlain
          ? {
              fix: {
                summary: `Pass to the group "${near.name}"`,
                changes: [{ path: pass.directive.path, start: token.start, end: token.end, text: token.value.replace(target.authority, () => near.name) }],
              },
            }
          : {}),
      };
    }
  },
});

/** One letter more, less, other, or two changed places; names of three letters and less are near to anything. */
function isNear(a: string, b: string): boolean {
  if (a === b || Math.min(a.length, b.length) < 4 || Math.max(a.length, b.length) > longest || Math.abs(a.length - b.length) > 1) return false;
  // `app1` beside `app2` are two names, not one misspelt.
  if (a.replaceAll(/\d/g, '') === b.replaceAll(/\d/g, '')) return false;
  let at = 0;
  while (a.charAt(at) === b.charAt(at)) at++;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  return (
    restA.slice(1) === restB.slice(1) ||
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    (restA.slice(2) === restB.slice(2) && restA.charAt(0) === restB.charAt(1) && restA.charAt(1) === restB.charAt(0))
  );
}
