/**
 * Whether failures keep to a period, without any belief about how failures come when they have none.
 *
 * Time is cut into windows, each cycle has as many, and each cycle names the rank of the window in which the period says that
 * failures come. Without a period that window is like any other of its cycle, however rare, crowded or clustered failures are:
 * one cycle has one vote. Chernoff's bound over the ranks that each cycle could have named is never below the true chance.
 */

import type { Events, WholeNumbers } from './events.ts';

/** Ranks (−0.5 to 0.5) that a cycle could have named, how likely each is, and the one it did name. */
class Votes {
  readonly #ranks: number[] = [];
  readonly #weights: number[] = [];
  readonly #ends: number[] = [];
  #sum = 0;

  add(ranks: readonly number[], weights: readonly number[], named: number): void {
    for (let index = 0; index < ranks.length; index += 1) {
      this.#ranks.push(ranks[index] ?? 0);
      this.#weights.push(weights[index] ?? 0);
    }
    this.#ends.push(this.#ranks.length);
    this.#sum += named;
  }

  get cycles(): number {
    return this.#ends.length;
  }

  /** The logarithm of a bound for the chance of ranks as high as these. */
  lnP(): number {
    if (this.#sum <= 0) return 0;
    let best = 0;
    for (let theta = 0.4; theta < 300; theta *= 1.35) {
      const bound = this.#bound(theta);
      // It is convex: once it rises, by more than numbers are inexact, it does not fall again.
      if (bound > best + 1e-6) break;
      best = Math.min(best, bound);
    }
    return best;
  }

  #bound(theta: number): number {
    const ranks = this.#ranks;
    const weights = this.#weights;
    let total = -theta * this.#sum;
    let from = 0;
    for (const end of this.#ends) {
      let mean = 0;
      for (; from < end; from += 1) mean += (weights[from] ?? 0) * Math.exp(theta * (ranks[from] ?? 0));
      total += Math.log(mean);
    }
    return total;
  }
}

/** Events with their running sums: what lies in a window is one subtraction. */
export class Pulses implements Events {
  readonly bins: number;
  readonly filled: Int32Array;
  readonly amounts: WholeNumbers;
  readonly sum: number;
  /** Of one bin. */
  readonly mean: number;
  readonly variance: number;
  readonly #sums: WholeNumbers;
  readonly #ranked: WholeNumbers;

  constructor({ bins, filled, amounts }: Events) {
    this.bins = bins;
    this.filled = filled;
    this.amounts = amounts;
    const sums = amounts instanceof Int32Array ? new Int32Array(bins + 1) : new Float64Array(bins + 1);
    let sum = 0;
    let squares = 0;
    let from = 0;
    for (let index = 0; index < filled.length; index += 1) {
      const amount = amounts[index] ?? 0;
      const to = (filled[index] ?? 0) + 1;
      sums.fill(sum, from, to);
      from = to;
      sum += amount;
      squares += amount * amount;
    }
    sums.fill(sum, from);
    this.#sums = sums;
    this.#ranked = amounts instanceof Int32Array ? new Int32Array(bins + 1) : new Float64Array(bins + 1);
    this.sum = sum;
    this.mean = sum / Math.max(1, bins);
    this.variance = squares / Math.max(1, bins) - this.mean ** 2;
  }

  between(from: number, to: number): number {
    const sums = this.#sums;
    const { bins } = this;
    // Nearly all windows lie inside.
    if (from >= 0 && to >= from && to <= bins) return (sums[to] ?? 0) - (sums[from] ?? 0);
    const low = Math.min(bins, Math.max(0, from));
    const high = Math.min(bins, Math.max(low, to));
    return (sums[high] ?? 0) - (sums[low] ?? 0);
  }

  /** What lies in the window of every cycle. */
  folded(period: number, phase: number, window: number): number {
    const sums = this.#sums;
    const { bins } = this;
    let sum = 0;
    for (let cycle = 0; ; cycle += 1) {
      const start = windowStart(period, phase, window, cycle);
      if (start >= bins) return sum;
      const end = start + window;
      sum += start >= 0 && end <= bins ? (sums[end] ?? 0) - (sums[start] ?? 0) : this.between(start, end);
    }
  }

