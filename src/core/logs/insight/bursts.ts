/**
 * Stretches of time in which far more fails than outside of them.
 *
 * Each bin is given the logarithm of how much likelier its failures are at a raised rate than at the rate outside (Poisson, in
 * proportion to what was exposed to failing: the requests of the bin, or its time). All stretches of highest sum are found in one
 * pass (Ruzzo and Tompa 1999); a sum of S or more stands by chance somewhere in n bins at most n·e^-S times (Karlin and Altschul 1990).
 */
import { sumOf } from './grid.ts';
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

export function findBursts(counts: Float64Array, exposure: Float64Array): Bursts {
  const all = sumOf(counts);
  const exposed = sumOf(exposure);
  if (all < 3 || exposed <= 0) return { stretches: [], background: exposed > 0 ? all / exposed : 0 };
  let background = quietRate(counts, exposure, all / exposed);
  let stretches: readonly Stretch[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    stretches = stretchesAt(counts, exposure, background);
    const inside = stretches.reduce((sum, { count }) => sum + count, 0);
    const insideExposed = stretches.reduce((sum, { from, to }) => sum + sumOf(exposure, from, to), 0);
    // Half a failure more: outside, none may have been seen at all.
    const next = (all - inside + 0.5) / Math.max(exposed - insideExposed, exposed / 1000);
    const settled = Math.abs(next - background) <= 0.02 * background;
    background = next;
    if (settled) break;
  }
  return { stretches, background };
}

/** What a quarter of the time does not exceed: an outage of half the time does not hide itself in the mean. */
function quietRate(counts: Float64Array, exposure: Float64Array, mean: number): number {
  const size = Math.max(1, Math.ceil(counts.length / quietParts));
  const rates: number[] = [];
  for (let from = 0; from < counts.length; from += size) {
    const exposed = sumOf(exposure, from, Math.min(counts.length, from + size));
    if (exposed > 0) rates.push((sumOf(counts, from, Math.min(counts.length, from + size)) + 0.5) / exposed);
  }
  return Math.min(mean, quantileOf(Float64Array.from(rates).sort(), 0.25));
}

/** Those of the lift that explains most, each cut to what a rate of its own makes of it. */
function stretchesAt(counts: Float64Array, exposure: Float64Array, background: number): readonly Stretch[] {
  let best: readonly Stretch[] = [];
  let bestGain = 0;
  for (const lift of lifts) {
    const found = highestSums(counts, exposure, background, lift, 0, counts.length)
      .map(({ from, to }) => sharpen(counts, exposure, background, from, to))
      .filter(stretch => stretch !== undefined);
    const gain = found.reduce((sum, { lnP }) => sum - lnP, 0);
    if (gain > bestGain) [best, bestGain] = [found, gain];
  }
  return best;
}

/** The best part of a stretch at the rate that it has itself, again until nothing changes. */
function sharpen(counts: Float64Array, exposure: Float64Array, background: number, first: number, end: number): Stretch | undefined {
  let [from, to] = [first, end];
  let lift = 0;
  let score = 0;
  for (let turn = 0; turn < 6; turn += 1) {
    const count = sumOf(counts, from, to);
    lift = count / Math.max(sumOf(exposure, from, to) * background, 1e-9);
    if (lift < leastLift) return undefined;
    let best = { from, to, score: 0 };
    for (const each of highestSums(counts, exposure, background, lift, from, to)) if (each.score > best.score) best = each;
    score = best.score;
    if (best.from === from && best.to === to) break;
    [from, to] = [best.from, best.to];
  }
  const lnP = Math.log(counts.length * lifts.length) - score;
  return lnP > mostLnP ? undefined : { from, to, count: sumOf(counts, from, to), lift, lnP };
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
function highestSums(counts: Float64Array, exposure: Float64Array, background: number, lift: number, first: number, end: number): readonly Scored[] {
  const gain = Math.log(lift);
  const cost = (lift - 1) * background;
  const done: Scored[] = [];
  const { from, to, left, right, lower } = stackOf(end - first);
  let height = 0;
  const close = (): void => {
    for (let at = 0; at < height; at += 1) {
      const score = (right[at] ?? 0) - (left[at] ?? 0);
      if (score > leastScore) done.push({ from: from[at] ?? 0, to: to[at] ?? 0, score });
    }
    height = 0;
  };
  let sum = 0;
  for (let at = first; at < end; at += 1) {
    const score = (counts[at] ?? 0) * gain - (exposure[at] ?? 0) * cost;
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
    to[height] = at + 1;
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
