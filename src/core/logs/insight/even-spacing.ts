/**
 * Failures that come at even distances: those of a health check, of a job, of a client that asks again and again. In bins that are wider than
 * the distance they count up and down in a rhythm of its own, which is no period of theirs.
 */
import type { Events } from './events.ts';
import type { Period } from './period.ts';
import { quantileOf } from './statistics.ts';

const fewestTimes = 24;
/** Distances that are this near to the middle one are even; times are of whole seconds. */
const nearShare = 0.25;
const nearMs = 1000;
const leastEven = 0.8;
/** Of independent failures no more would be, also where the distances are of a second or two. */
const usualEven = 0.36;
/** Distances of independent failures vary by their mean. */
const clumped = 1.05;
const leastFilled = 0.5;
/** Counts of independent failures have their mean as variance. */
const mostVariance = 0.4;

/** Whether failures come more evenly than chance lets them, so that a period of more than their distance is none. */
export function comeEvenly({ filled, amounts }: Events, timesMs: readonly number[]): boolean {
  if (timesMs.length < fewestTimes) return false;
  const gaps = gapsOf(timesMs);
  const mean = gaps.reduce((all, gap) => all + gap, 0) / gaps.length;
  const variance = gaps.reduce((all, gap) => all + (gap - mean) ** 2, 0) / gaps.length;
  const variation = Math.sqrt(variance) / Math.max(1, mean);
  if (variation >= clumped) return false;
  if (variation < 0.6) return true;
  const bins = (filled.at(-1) ?? 0) - (filled[0] ?? 0) + 1;
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < amounts.length; index += 1) {
    sum += amounts[index] ?? 0;
    squares += (amounts[index] ?? 0) ** 2;
  }
  const usual = sum / bins;
  return usual >= leastFilled && squares / bins - usual * usual < mostVariance * usual;
}

/** Their distance, where nearly all distances of failures are alike. `timesMs`: of all failures, ascending. */
export function evenSpacing(timesMs: readonly number[]): Period | undefined {
  if (timesMs.length < fewestTimes) return undefined;
  const gaps = gapsOf(timesMs).sort((a, b) => a - b);
  const middle = quantileOf(gaps, 0.5);
  const reach = Math.max(nearMs, nearShare * middle);
  const even = gaps.filter(gap => Math.abs(gap - middle) <= reach);
  const share = even.length / gaps.length;
  if (middle < nearMs || share < leastEven) return undefined;
  const everyMs = even.reduce((sum, gap) => sum + gap / even.length, 0);
  const off = even.map(gap => Math.abs(gap - everyMs)).sort((a, b) => a - b);
  const plusMinusMs = Math.max(quantileOf(off, 0.9), nearMs / 2);
  const whole = Math.round(everyMs / 1000) * 1000;
  const spanMs = (timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0);
  return {
    everyMs: Math.abs(whole - everyMs) <= 100 ? whole : Math.round(everyMs),
    plusMinusMs: Math.round(plusMinusMs),
    // Chernoff's bound of so many even distances.
    pValue: Math.exp(-gaps.length * (share * Math.log(share / usualEven) + (share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - usualEven))))),
    met: timesMs.length,
    cycles: Math.max(timesMs.length, Math.round(spanMs / everyMs) + 1),
    share: 1,
  };
}

function gapsOf(timesMs: readonly number[]): number[] {
  return timesMs.slice(1).map((time, index) => time - (timesMs[index] ?? time));
}
