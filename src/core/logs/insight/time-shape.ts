/** What failures look like in time: once, in bursts, with a period, steady or scattered. */
import type { ProblemShape } from '../../model/logs-report.ts';
import { findBursts, type Stretch } from './bursts.ts';
import { comeEvenly, evenSpacing } from './even-spacing.ts';
import { countBefore, eventsOf, type Events } from './events.ts';
import { sumOf, type Grid } from './grid.ts';
import { isOngoing } from './ongoing.ts';
import { findPeriod, type Period, type PeriodInput } from './period.ts';
import { countText, isoTime, rateText, spanText } from './words.ts';

export interface ShapeInput {
  readonly counts: Float64Array;
  readonly exposure: Float64Array;
  /** Requests by bin, where there is an access log. */
  readonly load: Float64Array | undefined;
  readonly grid: Grid;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly endMs: number;
  /** Times of failures as far as they are known, ascending. */
  readonly timesMs: readonly number[];
  /** All of them are known. */
  readonly knowsAllTimes: boolean;
  readonly looksForPeriod: boolean;
}

/** The shape, and what was measured on the way. */
export interface Shaped {
  readonly shape: ProblemShape;
  readonly ongoing: boolean;
  /** In order of time. */
  readonly stretches: readonly Stretch[];
  readonly period: Period | undefined;
  /** Failures outside of the stretches. */
  readonly rest: number;
}

const mostBursts = 20;
/** Bursts are what it is about where they hold this share of the failures. */
const burstShare = 0.2;
const periodShare = 0.1;
/** Bins of a search for a period at most. */
const periodBins = 1 << 14;
const shortMs = 60_000;
/** The stretch in which periods are looked for that are too short for the buckets. */
const crowdedMs = 8_192_000;
/** A period is not longer than so many times the distance of failures that come evenly. */
const mostDistances = 1.5;

export function shapeInTime(input: ShapeInput): Shaped {
  const { counts, exposure, grid, lastMs, endMs } = input;
  const total = sumOf(counts);
  const events = eventsOf(counts);
  const { stretches } = findBursts(counts, exposure, events);
  const inside = stretches.reduce((sum, { count }) => sum + count, 0);
  const found = input.looksForPeriod ? periodOf(input, events) : undefined;
  const period = found !== undefined && found.share >= periodShare ? found : undefined;
  const isBursty = total > 1 && inside >= Math.max(3, burstShare * total);
  const ongoing = isOngoing({ counts, exposure, grid, lastMs, endMs, period, stretches: isBursty ? stretches : [] });
  const described = stretches
    .toSorted((a, b) => b.count - a.count)
    .slice(0, mostBursts)
    .sort((a, b) => a.from - b.from)
    .map(stretch => burstOf(stretch, input));
  const shape = { ...nameOf(input, events, total, described, inside, isBursty, period, stretches.length), bursts: described };
  return { shape, ongoing, stretches, period, rest: total - inside };
}

type Burst = ProblemShape['bursts'][number];

