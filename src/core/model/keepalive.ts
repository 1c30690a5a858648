import { valueOr, type Known } from './fact.ts';
import type { NginxInstance, Setting } from './facts/nginx.ts';
import type { Peer, Route, Topology, UpstreamGroup } from './facts/topology.ts';

/** That nginx keeps connections to a peer for later requests, and for how long. */
export interface Reuse {
  readonly group: UpstreamGroup;
  readonly route: Route;
  /** What makes nginx keep them; absent where it is the default of its version. */
  readonly setting?: Setting;
  /** How long nginx keeps an idle one; infinite where its version knows no such limit. */
  readonly timeoutMs: number;
  /** The directive that says so; absent where it is the default. */
  readonly timeout?: Setting;
}

/** Default of `keepalive_timeout` in an upstream. */
const defaultTimeoutMs = 60_000;
/** Since when an upstream has that directive; before, nginx kept a connection until the other side closed it (nginx's CHANGES). */
const timeoutSince = [1, 15, 3] as const;
/** Since when an `upstream` block keeps connections without being told to. An address in a pass has no such block (nginx, pull request 1080). */
const keptByDefault = [1, 29, 7] as const;

/** How nginx reuses connections to the peer over HTTP; undefined where each request has a connection of its own. */
export function reuseOf(peer: Peer, topology: Topology, instances: Known<readonly NginxInstance[]>): Reuse | undefined {
  const own = new Set(peer.routeIds);
  for (const route of topology.routes) {
    if (!own.has(route.id) || route.pass !== 'proxy' || route.settings['http_version']?.args[0] !== '1.1') continue;
    const server = topology.servers.find(one => one.id === route.serverId);
    const instance = valueOr(instances, []).find(one => one.id === server?.instanceId);
    const version = instance !== undefined && ['nginx', 'openresty'].includes(instance.flavour) ? instance.version : undefined;
    const isNew = isSince(version, keptByDefault);
    if (!asksToKeep(route, isNew)) continue;
    const group = topology.groups.find(one => one.id === route.groupId && one.peerIds.includes(peer.id));
    if (group === undefined || !keeps(group, isNew)) continue;
    const timeout = group.settings['keepalive_timeout'];
    return {
      group,
      route,
      ...(group.keepalive === undefined ? {} : { setting: group.keepalive }),
      timeoutMs: timeout?.ms ?? (version !== undefined && !isSince(version, timeoutSince) ? Number.POSITIVE_INFINITY : defaultTimeoutMs),
      ...(timeout === undefined ? {} : { timeout }),
    };
  }
  return undefined;
}

/**
 * Whether a connection is kept after its first request. `keepalive_requests 1` and a `keepalive_time` of nothing allow no second one;
 * longer ones bound how often and how long a connection is used, and not how long it may be idle.
 */
function keeps({ explicit, keepalive, settings }: UpstreamGroup, isDefault: boolean): boolean {
  if (keepalive === undefined ? !(isDefault && explicit) : keepalive.args[0] === '0') return false;
  const requests = settings['keepalive_requests']?.args[0];
  return !(requests === '0' || requests === '1' || settings['keepalive_time']?.ms === 0);
}

/** nginx asks to close unless the header is set to something else; a variable may be anything. */
function asksToKeep(route: Route, isDefault: boolean): boolean {
  const set = route.headers.findLast(header => header.args[0]?.toLowerCase() === 'connection');
  if (set === undefined) return isDefault;
  const value = (set.args[1] ?? '').trim().toLowerCase();
  return value === '' || value === 'keep-alive' || value.includes('$');
}

function isSince(version: string | undefined, wanted: readonly number[]): boolean {
  const parts = (version ?? '').split('.').map(Number);
  for (const [index, want] of wanted.entries()) {
    const part = parts[index] ?? 0;
    if (part !== want) return part > want;
  }
  return version !== undefined;
}

/** `for 60 s`, as the end of what nginx does with an idle connection. */
export function keptFor({ timeoutMs }: Pick<Reuse, 'timeoutMs'>): string {
  return Number.isFinite(timeoutMs) ? `for ${timeoutMs / 1000} s` : 'without a limit, as nginx before 1.15.3 does';
}
