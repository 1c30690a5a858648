import type { Histogram } from './roll-up.ts';

/**
 * Steps of a histogram, for whole microseconds v of at most 42 bits:
 * - 0 for v = 0;
 * - 1 + floor(log2 v) for 1 <= v < 1024 (1 to 10);
 * - 11 + (e - 10) * 16 + (floor(v / 2^(e - 4)) & 15) with e = floor(log2 v), for v >= 1024 (11 to 522).
 */
export const histogramSteps = 523;

/** The latency of a bucket is kept more coarsely: the same, with 4 in the place of 16 and (floor(v / 2^(e - 2)) & 3). */
export const coarseSteps = 139;

/** Largest sum that is kept. It is exact below, and so is adding: no more than this whatever the order. */
export const mostSum: number = Number.MAX_SAFE_INTEGER;

export function stepOf(micros: number): number {
  if (micros >= 0x1_0000_0000) return 256 + stepOf(Math.floor(micros / 0x1_0000));
  const value = micros >>> 0;
  const octave = 31 - Math.clz32(value);
  if (octave < 10) return octave + 1;
  return 11 + (octave - 10) * 16 + ((value >>> (octave - 4)) & 15);
}

/** Of a step the coarse step that it is part of: coarseStepOf(stepOf(v)). */
export function coarseStepOf(step: number): number {
  return step < 11 ? step : 11 + ((step - 11) >> 2);
}

/** The step in the middle of a coarse step, by which it stands in a `Histogram`. */
export function middleStepOf(coarse: number): number {
  return coarse < 11 ? coarse : 11 + (coarse - 11) * 4 + 1;
}

/** The smallest value of a step, in microseconds. */
export function lowestOf(step: number): number {
  if (step < 11) return step === 0 ? 0 : 2 ** (step - 1);
  return (16 + ((step - 11) & 15)) * 2 ** (((step - 11) >> 4) + 6);
}

export function addSums(a: number, b: number): number {
  return Math.min(mostSum, a + b);
}

export const emptyHistogram: Histogram = { steps: [], counts: [], sum: 0 };

export function addHistograms(a: Histogram, b: Histogram): Histogram {
  if (a.steps.length === 0) return b;
  if (b.steps.length === 0) return a;
  const counts = new Map(a.steps.map((step, index) => [step, a.counts[index] ?? 0]));
  for (const [index, step] of b.steps.entries()) counts.set(step, (counts.get(step) ?? 0) + (b.counts[index] ?? 0));
  const sorted = [...counts].sort((one, other) => one[0] - other[0]);
  return { steps: sorted.map(([step]) => step), counts: sorted.map(([, count]) => count), sum: addSums(a.sum, b.sum) };
}

export function countOf(histogram: Histogram): number {
  const { counts } = histogram;
  let total = 0;
  for (let at = 0; at < counts.length; at += 1) total += counts[at] ?? 0;
  return total;
}

/**
 * The value, in microseconds, that a share `q` of all lie at or below: the middle of its step, so it may be wrong by 1/32 of it from 1024 µs on
 * (of a bucket's latency 1/8), and by half of it below. NaN of none.
 */
export function quantile(histogram: Histogram, q: number): number {
  const rank = Math.max(1, Math.ceil(Math.min(1, q) * countOf(histogram)));
  const { steps, counts } = histogram;
  let passed = 0;
  for (let at = 0; at < steps.length; at += 1) {
    passed += counts[at] ?? 0;
    const step = steps[at] ?? 0;
    if (passed >= rank) return step === 0 ? 0 : (lowestOf(step) + lowestOf(step + 1) - 1) / 2;
  }
  return Number.NaN;
}
