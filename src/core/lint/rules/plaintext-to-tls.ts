import { ownListens } from '../own-listens.ts';
import { effectivePort } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** `http://` to a port that speaks TLS by custom, or because nginx itself listens there with `ssl`. */
export default defineLintRule({
  meta: {
    id: 'plaintext-to-tls',
    title: 'Plain HTTP is spoken to a port that speaks TLS',
    severity: 'error',
    fault: 'plaintext-to-tls',
  },
  *check(view) {
    for (const { member, pass, target } of membersPassedTo(view)) {
      const { address, directive, token } = member;
      const port = effectivePort(pass, target, member);
      if (target.tls || (pass.kind !== 'proxy' && pass.kind !== 'grpc') || address.path !== undefined) continue;
      const own = ownListens(view, address, port);
      const [first] = own;
      const isTls = first !== undefined && own.every(({ listen }) => listen.isTls);
      if (!isTls && (first !== undefined || (port !== 443 && port !== 8443))) continue;
      const scheme = pass.kind === 'grpc' ? 'grpcs' : 'https';
      yield {
        at: spotOf(directive, token),
        message: `${isTls ? 'nginx itself listens there with `ssl`' : `Port ${port ?? ''} is one of TLS`}; this pass speaks to it without, so each request gets the server's 400 ("The plain HTTP request was sent to HTTPS port") or a 502.`,
        advice: `Pass with ${scheme}://, or to the port that speaks plain HTTP.`,
        related: [
          ...(directive === pass.directive ? [] : [{ at: spotOf(pass.directive), text: 'It is spoken to without TLS because of this pass.' }]),
          ...(isTls ? [{ at: spotOf(first.listen.directive), text: 'nginx listens here.' }] : []),
        ],
        ...(port === 8443 && !isTls ? { severity: 'warning' as const } : {}),
      };
    }
  },
});
