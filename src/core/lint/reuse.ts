/**
 * Whether nginx keeps the connections of a pass for later requests.
 * Source: ngx_http_upstream_keepalive_module and ngx_http_proxy_module; defaults changed in 1.29.7, `keepalive_timeout` is of 1.15.3.
 */
import type { ConfigDirective } from '../model/facts/nginx.ts';
import { hasWord, headerValueFor } from './header-values.ts';
import { headerOf, headersOf, type LintPass } from './passes.ts';
import { own, settingOf } from './scopes.ts';
import type { LintUpstream } from './upstreams.ts';
import type { LintView } from './view.ts';

/** What ends a connection after its first request. */
export type Ending =
  | { readonly kind: 'http-1.0'; readonly at: ConfigDirective | undefined }
  | { readonly kind: 'close'; readonly at: ConfigDirective | undefined }
  | { readonly kind: 'keep-conn-off'; readonly at: ConfigDirective | undefined };

/** Why the requests of a pass each take a connection of their own. None where they do not, or where it cannot be told. */
export function endingsOf(pass: LintPass, view: LintView): readonly Ending[] {
  if (pass.kind === 'fastcgi') {
    const { args, at, isSure } = pass.setting('keep_conn');
    return args[0] === 'on' || !isSure ? [] : [{ kind: 'keep-conn-off', at }];
  }
  if (pass.kind !== 'proxy') return [];
  const version = pass.setting('http_version');
  const header = headerOf(pass, 'connection');
  if (!version.isSure || !headersOf(pass).isSure) return [];
  const byDefault = view.since('1.29.7') && version.args[0] !== '1.0' ? '' : 'close';
  const value = header === undefined ? byDefault : headerValueFor(pass.scope, header.value, '');
  if (value === undefined) return [];
  const endings: Ending[] = [];
  if (version.args[0] === '1.0' && !hasWord(value, 'keep-alive')) endings.push({ kind: 'http-1.0', at: version.at });
  if (hasWord(value, 'close')) endings.push({ kind: 'close', at: header?.at });
  return endings;
}

/** The `keepalive` of a group; `keepalive 0` switches it off. */
export function keepaliveOf({ scope }: LintUpstream): ConfigDirective | undefined {
  return own(scope, 'keepalive').at(-1);
}

/** Whether the group keeps connections at all. Unknown ones count as kept by nobody. */
export function keepsConnections(upstream: LintUpstream, view: LintView): boolean {
  const directive = keepaliveOf(upstream);
  return directive === undefined ? view.since('1.29.7') && upstream.scope.isWhole : directive.args[0]?.value !== '0';
}

/** How long a group keeps an idle connection, in milliseconds. */
export function idleLimitOf({ scope }: LintUpstream, view: LintView): { readonly ms: number; readonly at: ConfigDirective | undefined } {
  const written = own(scope, 'keepalive_timeout').at(-1);
  const ms = written === undefined ? undefined : settingOf(scope, 'keepalive_timeout')?.ms;
  return { ms: ms ?? (view.since('1.15.3') ? 60_000 : Number.POSITIVE_INFINITY), at: written };
}
