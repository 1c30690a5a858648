/**
 * Stretches of time in which far more fails than outside of them.
 *
 * Each bin is given the logarithm of how much likelier its failures are at a raised rate than at the rate outside (Poisson, in
 * proportion to what was exposed to failing: the requests of the bin, or its time). All stretches of highest sum are found in one
 * pass (Ruzzo and Tompa 1999); a sum of S or more stands by chance somewhere in n bins at most n·e^-S times (Karlin and Altschul 1990).
 */
import { sumOf } from './grid.ts';

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
const lifts = [6, 40, 400, 4000];

export function findBursts(counts: Float64Array, exposure: Float64Array): Bursts {
  const all = sumOf(counts);
  const exposed = sumOf(exposure);
  if (all < 3 || exposed <= 0) return { stretches: [], background: exposed > 0 ? all / exposed : 0 };
  let background = all / exposed;
  let stretches: readonly Stretch[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
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

/** Those of the lift that explains most, each cut to what a rate of its own makes of it. */
function stretchesAt(counts: Float64Array, exposure: Float64Array, background: number): readonly Stretch[] {
  let best: readonly Stretch[] = [];
  let bestGain = 0;
  for (const lift of lifts) {
    const found = highestSums(counts, exposure, background, lift, 0, counts.length)
      .filter(({ score }) => score > 3)
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
  for (let turn = 0; turn < 8; turn += 1) {
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

/** All stretches of bins whose sum of scores cannot be raised by making them longer or shorter, in order. */
function highestSums(counts: Float64Array, exposure: Float64Array, background: number, lift: number, first: number, end: number): readonly Scored[] {
  const gain = Math.log(lift);
  const cost = (lift - 1) * background;
  const done: Scored[] = [];
  // `left` and `right`: the sum of scores before and behind it; `lower`: the one before it whose `left` is lower.
  let list: { from: number; to: number; left: number; right: number; lower: number }[] = [];
  let sum = 0;
  for (let at = first; at < end; at += 1) {
    const score = (counts[at] ?? 0) * gain - (exposure[at] ?? 0) * cost;
    const before = sum;
    sum += score;
    if (score <= 0) continue;
    const open = { from: at, to: at + 1, left: before, right: sum, lower: -1 };
    for (;;) {
      let index = list.length - 1;
      while (index >= 0 && (list[index]?.left ?? 0) >= open.left) index = list[index]?.lower ?? -1;
      open.lower = index;
      const partner = list[index];
      if (partner === undefined) {
        // Nothing that comes later can reach back over this low.
        for (const { from, to, left, right } of list) done.push({ from, to, score: right - left });
        list = [];
        break;
      }
      if (partner.right >= open.right) break;
      open.from = partner.from;
      open.left = partner.left;
      list.length = index;
    }
    list.push(open);
  }
  for (const { from, to, left, right } of list) done.push({ from, to, score: right - left });
  return done;
}
