import type { Known } from './fact.ts';
import type { Hop } from './facts/hop.ts';
import type { NginxAccessLog } from './facts/logs.ts';

/** Requests of the window that the peer answered by the access log; undefined where that is not known. */
export function servedOf({ peer }: Hop, log: Known<NginxAccessLog>): number | undefined {
  if (log.state !== 'known' || log.value.total === 0) return undefined;
  if (log.value.byPeer.length === 0) return log.value.lastGoodMs === undefined ? 0 : undefined;
  const own = log.value.byPeer.find(one => one.key === peer.id);
  return own === undefined ? undefined : own.total - own.failed;
}

/** The same, or where the log does not name the peers, all requests that were answered well: it cannot have served more. */
export function servedAtMost(hop: Hop, log: Known<NginxAccessLog>): number | undefined {
  const served = servedOf(hop, log);
  if (served !== undefined || log.state !== 'known' || log.value.total === 0) return served;
  return Object.entries(log.value.byStatus).reduce((sum, [status, count]) => (Number(status) < 500 ? sum + count : sum), 0);
}

/** Whether the peer has answered since the first of these failures: badhop now, or others by the access log. Undefined where that is not known. */
export function hasServedSince(hop: Hop, firstMs: number, log: Known<NginxAccessLog>): boolean | undefined {
  if ([...hop.probes, ...(hop.own === undefined ? [] : [hop.own])].some(probe => probe.outcome.state === 'answered')) return true;
  if (log.state !== 'known' || log.value.total === 0) return undefined;
  if ((log.value.lastGoodMs ?? 0) < firstMs) return false;
  const served = servedOf(hop, log);
  return served === undefined ? undefined : served > 0;
}

/** Logs give whole seconds, and what was under way when it was refused first may have ended well. */
const graceMs = 2000;
const recentMs = 15_000;

/** Whether the only peer was refused, and requests were answered well after that, the last a moment ago: what is away now may have come back before. */
export function comesAndGoes(hop: Hop, hops: readonly Hop[], firstMs: number, log: Known<NginxAccessLog>, nowMs: number): boolean {
  const lastGoodMs = log.state === 'known' ? (log.value.lastGoodMs ?? 0) : 0;
  if (lastGoodMs <= firstMs + graceMs || lastGoodMs < nowMs - recentMs) return false;
  // Of several the last good answer may be another's.
  return isOnlyPeer(hop, hops);
}

/** Whether a good answer can be no other peer's: none is in use but those that answer nobody. */
export function isOnlyPeer(hop: Hop, hops: readonly Hop[], mute: ReadonlySet<string> = new Set()): boolean {
  return hops.every(other => other === hop || other.routes.length === 0 || mute.has(other.peer.id));
}
