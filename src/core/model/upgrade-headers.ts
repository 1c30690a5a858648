/** What nginx leaves of a WebSocket's opening handshake, by the directives in force at a location (RFC 6455 §4.1, RFC 9110 §7.8). */
import type { ConfigDirective, NginxConfig } from './facts/nginx.ts';
import type { Route } from './facts/topology.ts';
import { insideOf } from './nginx-locations.ts';
import type { PassedHandshake } from './probe.ts';

export interface Forwarding {
  /** What a handshake lacks behind this location. Empty: it comes through whole. */
  readonly missing: readonly ('upgrade' | 'connection' | 'version')[];
  /** A value cannot be told from the configuration: nothing is said of this location. */
  readonly isUnknown: boolean;
  /** The handshake as the peer gets it. */
  readonly sends: PassedHandshake;
  /** Lines further out that would pass the headers on, and the first line of the location, by which it inherits none of them. */
  readonly lost?: { readonly outer: readonly ConfigDirective[]; readonly by: ConfigDirective };
  /** Somebody meant it to be passed on: a part of it is, or would be if it were inherited. */
  readonly isMeant: boolean;
}

export function forwardingOf(route: Route, blocks: readonly ConfigDirective[], config: NginxConfig): Forwarding {
  const set = (name: string): string | undefined => route.headers.findLast(header => header.args[0]?.toLowerCase() === name)?.args[1];
  const version = route.settings['http_version']?.args[0] === '1.1' ? '1.1' : '1.0';
  const upgrade = handed(set('upgrade'), config);
  // Before 1.29.7 nginx asks to close; since then it sends HTTP/1.1 and no such header.
  const byDefault = route.settings['http_version']?.origin.kind === 'default' && version === '1.1' ? undefined : 'close';
  const written = set('connection');
  const connection = written === undefined ? { value: byDefault, isKnown: true } : handed(written, config);
  const missing = [
    ...(isSocket(upgrade.value) ? [] : (['upgrade'] as const)),
    ...(asksUpgrade(connection.value) ? [] : (['connection'] as const)),
    ...(version === '1.1' ? [] : (['version'] as const)),
  ];
  const lost = lostLines(blocks, config);
  return {
    missing,
    isUnknown: !upgrade.isKnown || !connection.isKnown || route.settings['pass_request_headers']?.args[0] === 'off',
    sends: {
      version,
      ...(upgrade.value === undefined ? {} : { upgrade: upgrade.value }),
      ...(connection.value === undefined ? {} : { connection: connection.value }),
    },
    ...(lost === undefined ? {} : { lost }),
    isMeant: isSocket(upgrade.value) || asksUpgrade(connection.value) || lost !== undefined,
  };
}

interface Handed {
  readonly value: string | undefined;
  readonly isKnown: boolean;
}

/** What a header's value comes to when a client asks for a WebSocket. A header with an empty value is not sent. */
function handed(written: string | undefined, config: NginxConfig): Handed {
  const known = (value: string): Handed => ({ value: value === '' ? undefined : value, isKnown: true });
  if (written === undefined || !written.includes('$')) return known(written ?? '');
  if (written === '$http_upgrade') return known('websocket');
  if (written === '$http_connection') return known('Upgrade');
  const mapped = mapFor(written, config);
  if (mapped === undefined) return { value: undefined, isKnown: false };
  const value = valueFor(mapped);
  return value === undefined || value.includes('$') ? { value: undefined, isKnown: false } : known(value);
}

function isSocket(value: string | undefined): boolean {
  return value?.toLowerCase().includes('websocket') === true;
}

function asksUpgrade(value: string | undefined): boolean {
  return (
    value
      ?.toLowerCase()
      .split(',')
      .some(word => word.trim() === 'upgrade') === true
  );
}

/** The `map` of `$http_upgrade` that gives this variable its value. */
function mapFor(variable: string, config: NginxConfig): ConfigDirective | undefined {
  return mapsOf(config).find(one => one.args[1]?.value === variable && one.args[0]?.value === '$http_upgrade');
}

function mapsOf(config: NginxConfig): readonly ConfigDirective[] {
  return insideOf(config.directives)
    .filter(one => one.name === 'http')
    .flatMap(one => insideOf(one.block))
    .filter(one => one.name === 'map' && one.block !== undefined);
}

/** What the map gives for `websocket`; undefined where an expression decides. */
function valueFor(map: ConfigDirective): string | undefined {
  const lines = insideOf(map.block);
  const own = lines.find(one => one.name.toLowerCase() === 'websocket');
  if (own !== undefined) return own.args[0]?.value;
  if (lines.some(one => one.name.startsWith('~'))) return undefined;
  return lines.find(one => one.name === 'default')?.args[0]?.value ?? '';
}

/** The variable of a map that gives `upgrade` for a WebSocket, and nothing or another value for other requests. */
export function upgradeVariable(config: NginxConfig): string | undefined {
  return mapsOf(config).find(one => one.args[0]?.value === '$http_upgrade' && asksUpgrade(valueFor(one)))?.args[1]?.value;
}

/** Whether a map or anything else gives this variable a value already. */
export function isTaken(variable: string, config: NginxConfig): boolean {
  return mapsOf(config).some(one => one.args[1]?.value === variable);
}

/** Lines with the headers in a block further out than the innermost one that sets any. */
function lostLines(blocks: readonly ConfigDirective[], config: NginxConfig): Forwarding['lost'] {
  const levels = blocks.map(block => insideOf(block.block).filter(one => one.name === 'proxy_set_header'));
  const inner = levels.findLastIndex(lines => lines.length > 0);
  const [by] = levels[inner] ?? [];
  if (by === undefined) return undefined;
  const passes = (line: ConfigDirective): boolean => {
    const { value } = handed(line.args[1]?.value, config);
    const name = line.args[0]?.value.toLowerCase();
    return (name === 'upgrade' && isSocket(value)) || (name === 'connection' && asksUpgrade(value));
  };
  const outer = levels
    .slice(0, inner)
    .findLast(lines => lines.some(passes))
    ?.filter(passes);
  const own = levels[inner]?.filter(passes).map(line => line.args[0]?.value.toLowerCase()) ?? [];
  const gone = outer?.filter(line => !own.includes(line.args[0]?.value.toLowerCase())) ?? [];
  return gone.length === 0 ? undefined : { outer: gone, by };
}
