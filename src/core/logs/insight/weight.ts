/**
 * What an on-call engineer calls a problem, and what is nothing: a rare failure here and there is how networks are, clients leave, and
 * scanners ask for what is not there.
 */
import type { MessageClass } from '../../model/facts/logs.ts';
import type { Stretch } from './bursts.ts';
import type { Group } from './groups.ts';
import { shareInterval } from './statistics.ts';
import { shareInside, type Shaped } from './time-shape.ts';
import type { Where } from './where.ts';

export interface WeightInput {
  readonly group: Group;
  readonly shaped: Shaped;
  /** All requests; 0 where there is no access log. */
  readonly requests: number;
  /** By bin; absent where there is no access log. */
  readonly load: Float64Array | undefined;
  /** Lines of all logs together. */
  readonly lines: number;
  /** From the first line of all logs to the last. */
  readonly spanMs: number;
  /** The requests were refused by order: a limit of their rate. */
  readonly isByOrder: boolean;
}

/** Of all requests, the share that is told even where nothing else is special about it. */
const leastShare = 0.001;
const leastShareOfClients = 0.1;
const leastShareOfRetries = 0.01;
const fewest = 3;
/** What somebody cut out of a log to ask about it. */
const smallLog = { lines: 20, spanMs: 900_000 } as const;
const burst = { failures: 10, share: 0.02, clients: 30, shareOfClients: 0.1 } as const;
/** Messages without an access log to measure them by: so many an hour are told. */
const messagesAnHour = 6;
const hourMs = 3_600_000;

/** Each of these proves something that no healthy host has. */
const neverUsual: ReadonlySet<MessageClass> = new Set<MessageClass>([
  'worker-connections',
  'too-many-open-files',
  'disk-full',
  'resolver-missing',
  'connect-denied',
  'connect-no-local-port',
  'out-of-memory',
]);

/** Answers that nginx gives for what the client asked: a method or a version that it does not know. */
const refused = new Set([501, 505]);

/** Whether a group is a problem by its number and its shape. */
export function weighs({ group, shaped, requests, load, lines, spanMs, isByOrder }: WeightInput): boolean {
  const { count } = group;
  const [low] = shareInterval(count, requests);
  const { stretches, period } = shaped;
  const inBurst = (failures: number, share: number): boolean => stretches.some(one => one.count >= failures && shareOf(one, load) >= share);
  const isClients = group.madeBy === 'client' && group.kind === 'requests';
  if (isClients || isByOrder || (group.status !== undefined && refused.has(group.status))) {
    return (count >= burst.clients && low >= leastShareOfClients) || inBurst(burst.clients, burst.shareOfClients);
  }
  if (group.kind === 'messages' && group.class !== undefined && neverUsual.has(group.class)) return true;
  if (period !== undefined) return true;
  if (group.kind === 'retries') return (count >= 5 && low >= leastShareOfRetries) || inBurst(burst.clients, burst.shareOfClients);
  if (inBurst(burst.failures, burst.share)) return true;
  if (lines <= smallLog.lines && spanMs <= smallLog.spanMs) return true;
  if (requests === 0) return count >= fewest && count / Math.max(spanMs, hourMs / 6) >= messagesAnHour / hourMs;
  return count >= fewest && low >= leastShare;
}

/** Whether a group is one because of where it fails: of that, a share fails that nobody would bear. */
export function weighsBy({ told }: Where, { group, isByOrder }: WeightInput): boolean {
  if (isByOrder || (group.madeBy === 'client' && group.kind === 'requests')) return false;
  return told.some(({ value: { dimension, amongFailing, failingShare }, oddsLow }) => {
    const failures = amongFailing * group.count;
    if (dimension === 'client' || dimension === 'network' || dimension === 'user-agent') return failures >= 20 && failingShare >= 0.2 && oddsLow >= 10;
    return failures >= 10 && failingShare >= 0.02 && oddsLow >= 5;
  });
}

/** One client that nginx turns away without asking anybody: a limit of its rate, told or not. */
export function isTurnedAway({ told }: Where, { status, madeBy, peers }: Group): boolean {
  if (status !== 503 || madeBy === 'backend' || peers.size > 0) return false;
  return told.some(({ value: { dimension, amongFailing } }) => (dimension === 'client' || dimension === 'network') && amongFailing >= 0.6);
}

/** Too few failures to look where they are. */
export function isTooFew({ count }: Group): boolean {
  return count < 10;
}

/** What is left without its bursts is nothing by itself. */
export function isOnlyBursts({ group, shaped, requests, spanMs, ...rest }: WeightInput): boolean {
  if (shaped.stretches.length === 0 || shaped.period !== undefined || shaped.rest === group.count) return false;
  const without = { ...shaped, stretches: [], period: undefined };
  return !weighs({ group: { ...group, count: shaped.rest }, shaped: without, requests, spanMs, ...rest });
}

function shareOf(stretch: Stretch, load: Float64Array | undefined): number {
  return load === undefined ? 1 : shareInside(stretch, load);
}