function nameOf(
  { grid, firstMs, lastMs, endMs }: ShapeInput,
  events: Events,
  total: number,
  bursts: readonly Burst[],
  inside: number,
  isBursty: boolean,
  period: Period | undefined,
  burstCount: number,
): Omit<ProblemShape, 'bursts'> {
  if (total <= 1) return { when: 'once', text: 'once' };
  const spanMs = lastMs - firstMs;
  if (period !== undefined) {
    const { everyMs, plusMinusMs, pValue, met, cycles, share } = period;
    const rest = share < 0.9 ? `; ${countText(total * (1 - share))} others come at any time` : '';
    const text = `every ${spanText(everyMs)} ± ${spanText(plusMinusMs)}, in ${countText(met)} of ${countText(cycles)} cycles${rest}`;
    return { when: 'periodic', text, period: { everyMs, plusMinusMs, pValue } };
  }
  const [first] = bursts;
  if (isBursty && first !== undefined) {
    const rest = total > inside ? `; ${countText(total - inside)} outside of ${burstCount === 1 ? 'it' : 'them'}` : '';
    const lastsMs = Date.parse(first.to) - Date.parse(first.from);
    if (burstCount === 1) {
      // What began and did not end is no burst, however long it has lasted.
      const reachesEnd = endMs - Date.parse(first.to) <= Math.max(grid.widthMs, 30_000);
      if (reachesEnd && lastsMs > 600_000) return { when: 'steady', text: `${rateText(first.count, lastsMs)} for the last ${spanText(lastsMs)}${rest}` };
      return { when: 'burst', text: `${countText(first.count)} within ${spanText(Math.max(lastsMs, 1000))}${rest}` };
    }
    return { when: 'bursts', text: `${countText(inside)} in ${countText(burstCount)} bursts${rest}` };
  }
  if (spanMs <= shortMs && spanMs < 0.2 * grid.widthMs * grid.bins) {
    return { when: 'burst', text: `${countText(total)} within ${spanText(Math.max(spanMs, 1000))}` };
  }
  if (isSteady(events, total)) return { when: 'steady', text: `${rateText(total, Math.max(spanMs, grid.widthMs))} over ${spanText(spanMs)}` };
  return { when: 'scattered', text: `${countText(total)} scattered over ${spanText(spanMs)}` };
}

/** Present in nearly all parts of the time from the first to the last. */
function isSteady({ filled }: Events, total: number): boolean {
  const first = filled[0] ?? 0;
  const last = filled.at(-1) ?? 0;
  const parts = Math.min(24, Math.floor(total / 4), last - first + 1);
  if (parts < 2) return total >= 4;
  let held = 0;
  for (let part = 0; part < parts; part += 1) {
    const from = first + Math.floor(((last + 1 - first) * part) / parts);
    const to = first + Math.floor(((last + 1 - first) * (part + 1)) / parts);
    if (countBefore(filled, to) > countBefore(filled, from)) held += 1;
  }
  return held >= 0.75 * parts;
}

/** A burst between its first and last failure, as exactly as they are known. */
function burstOf({ from, to, count }: Stretch, { grid, timesMs, knowsAllTimes, firstMs, lastMs }: ShapeInput): Burst {
  const fromMs = grid.startMs + from * grid.widthMs;
  const toMs = grid.startMs + to * grid.widthMs;
  const inside = timesMs.filter(time => time >= fromMs && time < toMs);
  const [first, last] = [inside[0], inside.at(-1)];
  // Of a choice of times the first and the last are near the ends only where there are many.
  if (first !== undefined && last !== undefined && (knowsAllTimes || inside.length >= 20)) return { from: isoTime(first), to: isoTime(last), count };
  return { from: isoTime(Math.max(fromMs, firstMs)), to: isoTime(Math.min(toMs, lastMs)), count };
}

/** Of failures that come evenly, their distance; a multiple of it, which bins may show, is no period. */
function periodOf(input: ShapeInput, events: Events): Period | undefined {
  const { timesMs, knowsAllTimes, grid } = input;
  const found = searched(input, events);
  if (!comeEvenly(events, timesMs)) return found;
  const first = events.filled[0] ?? 0;
  const distanceMs = (((events.filled.at(-1) ?? 0) - first + 1) * grid.widthMs) / sumOf(input.counts);
  if (found !== undefined && found.everyMs < mostDistances * distanceMs) return found;
  return knowsAllTimes && !failsWithLoad(input, events) ? evenSpacing(timesMs) : undefined;
}

/** Most requests of the time fail, so that they come as evenly as requests do. */
function failsWithLoad({ counts, load }: ShapeInput, { filled }: Events): boolean {
  if (load === undefined) return false;
  const requests = filled.reduce((sum, bin) => sum + (load[bin] ?? 0), 0);
  return requests > 0 && sumOf(counts) >= 0.5 * requests;
}

