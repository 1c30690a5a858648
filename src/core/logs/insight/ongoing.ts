/** Whether what failed still fails at the end of the data: it is over once it is silent for longer than its own rhythm lets expect. */
import type { Stretch } from './bursts.ts';
import { sumOf, type Grid } from './grid.ts';
import type { Period } from './period.ts';

export interface OngoingInput {
  readonly counts: Float64Array;
  /** What could have failed: requests by bin, or the same for each bin. */
  readonly exposure: Float64Array;
  readonly grid: Grid;
  readonly lastMs: number;
  /** The last line of all logs. */
  readonly endMs: number;
  readonly period?: Period | undefined;
  readonly stretches: readonly Stretch[];
}

const graceMs = 30_000;
/** A single failure has no rhythm. */
const onceMs = 120_000;
/** The rate of the last so many failures is the one that goes on. */
const recent = 40;
/** It is over where so many failures would have been expected in the silence: chance has e^-9 of it. */
const expectedInSilence = 9;

export function isOngoing({ counts, exposure, grid, lastMs, endMs, period, stretches }: OngoingInput): boolean {
  const silenceMs = endMs - lastMs;
  if (!(silenceMs > graceMs)) return true;
  if (period !== undefined) return silenceMs <= 2 * period.everyMs + grid.widthMs;
  const total = sumOf(counts);
  if (total < 2) return silenceMs <= onceMs;
  if (stretches.length >= 3 && silenceMs <= 2 * medianGapMs(stretches, grid)) return true;
  let count = 0;
  let exposed = 0;
  let at = counts.length - 1;
  while (at >= 0 && counts[at] === 0) at -= 1;
  const silent = sumOf(exposure, at + 1);
  let bins = 0;
  for (; at >= 0 && count < recent; at -= 1) {
    count += counts[at] ?? 0;
    exposed += exposure[at] ?? 0;
    bins += 1;
  }
  // By the requests that did not fail since, and by the time that has passed: either may show that it is over, or a night is quiet.
  const byExposure = exposed > 0 ? (count * silent) / exposed : 0;
  const byTime = (count * silenceMs) / (bins * grid.widthMs);
  return Math.min(byExposure, byTime) <= expectedInSilence;
}

function medianGapMs(stretches: readonly Stretch[], grid: Grid): number {
  const gaps = stretches.slice(1).map(({ from }, index) => from - (stretches[index]?.to ?? from));
  return (gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0) * grid.widthMs;
}
