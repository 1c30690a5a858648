/**
 * Stretches of time in which far more fails than outside of them.
 *
 * Each bin is given the logarithm of how much likelier its failures are at a raised rate than at the rate outside (Poisson, in
 * proportion to what was exposed to failing: the requests of the bin, or its time). All stretches of highest sum are found in one
 * pass (Ruzzo and Tompa 1999); a sum of S or more stands by chance somewhere in n bins at most n·e^-S times (Karlin and Altschul 1990).
 */
import { countBefore, eventsOf, runningSums, type Events } from './events.ts';
import { quantileOf } from './statistics.ts';

/** Bins `from` to `to` (not taken). */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** How much the failures in it are more than its exposure lets expect, as a factor of the rate outside all stretches. */
  readonly lift: number;
  /** The logarithm of the chance that it stands there without a cause. */
  readonly lnP: number;
}

export interface Bursts {
  readonly stretches: readonly Stretch[];
  /** Failures a unit of exposure outside of them. */
  readonly background: number;
}

/** A lift below this is a change of the load or of luck, nothing that one would call a burst. */
const leastLift = 5;
const mostLnP = Math.log(1e-6);
const quietParts = 32;
const lifts = [6, 50, 1000];

/** `events`: those of the counts, where they are known. */
export function findBursts(counts: Float64Array, exposure: Float64Array, events: Events = eventsOf(counts)): Bursts {
  const series = { events, failed: runningSums(events.amounts), exposure, exposed: sumsOf(exposure) };
  const all = failedIn(series, 0, events.bins);
  const exposed = exposedIn(series, 0, events.bins);
  if (all < 3 || exposed <= 0) return { stretches: [], background: exposed > 0 ? all / exposed : 0 };
  let background = quietRate(series, all / exposed);
  let stretches: readonly Stretch[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    stretches = stretchesAt(series, background);
    const inside = stretches.reduce((sum, { count }) => sum + count, 0);
    const insideExposed = stretches.reduce((sum, { from, to }) => sum + exposedIn(series, from, to), 0);
    // Half a failure more: outside, none may have been seen at all.
    const next = (all - inside + 0.5) / Math.max(exposed - insideExposed, exposed / 1000);
    const settled = Math.abs(next - background) <= 0.02 * background;
    background = next;
    if (settled) break;
  }
  return { stretches, background };
}

/** Only bins with failures are gone through: what lies between them is a difference of running sums. */
interface Failures {
  readonly events: Events;
  /** Entry i: in the first i of the filled bins. */
  readonly failed: Float64Array;
  readonly exposure: Float64Array;
  /** Entry i: of the first i bins. */
  readonly exposed: Float64Array;
}

const knownSums = new WeakMap<Float64Array, Float64Array>();

/** The exposure of all groups is mostly the same, and nobody writes to it. */
function sumsOf(exposure: Float64Array): Float64Array {
  let sums = knownSums.get(exposure);
  if (sums === undefined) knownSums.set(exposure, (sums = runningSums(exposure)));
  return sums;
}

function failedIn({ events, failed }: Failures, from: number, to: number): number {
  return (failed[countBefore(events.filled, to)] ?? 0) - (failed[countBefore(events.filled, from)] ?? 0);
}

function exposedIn({ exposed }: Failures, from: number, to: number): number {
  return (exposed[to] ?? 0) - (exposed[from] ?? 0);
}

/** What a quarter of the time does not exceed: an outage of half the time does not hide itself in the mean. */
function quietRate(series: Failures, mean: number): number {
  const { bins } = series.events;
  const size = Math.max(1, Math.ceil(bins / quietParts));
  const rates: number[] = [];
  for (let from = 0; from < bins; from += size) {
    const to = Math.min(bins, from + size);
    const exposed = exposedIn(series, from, to);
    if (exposed > 0) rates.push((failedIn(series, from, to) + 0.5) / exposed);
  }
  return Math.min(mean, quantileOf(Float64Array.from(rates).sort(), 0.25));
}