function searched(input: ShapeInput, events: Events): Period | undefined {
  const { grid, counts, timesMs, knowsAllTimes, load } = input;
  const spanMs = grid.widthMs * grid.bins;
  // Where all times are known, bins may be as narrow as the span allows; where some are, the buckets have more to tell.
  if (timesMs.length > 0 && knowsAllTimes && spanMs / periodBins < grid.widthMs / 2) return findPeriod(binned(input, timesMs, grid.startMs, spanMs)).period;
  const { period: found, mayBeShorter } = findPeriod({
    ...narrow(counts, grid, events),
    timesMs,
    ...(load === undefined ? {} : { load: narrow(load, grid).counts }),
  });
  // A short period, or twice one, is told apart by exact times only: those of the stretch that has the most.
  const isShort = found === undefined ? mayBeShorter : found.everyMs <= 12 * grid.widthMs;
  if (timesMs.length === 0 || !isShort) return found;
  const window = crowded(timesMs, crowdedMs);
  const lastMs = window.timesMs.at(-1) ?? window.startMs;
  return findPeriod(binned(input, window.timesMs, window.startMs, Math.min(crowdedMs, lastMs - window.startMs + 1000))).period ?? found;
}

/** The times in bins of whole seconds; the load of a bin is that of its part of the grid's. */
function binned({ load, grid }: ShapeInput, timesMs: readonly number[], startMs: number, spanMs: number): PeriodInput {
  const widthMs = 1000 * Math.max(1, Math.ceil(spanMs / 1000 / periodBins));
  const counts = new Float64Array(Math.max(1, Math.ceil(spanMs / widthMs)));
  for (const time of timesMs) {
    const bin = Math.floor((time - startMs) / widthMs);
    if (bin >= 0 && bin < counts.length) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  if (load === undefined) return { counts, widthMs, startMs, timesMs };
  const spread = counts.map((_, bin) => load[Math.floor((startMs + bin * widthMs - grid.startMs) / grid.widthMs)] ?? 0);
  return { counts, widthMs, startMs, timesMs, load: spread };
}

/** The counts in at most as many bins as a search takes. */
function narrow(counts: Float64Array, grid: Grid, events?: Events): Pick<PeriodInput, 'counts' | 'events' | 'widthMs' | 'startMs'> {
  const factor = Math.ceil(counts.length / periodBins);
  if (factor <= 1) return { counts, ...(events === undefined ? {} : { events }), widthMs: grid.widthMs, startMs: grid.startMs };
  const narrowed = new Float64Array(Math.ceil(counts.length / factor));
  for (let at = 0; at < counts.length; at += 1) {
    const bin = Math.floor(at / factor);
    narrowed[bin] = (narrowed[bin] ?? 0) + (counts[at] ?? 0);
  }
  return { counts: narrowed, widthMs: grid.widthMs * factor, startMs: grid.startMs };
}

/** The span of this length that holds the most times. */
function crowded(timesMs: readonly number[], spanMs: number): { readonly startMs: number; readonly timesMs: readonly number[] } {
  let [best, bestFrom, bestTo, to] = [-1, 0, 0, 0];
  for (let from = 0; from < timesMs.length; from += 1) {
    while (to < timesMs.length && (timesMs[to] ?? 0) < (timesMs[from] ?? 0) + spanMs) to += 1;
    if (to - from > best) [best, bestFrom, bestTo] = [to - from, from, to];
  }
  return { startMs: timesMs[bestFrom] ?? 0, timesMs: timesMs.slice(bestFrom, bestTo) };
}

/** Of the requests of a stretch, the share that failed. */
export function shareInside(stretch: Stretch, load: Float64Array): number {
  const requests = sumOf(load, stretch.from, stretch.to);
  return requests === 0 ? 1 : Math.min(1, stretch.count / requests);
}
