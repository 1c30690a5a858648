import type { Series } from '../scan/roll-up.ts';

/** Equal bins over the time that the log covers; counts lie in arrays of `bins` numbers. */
export interface Grid {
  readonly startMs: number;
  readonly widthMs: number;
  readonly bins: number;
}

const mostBins = 1 << 15;
const coarseBins = 1 << 12;
/** Lines far away from all others, at most this share of them, are left out: a clock that was wrong for a moment stretches the span. */
const strayShare = 0.005;

/** Undefined where no line has a time. */
export function makeGrid(series: readonly Series[], widthMs: number): Grid | undefined {
  const range = withoutStrays(series, rangeOf(series));
  if (range === undefined) return undefined;
  let factor = 1;
  while ((range.last - range.first) / factor + 2 > mostBins) factor *= 2;
  const first = Math.floor(range.first / factor);
  return { startMs: first * factor * widthMs, widthMs: widthMs * factor, bins: Math.floor(range.last / factor) - first + 1 };
}

/** Lines by bin; those outside the grid are left out. `widthMs` is that of the buckets. */
export function countsOf(series: readonly Series[], widthMs: number, grid: Grid): Float64Array {
  const counts = new Float64Array(grid.bins);
  const factor = grid.widthMs / widthMs;
  const start = grid.startMs / grid.widthMs;
  for (const one of series) addCounts(counts, one, start, factor);
  return counts;
}

/** Buckets ascend: the next bin is one further on, or a division tells which. */
function addCounts(counts: Float64Array, { buckets, counts: own }: Series, start: number, factor: number): void {
  const bins = counts.length;
  if (factor === 1) {
    for (let at = 0; at < buckets.length; at += 1) {
      const bin = (buckets[at] ?? 0) - start;
      if (bin >= bins) return;
      if (bin >= 0) counts[bin] = (counts[bin] ?? 0) + (own[at] ?? 0);
    }
    return;
  }
  let bin = -1;
  let end = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < buckets.length; at += 1) {
    const bucket = buckets[at] ?? 0;
    if (bucket >= end) {
      bin = Math.floor(bucket / factor) - start;
      if (bin >= bins) return;
      end = (bin + start + 1) * factor;
    }
    if (bin >= 0) counts[bin] = (counts[bin] ?? 0) + (own[at] ?? 0);
  }
}

/** Counts of a grid in its steps, which are whole bins. */
export function inSteps(counts: Float64Array, grid: Grid, steps: Grid): Float64Array {
  const sums = new Float64Array(steps.bins);
  const factor = steps.widthMs / grid.widthMs;
  const before = (grid.startMs - steps.startMs) / grid.widthMs;
  for (let at = 0; at < counts.length; at += 1) {
    const step = Math.floor((at + before) / factor);
    sums[step] = (sums[step] ?? 0) + (counts[at] ?? 0);
  }
  return sums;
}

export function addInto(sum: Float64Array, more: Float64Array): void {
  for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (more[at] ?? 0);
}

export function sumOf(counts: ArrayLike<number>, from = 0, to = counts.length): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += counts[at] ?? 0;
  return sum;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf(series: readonly Series[]): Range | undefined {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { buckets } of series) {
    if (buckets.length === 0) continue;
    first = Math.min(first, buckets[0] ?? first);
    last = Math.max(last, buckets.at(-1) ?? last);
  }
  return Number.isFinite(first) && Number.isFinite(last) ? { first, last } : undefined;
}

/** Cuts off either end where an emptiness longer than all the rest parts it from the other lines. */
function withoutStrays(series: readonly Series[], whole: Range | undefined): Range | undefined {
  if (whole === undefined || whole.last - whole.first < 64) return whole;
  // Where one series alone is there for half of the time, no emptiness can be as long.
  if (series.some(({ buckets }) => buckets.length > (whole.last - whole.first + 1) / 2)) return whole;
  let range = whole;
  // Each turn makes the range at least twice as short.
  for (let turn = 0; turn < 24; turn += 1) {
    const size = Math.max(1, Math.ceil((range.last - range.first + 1) / coarseBins));
    const counts = new Float64Array(coarseBins);
    let all = 0;
    for (const { buckets, counts: own } of series) {
      for (let at = 0; at < buckets.length; at += 1) {
        const bucket = buckets[at] ?? 0;
        if (bucket < range.first || bucket > range.last) continue;
        const bin = Math.floor((bucket - range.first) / size);
        counts[bin] = (counts[bin] ?? 0) + (own[at] ?? 0);
        all += own[at] ?? 0;
      }
    }
    const cut = longestGap(counts);
    if (cut === undefined || cut.to - cut.from < coarseBins / 2) return range;
    const before = sumOf(counts, 0, cut.from);
    if (Math.min(before, all - before) > strayShare * all) return range;
    range = before <= all - before ? { first: range.first + cut.to * size, last: range.last } : { first: range.first, last: range.first + cut.from * size - 1 };
  }
  return range;
}

/** The longest run of empty bins between two filled ones. */
function longestGap(counts: Float64Array): { readonly from: number; readonly to: number } | undefined {
  let best: { readonly from: number; readonly to: number } | undefined;
  let last = -1;
  for (let at = 0; at < counts.length; at += 1) {
    if (counts[at] === 0) continue;
    if (last !== -1 && at - last - 1 > (best === undefined ? 0 : best.to - best.from)) best = { from: last + 1, to: at };
    last = at;
  }
  return best;
}
