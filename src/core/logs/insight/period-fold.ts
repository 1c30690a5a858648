/** Folding counts at a period: where in the cycle failures come, and whether the cycle is really twice or half as long. */
import type { Proven } from './period.ts';
import { windowStart, type Pulses } from './period-test.ts';
import { lnFisherTail } from './statistics.ts';

export interface Fold {
  readonly period: number;
  /** The middle of the window that holds most. */
  readonly phase: number;
  readonly window: number;
  /** How many standard deviations it holds more than others. */
  readonly score: number;
}

/** The period near the candidate and the window of its cycle that stands out most, for windows of several widths. */
export function foldsNear(pulses: Pulses, near: number): readonly Fold[] {
  const { period, phase } = sharpen(pulses, near);
  const folds: Fold[] = [];
  for (let window = 1; window * 5 <= period && window <= 4096; window = Math.ceil(window * 1.6)) {
    const reach = Math.ceil(Math.max(window / 2, period / 32, 1));
    const cycles = Math.max(1, pulses.bins / period);
    const spread = Math.sqrt(cycles * window * pulses.variance);
    let best: Fold = { period, phase, window, score: 0 };
    for (let shift = -reach; shift <= reach; shift += Math.max(1, window / 8)) {
      const score = (pulses.folded(period, phase + shift, window) - cycles * window * pulses.mean) / Math.max(spread, 1e-9);
      if (score > best.score) best = { period, phase: phase + shift, window, score };
    }
    folds.push(best);
  }
  return folds;
}

/** The period near the candidate whose fold is the most peaked, and where the peak is. */
function sharpen(pulses: Pulses, near: number): { readonly period: number; readonly phase: number } {
  const { bins, filled, amounts } = pulses;
  const places = Math.max(8, Math.min(48, Math.floor(near)));
  // The spectrum leaves the frequency open by a fifth of a cycle over the whole span; a step shifts its end by a place.
  const turns = Math.ceil(0.2 * places);
  const reach = (0.2 * near) / bins;
  let best = { period: near, phase: 0 };
  let bestPeak = -1;
  const profile = amounts instanceof Int32Array ? new Int32Array(places) : new Float64Array(places);
  for (let turn = -turns; turn <= turns; turn += 1) {
    const period = near * (1 + (reach * turn) / turns);
    const frequency = 1 / period;
    profile.fill(0);
    for (let index = 0; index < filled.length; index += 1) {
      const cycles = ((filled[index] ?? 0) + 0.5) * frequency;
      const place = ((cycles - (cycles | 0)) * places) | 0;
      profile[place] = (profile[place] ?? 0) + (amounts[index] ?? 0);
    }
    for (let place = 0; place < places; place += 1) {
      // Two places: a pulse may lie on the border of them.
      const peak = (profile[place] ?? 0) + (profile[(place + 1) % places] ?? 0);
      if (peak > bestPeak) {
        bestPeak = peak;
        best = { period, phase: (((place + 1) / places) % 1) * period };
      }
    }
  }
  return best;
}

/** The lag near the candidate after which failures follow each other most, against the lags around it. */
export function drift(pulses: Pulses, near: number): Omit<Fold, 'phase'> | undefined {
  let best: Omit<Fold, 'phase'> | undefined;
  for (const window of [1, 2, 4]) {
    if (window * 8 > near) continue;
    const usual = usualFollowers(pulses, near, window);
    for (const shift of [-1, 0, 1]) {
      const period = near + (shift * window) / 2;
      const score = (followers(pulses, period, window) - usual.mean) / usual.spread;
      if (score > (best?.score ?? 0)) best = { period, window, score };
    }
  }
  return best;
}

function usualFollowers(pulses: Pulses, period: number, window: number): { readonly mean: number; readonly spread: number } {
  const others = [-5, -3, -2, 2, 3, 5].map(step => followers(pulses, period + (step * period) / 16, window));
  const mean = others.reduce((sum, other) => sum + other, 0) / others.length;
  const variance = others.reduce((sum, other) => sum + (other - mean) ** 2, 0) / others.length;
  // Counts of followers vary at least as those of independent events.
  return { mean, spread: Math.sqrt(Math.max(1, mean, variance)) };
}

