import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import type { Scope } from '../scopes.ts';

interface Newcomer {
  readonly name: string;
  readonly since: string;
  /** Blocks in which it is meant; in all where there is none. */
  readonly within?: string;
  /** An argument that came later than the directive. */
  readonly argument?: string;
}

/** Source: nginx's CHANGES. Those alone that nginx had in no other form before; `http2` of 1.22.1 and `keepalive 0` were tried. */
const newcomers: readonly Newcomer[] = [
  { name: 'keepalive_timeout', since: '1.15.3', within: 'upstream' },
  { name: 'keepalive_requests', since: '1.15.3', within: 'upstream' },
  { name: 'keepalive_time', since: '1.19.10', within: 'upstream' },
  { name: 'ssl_reject_handshake', since: '1.19.4' },
  { name: 'proxy_ssl_conf_command', since: '1.19.4' },
  { name: 'http2', since: '1.25.1' },
  { name: 'listen', since: '1.25.0', argument: 'quic' },
  { name: 'keepalive', since: '1.29.7', within: 'upstream', argument: '0' },
  { name: 'keepalive', since: '1.29.7', within: 'upstream', argument: 'local' },
];

/** A file that was written for a newer nginx than the one that is to read it. */
export default defineLintRule({
  meta: {
    id: 'directive-too-new',
    title: 'This nginx does not know a directive yet',
    severity: 'error',
    fault: 'nginx-config-invalid',
  },
  *check(view) {
    const unknown = newcomers.filter(({ since }) => !view.since(since));
    if (unknown.length === 0) return;
    for (const scope of view.scopes) {
      if (scope.layer !== 'http') continue;
      for (const directive of scope.inside) {
        const newcomer = unknown.find(one => isMeant(one, directive, scope));
        if (newcomer === undefined) continue;
        const { argument, name, since } = newcomer;
        const token = argument === undefined ? undefined : directive.args.find(arg => arg.value === argument);
        yield {
          at: spotOf(directive, token),
          message: `\`${argument === undefined ? name : `${name} ... ${argument}`}\` came with nginx ${since}, and this is for ${view.version}: nginx does not start with it, and keeps its old configuration at a reload.`,
          advice: name === 'http2' ? 'Write `listen 443 ssl http2;` instead, or upgrade nginx first.' : 'Take it out, or upgrade nginx first.',
        };
      }
    }
  },
});

function isMeant({ name, within, argument }: Newcomer, directive: ConfigDirective, scope: Scope): boolean {
  if (directive.name !== name || (within !== undefined && scope.kind !== within)) return false;
  return argument === undefined || directive.args.some(arg => arg.value === argument);
}
