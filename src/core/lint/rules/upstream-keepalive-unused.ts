import type { TextChange } from '../../model/nginx-edits.ts';
import { headerOf, headersOf, type LintPass } from '../passes.ts';
import { endingsOf, keepaliveOf, type Ending } from '../reuse.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { before, revalued } from '../splices.ts';
import { targetsOf } from '../upstreams-used.ts';
import type { LintUpstream } from '../upstreams.ts';

interface Loss {
  readonly pass: LintPass;
  readonly endings: readonly Ending[];
}

/** Each request then takes a new connection, and under load the local ports run out. */
export default defineLintRule({
  meta: {
    id: 'upstream-keepalive-unused',
    title: 'An upstream is to keep connections, and its requests end them',
    severity: 'warning',
    fault: 'ephemeral-ports-exhausted',
  },
  *check(view) {
    const passes = new Map<LintUpstream, LintPass[]>();
    for (const { pass, target } of targetsOf(view)) {
      if (target.upstream === undefined) continue;
      const known = passes.get(target.upstream);
      if (known === undefined) passes.set(target.upstream, [pass]);
      else if (known.at(-1) !== pass) known.push(pass);
    }
    for (const [upstream, all] of passes) {
      const keepalive = keepaliveOf(upstream);
      if (keepalive === undefined || keepalive.args[0]?.value === '0') continue;
      const losses = all.map((pass): Loss => ({ pass, endings: endingsOf(pass, view) })).filter(({ endings }) => endings.length > 0);
      const [first] = losses;
      if (first === undefined) continue;
      const changes = losses.flatMap(loss => changesFor(loss) ?? []);
      yield {
        at: spotOf(keepalive),
        message: `The upstream "${upstream.name}" is told to keep connections, but ${whyOf(first)}: each request takes a connection of its own, and at many requests a second the local ports run out (99: Cannot assign requested address).`,
        advice: adviceOf(first),
        related: losses.slice(0, 5).map(({ pass }) => ({ at: spotOf(pass.directive), text: 'Requests that are passed on here end their connection.' })),
        // Some of its requests do reuse connections.
        ...(losses.length < all.length ? { severity: 'notice' as const } : {}),
        ...(losses.every(loss => changesFor(loss) !== undefined) ? { fix: { summary: 'Let requests leave their connection open', changes } } : {}),
      };
    }
  },
});

function whyOf({ pass, endings }: Loss): string {
  const [ending] = endings;
  if (ending?.kind === 'keep-conn-off') return `\`fastcgi_keep_conn\` is off${ending.at === undefined ? ' by default' : ''}`;
  const closing = endings.find(one => one.kind === 'close');
  const close =
    closing === undefined
      ? undefined
      : closing.at === undefined
        ? 'sends `Connection: close` by default'
        : `sends the Connection header of \`${closing.at.args[1]?.value ?? ''}\`, which is \`close\``;
  const old = endings.find(one => one.kind === 'http-1.0');
  const version = old === undefined ? undefined : `speaks HTTP/1.0${old.at === undefined ? ' by default' : ''}`;
  return `\`${pass.directive.name}\` ${[version, close].filter(text => text !== undefined).join(' and ')}`;
}

function adviceOf({ pass, endings }: Loss): string {
  if (pass.kind === 'fastcgi') return 'Set `fastcgi_keep_conn on;` where requests are passed on, or take `keepalive` out of the upstream.';
  const wanted = [
    ...(endings.some(({ kind }) => kind === 'http-1.0') ? ['`proxy_http_version 1.1;`'] : []),
    ...(endings.some(({ kind }) => kind === 'close') ? ['`proxy_set_header Connection "";`'] : []),
  ].join(' and ');
  const mapped = endings.find(one => one.kind === 'close')?.at?.args[1]?.value.startsWith('$') === true;
  return mapped
    ? `Let the map give an empty value where the client asks for no upgrade: \`'' '';\`.`
    : `Set ${wanted} where requests are passed on. A block that has any proxy_set_header line inherits none, so repeat the others there.`;
}

/** Undefined where the change would reach other locations, or take inherited headers away. */
function changesFor({ pass, endings }: Loss): readonly TextChange[] | undefined {
  const changes: TextChange[] = [];
  // What a location for WebSockets lacks is told by the rule for them.
  if (headerOf(pass, 'upgrade') !== undefined || pass.scope.kind !== 'location') return undefined;
  for (const { kind, at } of endings) {
    if (at !== undefined && at.path !== pass.directive.path) return undefined;
    if (kind === 'http-1.0') changes.push(at === undefined ? before(pass.directive, 'proxy_http_version 1.1;') : revalued(at, '1.1'));
    else if (kind === 'keep-conn-off') changes.push(at === undefined ? before(pass.directive, 'fastcgi_keep_conn on;') : revalued(at, 'on'));
    else {
      const { directives, scope } = headersOf(pass);
      if (directives.length > 0 && scope !== pass.scope) return undefined;
      if (at?.args[1]?.value.includes('$') === true) return undefined;
      changes.push(at === undefined ? before(pass.directive, 'proxy_set_header Connection "";') : revalued(at, '""', 1));
    }
  }
  return changes;
}