function followScore(pulses: Pulses, period: number, window: number): number {
  const { mean, spread } = usualFollowers(pulses, period, window);
  return (followers(pulses, period, window) - mean) / spread;
}

function followers(pulses: Pulses, period: number, window: number): number {
  return pulses.followed(windowStart(period, 0.5, window, 1), window);
}

/** The period itself, where the proven one is a multiple or a part of it. */
export function toFundamental(pulses: Pulses, proven: Proven): Proven {
  if (proven.drifts) {
    const { period, window } = proven;
    const own = followScore(pulses, period, window);
    const part = [3, 2].find(divisor => period / divisor >= 2.5 && window * 4 <= period && followScore(pulses, period / divisor, window) > 0.6 * own);
    return part === undefined ? proven : { ...proven, period: period / part };
  }
  let current = proven;
  for (const factor of [5, 3, 2, 2]) {
    const part = { ...current, period: current.period / factor, phase: current.phase % (current.period / factor) };
    if (part.period < 2.5 * current.window) continue;
    const slots = meansBySlot(pulses, part, factor);
    const top = Math.max(...slots.map(({ mean }) => mean));
    if (slots.every(({ mean, error, cycles }) => cycles >= 4 && mean > 0.5 * top && mean > 4 * error)) current = part;
  }
  // A wider window than the one of the proof, so that no beat falls out of it at its border.
  const wide = { ...current, window: Math.max(1, Math.min(current.window * 2 + 1, Math.floor(current.period / 5))) };
  let best = current;
  let leastChance = Math.log(1e-6);
  for (let factor = 2; factor <= 12; factor += 1) {
    const [top, ...rest] = meansBySlot(pulses, wide, factor).toSorted((x, y) => y.mean - x.mean);
    if (top === undefined || top.cycles < 4) continue;
    const others = rest.reduce((sum, { mean }) => sum + mean / rest.length, 0);
    const lnP = lnFisherTail(
      top.met,
      top.cycles,
      rest.reduce((sum, { met }) => sum + met, 0),
      rest.reduce((sum, { cycles }) => sum + cycles, 0),
    );
    if (others >= 0.25 * top.mean || lnP >= leastChance) continue;
    leastChance = lnP;
    best = { ...current, period: current.period * factor, phase: (current.phase + top.slot * current.period) % (current.period * factor) };
  }
  return best;
}

interface Slot {
  readonly slot: number;
  readonly mean: number;
  readonly error: number;
  readonly cycles: number;
  /** Cycles whose window holds more than usual by half a failure at least. */
  readonly met: number;
}

/** What windows hold more than usual, by the number of their cycle modulo `factor`. */
function meansBySlot(pulses: Pulses, { period, phase, window }: Proven, factor: number): readonly Slot[] {
  const sums = new Float64Array(factor);
  const squares = new Float64Array(factor);
  const cycles = new Float64Array(factor);
  const met = new Float64Array(factor);
  const usual = window * pulses.mean;
  for (let cycle = 0; ; cycle += 1) {
    const start = windowStart(period, phase, window, cycle);
    if (start + window > pulses.bins) break;
    const more = pulses.between(start, start + window) - usual;
    const slot = cycle % factor;
    sums[slot] = (sums[slot] ?? 0) + more;
    squares[slot] = (squares[slot] ?? 0) + more * more;
    cycles[slot] = (cycles[slot] ?? 0) + 1;
    if (more >= 0.5) met[slot] = (met[slot] ?? 0) + 1;
  }
  return [...sums].map((sum, slot) => {
    const n = Math.max(1, cycles[slot] ?? 0);
    const mean = sum / n;
    return { slot, mean, error: Math.sqrt(Math.max(1e-9, (squares[slot] ?? 0) / n - mean * mean) / n), cycles: n, met: met[slot] ?? 0 };
  });
}
