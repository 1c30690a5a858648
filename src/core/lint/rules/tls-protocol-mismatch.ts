import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';

const current = new Set(['TLSv1.2', 'TLSv1.3']);

/** What OpenSSL 3 and every distribution of the last years refuse by default: TLS before 1.2 (RFC 8996). */
export default defineLintRule({
  meta: {
    id: 'tls-protocol-mismatch',
    title: 'Only outdated versions of TLS are spoken to an upstream',
    severity: 'warning',
    fault: 'tls-protocol-mismatch',
  },
  *check(view) {
    for (const { pass, target } of targetsOf(view)) {
      const { args, at } = pass.setting('ssl_protocols');
      if (!target.tls || at === undefined || args.length === 0 || args.some(one => current.has(one))) continue;
      const last = at.args.at(-1);
      yield {
        at: spotOf(at),
        message: `${args.join(' and ')} ${args.length === 1 ? 'is' : 'are'} all that nginx offers; servers of the last years take TLS 1.2 and 1.3 only, and answer with an alert, which is a 502.`,
        advice: 'Add TLSv1.2 and TLSv1.3, or take the directive out: its default holds both.',
        related: [{ at: spotOf(pass.directive), text: 'TLS is spoken here.' }],
        ...(last === undefined
          ? {}
          : {
              fix: {
                summary: 'Offer TLS 1.2 and 1.3 as well',
                changes: [{ path: at.path, start: last.end, end: last.end, text: ' TLSv1.2 TLSv1.3' }],
              },
            }),
      };
    }
  },
});
