import type { MemoryRoom } from '../model/memory-rooms.ts';
import type { Pool } from './measure.ts';

/** What was seen of the load of a pool, as a clause. */
export function seenText(pool: Pool): string {
  const { need, perUnit, limit = 0 } = pool;
  const parts: string[] = [];
  const most = perUnit === undefined ? undefined : limit * perUnit;
  if (need.samples !== undefined) {
    const of = perUnit === undefined ? '' : ` of ${most ?? 0}`;
    const busy = `${need.busy ?? 0}${of} busy in ${need.samples} samples`;
    parts.push(need.isFull === true ? `All busy in each of ${need.samples} samples` : `At most ${busy}`);
    if ((need.waited ?? 0) > 0) parts.push(`${need.waited} waited`);
  }
  if (need.log !== undefined) {
    const { peak, requests, by } = need.log;
    const kind = by === 'upstream' ? 'at most' : 'fewer than';
    parts.push(`the log shows ${kind} ${by === 'upstream' ? peak : Math.ceil(peak + 0.1)} at once in ${requests} requests`);
  }
  if (need.saidFull > 0) parts.push(`its log said ${need.saidFull === 1 ? 'once' : `${need.saidFull} times`} that it had reached its limit`);
  const text = parts.length === 0 ? 'It was not sampled' : parts.join(', ');
  return upperFirst(text);
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `this host`, `MemoryMax of shop.service`, `control group shop.service`. */
export function roomName({ kind, name }: MemoryRoom): string {
  if (kind === 'host') return 'this host';
  return kind === 'unit' ? `MemoryMax of ${name}` : `control group ${name.split('/').findLast(part => part !== '') ?? '/'}`;
}

/** The largest number of requests at once that was seen, and where. */
export function neededText({ need }: Pool): string | undefined {
  const sampled = need.busy ?? 0;
  const logged = need.loggedPeak;
  if (logged > sampled && need.log !== undefined) {
    const { requests, meanMs, peakAt } = need.log;
    return `${need.log.peak} at once at ${peakAt.slice(11, 19)} UTC (${requests} requests of ${meanMs} ms on average)`;
  }
  return sampled > 0 ? `${sampled} busy in the samples` : undefined;
}