  /** Of each filled bin, what it holds times what lies in the window that begins `lag` bins behind it. */
  followed(lag: number, window: number): number {
    const { bins, filled, amounts } = this;
    const sums = this.#sums;
    let total = 0;
    for (let index = 0; index < filled.length; index += 1) {
      const start = (filled[index] ?? 0) + lag;
      if (start >= bins) break;
      const end = start + window;
      total += (amounts[index] ?? 0) * ((sums[end < bins ? end : bins] ?? 0) - (sums[start] ?? 0));
    }
    return total;
  }

  /** The different ranks among `2 * side + 1` windows around the one that starts at `start`, and that one's; undefined where all are the same. */
  ranksAround(start: number, window: number, side: number): { readonly ranks: number[]; readonly weights: number[]; readonly named: number } | undefined {
    const count = 2 * side + 1;
    const own = this.between(start, start + window);
    const sorted = this.#ranked.subarray(0, count);
    for (let at = 0; at < count; at += 1) {
      const from = start + (at - side) * window;
      sorted[at] = this.between(from, from + window);
    }
    if (this.between(start - side * window, start + (side + 1) * window) === 0) return undefined;
    sorted.sort();
    const ranks: number[] = [];
    const weights: number[] = [];
    let named = 0;
    for (let from = 0; from < count;) {
      let to = from + 1;
      while (to < count && sorted[to] === sorted[from]) to += 1;
      const rank = (from + to) / 2 / count - 0.5;
      ranks.push(rank);
      weights.push((to - from) / count);
      if (sorted[from] === own) named = rank;
      from = to;
    }
    return ranks.length === 1 ? undefined : { ranks, weights, named };
  }
}

/** How many windows lie on each side of the one in question. */
const sideOf = (period: number, window: number): number => Math.floor((period / window - 1) / 2);

/** Start of the window of cycle `cycle`. */
export function windowStart(period: number, phase: number, window: number, cycle: number): number {
  // Never −0, which is no whole number to the engine.
  return Math.round(phase + cycle * period - window / 2) | 0;
}

/** The logarithm of the chance that failures come at one phase of the period so often by luck. `phase`: the middle of its window. */
export function lnPOfFold(pulses: Pulses, period: number, phase: number, window: number): number {
  const side = sideOf(period, window);
  if (side < 2) return 0;
  const votes = new Votes();
  for (let cycle = 0; ; cycle += 1) {
    const start = windowStart(period, phase, window, cycle);
    if (start + (side + 1) * window > pulses.bins) break;
    if (start - side * window < 0) continue;
    const vote = pulses.ranksAround(start, window, side);
    if (vote !== undefined) votes.add(vote.ranks, vote.weights, vote.named);
  }
  return votes.cycles < 4 ? 0 : votes.lnP();
}

/**
 * The logarithm of the chance that failures follow each other after one period so often by luck: for those whose clock starts anew with
 * each of them, so that they drift. All failures of a cycle share its vote.
 */
export function lnPOfLag(pulses: Pulses, period: number, window: number): number {
  const side = sideOf(period, window);
  if (side < 2) return 0;
  const votes = new Votes();
  let [ranks, weights, named, members]: [number[], number[], number, number] = [[], [], 0, 0];
  let cycle = -1;
  const close = (): void => {
    if (members > 0)
      votes.add(
        ranks,
        weights.map(weight => weight / members),
        named / members,
      );
    [ranks, weights, named, members] = [[], [], 0, 0];
  };
  for (const at of pulses.filled) {
    const start = windowStart(period, at + 0.5, window, 1);
    if (start + (side + 1) * window > pulses.bins) break;
    if (Math.floor(at / period) !== cycle) {
      close();
      cycle = Math.floor(at / period);
    }
    const vote = pulses.ranksAround(start, window, side);
    if (vote === undefined) continue;
    ranks.push(...vote.ranks);
    weights.push(...vote.weights);
    named += vote.named;
    members += 1;
  }
  close();
  return votes.cycles < 4 ? 0 : votes.lnP();
}
