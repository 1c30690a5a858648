import type { ConfigDirective } from '../../model/facts/nginx.ts';
import type { TextChange } from '../../model/nginx-edits.ts';
import { hasWord, headerValueFor } from '../header-values.ts';
import { headerOf, headersOf, type LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { own } from '../scopes.ts';
import { before, behind, revalued } from '../splices.ts';
import type { LintView } from '../view.ts';
import { isSurelySocket, mayBeSocket } from '../websocket-paths.ts';

interface Judged {
  /** What a handshake lacks behind this pass. */
  readonly missing: readonly ('upgrade' | 'connection' | 'version')[];
  readonly upgradeAt: ConfigDirective | undefined;
  readonly connectionAt: ConfigDirective | undefined;
  readonly versionAt: ConfigDirective | undefined;
}

/** `Upgrade` and `Connection` hold for one hop (RFC 9110 §7.6.1): nginx passes them on only where it is told to, and over HTTP/1.1. */
export default defineLintRule({
  meta: {
    id: 'websocket-upgrade-missing',
    title: 'The handshake of a WebSocket does not come through whole',
    severity: 'warning',
    fault: 'websocket-upgrade-missing',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'proxy') continue;
      const judged = judge(pass, view);
      if (judged === undefined || judged.missing.length === 0) continue;
      const { missing, upgradeAt } = judged;
      const lost = upgradeAt === undefined ? lostUpgrade(pass) : undefined;
      if (upgradeAt === undefined && !mayBeSocket(pass.scope)) continue;
      const changes = upgradeAt === undefined ? undefined : changesFor(pass, judged);
      const path = pass.scope.directive?.args.at(-1)?.value ?? '';
      const why = upgradeAt === undefined ? `\`${path}\` looks like the address of a WebSocket` : 'The header Upgrade is passed on here';
      yield {
        at: spotOf(upgradeAt ?? pass.directive),
        message: `${why}, and ${lackOf(judged)}: the backend answers the handshake as a plain request, with a 400, 404 or 426, or hangs.`,
        advice: adviceOf(missing, view),
        related: [
          ...(upgradeAt === undefined ? [] : [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }]),
          ...(judged.connectionAt === undefined ? [] : [{ at: spotOf(judged.connectionAt), text: 'This is what it sends as Connection.' }]),
          ...(lost === undefined ? [] : [{ at: spotOf(lost), text: 'This line holds no more in a block that has proxy_set_header lines of its own.' }]),
        ],
        ...(upgradeAt !== undefined || lost !== undefined || isSurelySocket(pass.scope) ? {} : { severity: 'notice' as const }),
        ...(changes === undefined ? {} : { fix: { summary: 'Pass the whole handshake on', changes } }),
      };
    }
  },
});

/** Undefined where it cannot be told. */
function judge(pass: LintPass, view: LintView): Judged | undefined {
  const version = pass.setting('http_version');
  const forwards = pass.setting('pass_request_headers');
  const { isSure } = headersOf(pass);
  const [upgrade, connection] = [headerOf(pass, 'upgrade'), headerOf(pass, 'connection')];
  if (!version.isSure || !forwards.isSure || forwards.args[0] === 'off' || version.args[0] === '2') return undefined;
  if ((upgrade === undefined || connection === undefined) && !isSure) return undefined;
  const upgraded = upgrade === undefined ? '' : headerValueFor(pass.scope, upgrade.value, 'websocket');
  // Somebody else's protocol, or a header that is taken away on purpose.
  if (upgraded === undefined || (upgrade !== undefined && !hasWord(upgraded, 'websocket'))) return undefined;
  const byDefault = view.since('1.29.7') ? '' : 'close';
  const asks =
    connection === undefined ? byDefault : connection.value === '$http_connection' ? 'upgrade' : headerValueFor(pass.scope, connection.value, 'websocket');
  if (asks === undefined) return undefined;
  return {
    missing: [
      ...(upgrade === undefined ? (['upgrade'] as const) : []),
      ...(hasWord(asks, 'upgrade') ? [] : (['connection'] as const)),
      ...(version.args[0] === '1.0' ? (['version'] as const) : []),
    ],
    upgradeAt: upgrade?.at,
    connectionAt: connection?.at,
    versionAt: version.at,
  };
}

function lackOf({ missing, connectionAt, versionAt }: Judged): string {
  const lacks = missing.map(one => {
    if (one === 'upgrade') return 'the header Upgrade is not passed on';
    if (one === 'version') return `HTTP/1.0 is spoken${versionAt === undefined ? ' by default' : ''}, which knows no upgrade`;
    return connectionAt === undefined
      ? '`Connection: upgrade` is not sent with it'
      : `Connection is not \`upgrade\` but \`${connectionAt.args[1]?.value ?? ''}\``;
  });
  return lacks.length > 1 ? `${lacks.slice(0, -1).join(', ')} and ${lacks.at(-1) ?? ''}` : (lacks[0] ?? '');
}

function adviceOf(missing: Judged['missing'], view: LintView): string {
  const lines = [
    ...(missing.includes('version') || (!view.since('1.29.7') && missing.includes('upgrade')) ? ['`proxy_http_version 1.1;`'] : []),
    ...(missing.includes('upgrade') ? ['`proxy_set_header Upgrade $http_upgrade;`'] : []),
    ...(missing.includes('connection') ? ['`proxy_set_header Connection "upgrade";`'] : []),
  ];
  return `Set ${[...new Set(lines)].join(', ')} in this location; other headers that it inherits must be repeated beside them.`;
}

/** A line further out that passes the header on, and is lost because a block further in has lines of its own. */
function lostUpgrade(pass: LintPass): ConfigDirective | undefined {
  for (let level = headersOf(pass).scope?.parent; level !== undefined; level = level.parent) {
    const line = own(level, 'proxy_set_header').find(one => one.args[0]?.value.toLowerCase() === 'upgrade');
    if (line !== undefined) return line;
  }
  return undefined;
}

/** Undefined where a line is inherited, and with it by others. */
function changesFor(pass: LintPass, { missing, upgradeAt, connectionAt, versionAt }: Judged): readonly TextChange[] | undefined {
  if (pass.scope.kind !== 'location' || headersOf(pass).scope !== pass.scope || upgradeAt === undefined || upgradeAt.path !== pass.directive.path)
    return undefined;
  if (versionAt !== undefined && !own(pass.scope, 'proxy_http_version').includes(versionAt)) return undefined;
  if (connectionAt?.args[1]?.value.includes('$') === true) return undefined;
  const version = versionAt === undefined ? before(pass.directive, 'proxy_http_version 1.1;') : revalued(versionAt, '1.1');
  const connection = connectionAt === undefined ? behind(upgradeAt, 'proxy_set_header Connection "upgrade";') : revalued(connectionAt, '"upgrade"', 1);
  return [...(missing.includes('version') ? [version] : []), ...(missing.includes('connection') ? [connection] : [])];
}
