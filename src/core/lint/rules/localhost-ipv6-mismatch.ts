import { effectivePort } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** nginx takes every address of a name into the group; which of the two a server listens on is not in its configuration. */
export default defineLintRule({
  meta: {
    id: 'localhost-ipv6-mismatch',
    title: 'An upstream is called `localhost`, which is two addresses',
    severity: 'notice',
    fault: 'localhost-ipv6-mismatch',
  },
  *check(view) {
    for (const { member, pass, target } of membersPassedTo(view)) {
      if (member.address.host?.toLowerCase() !== 'localhost') continue;
      const port = effectivePort(pass, target, member);
      const behind = port === undefined ? '' : `:${port}`;
      yield {
        at: spotOf(member.directive, member.token),
        message: `\`localhost\` is 127.0.0.1 and, on most systems, [::1] too: nginx tries both in turn. Where the backend listens on one of them alone, every other first try is refused, and a request that may not be repeated (a POST) gets a 502.`,
        advice: `Write the address that the backend listens on: 127.0.0.1${behind}, or [::1]${behind}.`,
      };
    }
  },
});
