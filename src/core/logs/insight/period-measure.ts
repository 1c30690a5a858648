/** How long a proven period is, and how closely failures keep to it, from their own times as far as those are known. */
import { countBefore, type Events } from './events.ts';
import type { Period, PeriodInput, Proven } from './period.ts';
import { Pulses, windowStart } from './period-test.ts';
import { quantileOf } from './statistics.ts';

/** Failures of all cycles in one bin beside the window; less may be chance. */
const fewestBeside = 3;

/** `events`: those of the counts. */
export function measurePeriod(input: PeriodInput, events: Events, proven: Proven, pValue: number): Period {
  const { counts, widthMs, startMs } = input;
  const { period, phase, window, drifts } = proven;
  if (drifts) return { ...drifting(input, proven), pValue };
  const pulses = new Pulses(events);
  const beats: { readonly cycle: number; readonly timeMs: number }[] = [];
  const { before, behind } = surroundings(pulses, proven);
  let cycles = 0;
  let inside = 0;
  for (let cycle = 0; ; cycle += 1) {
    const start = windowStart(period, phase, window, cycle);
    if (start >= pulses.bins) break;
    cycles += 1;
    inside += pulses.between(start - before, start + window + behind);
    if (pulses.between(start, start + window) === 0) continue;
    const exact = timesBetween(input.timesMs, startMs + start * widthMs, startMs + (start + window) * widthMs);
    beats.push({ cycle, timeMs: exact ?? startMs + middleOf(counts, start, start + window) * widthMs });
  }
  const line = fitLine(beats);
  const off = beats.map(({ cycle, timeMs }) => Math.abs(timeMs - line.start - cycle * line.slope)).sort((a, b) => a - b);
  const plusMinusMs = Math.max(quantileOf(off, 0.9), 2 * line.error, 500);
  return {
    everyMs: rounded(line.slope, plusMinusMs),
    plusMinusMs: Math.round(plusMinusMs),
    pValue,
    met: beats.length,
    cycles,
    share: inside / Math.max(1, pulses.sum),
  };
}

/**
 * Bins on both sides of the window that belong to the same beats: an outage of a minute each hour is proven by the moment that it begins
 * at, and is longer than that. They are those in which three times as much fails as in the half of the cycle that is farthest away.
 */
function surroundings(pulses: Pulses, { period, phase, window }: Proven): { readonly before: number; readonly behind: number } {
  const most = Math.floor((period - window) / 4);
  const near = (from: number, to: number): number => {
    let sum = 0;
    for (let cycle = 0; ; cycle += 1) {
      const start = windowStart(period, phase, window, cycle);
      if (start >= pulses.bins) return sum;
      sum += pulses.between(start + from, start + to);
    }
  };
  const farBins = Math.max(1, period - window - 2 * most);
  const far = Math.max(0, pulses.sum - near(-most, window + most)) / farBins;
  const least = Math.max(3 * far, fewestBeside);
  let before = 0;
  while (before < most && near(-before - 1, -before) >= least) before += 1;
  let behind = 0;
  while (behind < most && near(window + behind, window + behind + 1) >= least) behind += 1;
  return { before, behind };
}

/** From each failure to the one that came a period later. */
function drifting({ counts, widthMs }: PeriodInput, { period, window }: Proven): Omit<Period, 'pValue'> {
  const gaps: number[] = [];
  let followed = 0;
  let from = -1;
  for (let at = 0; at < counts.length; at += 1) {
    if (counts[at] === 0) continue;
    const start = windowStart(period, at + 0.5, window * 2, 1);
    for (let other = start; other < start + window * 2; other += 1) {
      if ((counts[other] ?? 0) === 0) continue;
      gaps.push((other - at) * widthMs);
      followed += counts[at] ?? 0;
      if (from === -1) from = at;
      break;
    }
  }
  gaps.sort((a, b) => a - b);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, gaps.length);
  const off = gaps.map(gap => Math.abs(gap - mean)).sort((a, b) => a - b);
  const plusMinusMs = Math.max(quantileOf(off, 0.9), widthMs / 2);
  const cycles = Math.max(1, Math.round(counts.length / period));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return {
    everyMs: rounded(mean, plusMinusMs),
    plusMinusMs: Math.round(plusMinusMs),
    met: Math.min(cycles, gaps.length),
    cycles,
    share: Math.min(1, followed / Math.max(1, all)),
  };
}

/** The middle one of the times in the span, where any is known. */
function timesBetween(timesMs: readonly number[], fromMs: number, toMs: number): number | undefined {
  const low = countBefore(timesMs, fromMs);
  let end = low;
  while (end < timesMs.length && (timesMs[end] ?? 0) < toMs) end += 1;
  return end === low ? undefined : timesMs[(low + end) >> 1];
}

function middleOf(counts: Float64Array, from: number, to: number): number {
  let [sum, moment] = [0, 0];
  for (let at = Math.max(0, from); at < Math.min(counts.length, to); at += 1) {
    sum += counts[at] ?? 0;
    moment += (counts[at] ?? 0) * (at + 0.5);
  }
  return sum === 0 ? (from + to) / 2 : moment / sum;
}

function fitLine(beats: readonly { readonly cycle: number; readonly timeMs: number }[]): {
  readonly start: number;
  readonly slope: number;
  readonly error: number;
} {
  const n = beats.length;
  const meanX = beats.reduce((sum, { cycle }) => sum + cycle, 0) / n;
  const meanY = beats.reduce((sum, { timeMs }) => sum + timeMs / n, 0);
  let [xx, xy] = [0, 0];
  for (const { cycle, timeMs } of beats) {
    xx += (cycle - meanX) ** 2;
    xy += (cycle - meanX) * (timeMs - meanY);
  }
  const slope = xx === 0 ? 0 : xy / xx;
  const start = meanY - slope * meanX;
  const squares = beats.reduce((sum, { cycle, timeMs }) => sum + (timeMs - start - cycle * slope) ** 2, 0);
  return { start, slope, error: xx === 0 || n < 3 ? 0 : Math.sqrt(squares / (n - 2) / xx) };
}

/** To whole seconds, where that changes less than is known. */
function rounded(ms: number, plusMinusMs: number): number {
  const whole = Math.round(ms / 1000) * 1000;
  return Math.abs(whole - ms) <= plusMinusMs ? whole : Math.round(ms);
}
