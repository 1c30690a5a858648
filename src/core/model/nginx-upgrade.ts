import { valueOr, type Known } from './fact.ts';
import type { Change } from './facts/changes.ts';
import type { Hop } from './facts/hop.ts';
import type { NginxInstance } from './facts/nginx.ts';
import type { Topology } from './facts/topology.ts';

/** An upgrade of nginx that the running one stems from. */
export interface NginxUpgrade {
  /** nginx's own versions: `1.22.1`. */
  readonly from: string;
  readonly to: string;
  /** When the newer one began to serve. */
  readonly atMs: number;
  readonly change: Change;
  readonly instance: NginxInstance;
}

/** Packages that bring the server itself, by the names of Debian, Ubuntu, nginx.org, Fedora and Arch. */
const names = new Set(['nginx', 'nginx-core', 'nginx-light', 'nginx-full', 'nginx-extras', 'nginx-common', 'nginx-mainline', 'nginx-stable']);
/** dpkg's log has whole seconds, and the package restarts nginx while it is set up. */
const slackMs = 2000;

/** The last upgrade within reach of the changes that the nginx in front of the peer runs with. None where it was not started anew since. */
export function nginxUpgradeOf(
  hop: Hop,
  facts: { readonly topology: Topology; readonly changes: readonly Change[]; readonly 'nginx-instances': Known<readonly NginxInstance[]> },
): NginxUpgrade | undefined {
  const servers = new Set(hop.routes.map(route => route.serverId));
  const ids = new Set(facts.topology.servers.filter(server => servers.has(server.id)).map(server => server.instanceId));
  const instance = valueOr(facts['nginx-instances'], []).find(one => ids.has(one.id) && one.running && one.flavour === 'nginx');
  if (instance?.version === undefined) return undefined;
  const change = facts.changes.findLast(
    one => one.package !== undefined && names.has(one.package.name) && one.package.from !== undefined && one.package.to !== undefined,
  );
  if (change === undefined || (instance.startMs ?? 0) < change.timeMs - slackMs) return undefined;
  const from = upstreamVersion(change.package?.from ?? '');
  const to = upstreamVersion(change.package?.to ?? '');
  if (from === undefined || to !== instance.version) return undefined;
  return { from, to, atMs: Math.max(change.timeMs, instance.startMs ?? 0), change, instance };
}

/** Whether the upgrade went over the version in which something changed. */
export function crosses({ from, to }: Pick<NginxUpgrade, 'from' | 'to'>, version: string): boolean {
  return compare(from, version) < 0 && compare(to, version) >= 0;
}

/** nginx's version in that of its package: `1:1.22.1-9+deb12u1` is 1.22.1. */
function upstreamVersion(text: string): string | undefined {
  return /^(?:\d{1,4}:)?(\d{1,4}\.\d{1,4}\.\d{1,4})(?![\d.])/.exec(text)?.[1];
}

function compare(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