/** Those of the lift that explains most, each cut to what a rate of its own makes of it. */
function stretchesAt(series: Failures, background: number): readonly Stretch[] {
  let best: readonly Stretch[] = [];
  let bestGain = 0;
  for (const lift of lifts) {
    const found = highestSums(series, background, lift, 0, series.events.bins)
      .map(({ from, to }) => sharpen(series, background, from, to))
      .filter(stretch => stretch !== undefined);
    const gain = found.reduce((sum, { lnP }) => sum - lnP, 0);
    if (gain > bestGain) [best, bestGain] = [found, gain];
  }
  return best;
}

/** The best part of a stretch at the rate that it has itself, again until nothing changes. */
function sharpen(series: Failures, background: number, first: number, end: number): Stretch | undefined {
  let [from, to] = [first, end];
  let lift = 0;
  let score = 0;
  for (let turn = 0; turn < 6; turn += 1) {
    const count = failedIn(series, from, to);
    lift = count / Math.max(exposedIn(series, from, to) * background, 1e-9);
    if (lift < leastLift) return undefined;
    let best = { from, to, score: 0 };
    for (const each of highestSums(series, background, lift, from, to)) if (each.score > best.score) best = each;
    score = best.score;
    if (best.from === from && best.to === to) break;
    [from, to] = [best.from, best.to];
  }
  const lnP = Math.log(series.events.bins * lifts.length) - score;
  return lnP > mostLnP ? undefined : { from, to, count: failedIn(series, from, to), lift, lnP };
}

interface Scored {
  readonly from: number;
  readonly to: number;
  readonly score: number;
}

/** Open stretches, the last on top: where they begin and end, the sum of scores before and behind them, and the one below whose sum before is lower. */
interface Stack {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly lower: Int32Array;
}

/** Lower sums are nothing anybody asks for. */
const leastScore = 3;

/** All stretches of bins whose sum of scores cannot be raised by making them longer or shorter, in order. */
function highestSums({ events, exposure, exposed }: Failures, background: number, lift: number, first: number, end: number): readonly Scored[] {
  const { filled, amounts } = events;
  const gain = Math.log(lift);
  const cost = (lift - 1) * background;
  const done: Scored[] = [];
  const { from, to, left, right, lower } = stackOf(filled.length);
  let height = 0;
  const close = (): void => {
    for (let at = 0; at < height; at += 1) {
      const score = (right[at] ?? 0) - (left[at] ?? 0);
      if (score > leastScore) done.push({ from: from[at] ?? 0, to: to[at] ?? 0, score });
    }
    height = 0;
  };
  let sum = 0;
  let behind = first;
  const last = countBefore(filled, end);
  for (let event = countBefore(filled, first); event < last; event += 1) {
    const at = filled[event] ?? 0;
    if (at > behind) sum -= ((exposed[at] ?? 0) - (exposed[behind] ?? 0)) * cost;
    behind = at + 1;
    const score = (amounts[event] ?? 0) * gain - (exposure[at] ?? 0) * cost;
    let openLeft = sum;
    let openFrom = at;
    sum += score;
    if (score <= 0) continue;
    let index = -1;
    for (;;) {
      index = height - 1;
      while (index >= 0 && (left[index] ?? 0) >= openLeft) index = lower[index] ?? -1;
      if (index === -1) {
        // Nothing that comes later can reach back over this low.
        close();
        break;
      }
      if ((right[index] ?? 0) >= sum) break;
      openFrom = from[index] ?? 0;
      openLeft = left[index] ?? 0;
      height = index;
    }
    from[height] = openFrom;
    to[height] = behind;
    left[height] = openLeft;
    right[height] = sum;
    lower[height] = index;
    height += 1;
  }
  close();
  return done;
}

let spare: Stack = emptyStack(0);

/** The same one each time, as large as it had to be: a log has many groups, and each is gone through some twenty times. */
function stackOf(size: number): Stack {
  if (spare.from.length < size) spare = emptyStack(size);
  return spare;
}

function emptyStack(size: number): Stack {
  return {
    from: new Int32Array(size),
    to: new Int32Array(size),
    left: new Float64Array(size),
    right: new Float64Array(size),
    lower: new Int32Array(size),
  };
}
