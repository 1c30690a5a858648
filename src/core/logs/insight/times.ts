/** Latency, by steps of the time line and as a whole. Values of the roll-up are in microseconds, those told in seconds. */
import type { LatencySummary } from '../../model/logs-report.ts';
import { addSums, coarseStepOf, coarseSteps, countOf, histogramSteps, middleStepOf, quantile } from '../scan/histogram.ts';
import type { Histogram, RollUp, Series } from '../scan/roll-up.ts';
import type { Grid } from './grid.ts';

/** What a value read from a histogram may be wrong by, as a share of it. */
const error = 1 / 32;

export function latencyOf(series: readonly Series[]): LatencySummary | undefined {
  const all = addAll(series.filter(({ kind }) => kind === 'access').map(({ requestTime }) => requestTime));
  const count = countOf(all);
  if (count === 0) return undefined;
  return { count, median: seconds(all, 0.5), p95: seconds(all, 0.95), p99: seconds(all, 0.99), mean: rounded(all.sum / count / 1e6), error };
}

/** Seconds: how long the peer took, or, where the log does not say, the request. */
export function peerLatency(series: readonly Series[]): { readonly median: number; readonly p95: number } | undefined {
  const upstream = addAll(series.map(({ upstreamTime }) => upstreamTime));
  const all = upstream.steps.length > 0 ? upstream : addAll(series.map(({ requestTime }) => requestTime));
  return all.steps.length === 0 ? undefined : { median: seconds(all, 0.5), p95: seconds(all, 0.95) };
}

export interface LatencySteps {
  readonly median: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
}

/** `grid` is one of the time line: its steps are whole buckets. */
export function latencySteps({ latency, series, widthMs }: RollUp, grid: Grid): LatencySteps {
  const factor = grid.widthMs / widthMs;
  const start = grid.startMs / grid.widthMs;
  const cells = new Float64Array(coarseSteps);
  const median: (number | null)[] = Array.from({ length: grid.bins }, () => null);
  const p95: (number | null)[] = Array.from({ length: grid.bins }, () => null);
  const { buckets, counts } = latency;
  const used = usedSteps(series);
  let open = -1;
  const close = (): void => {
    if (open < 0 || open >= grid.bins) return;
    const coarse = takeOut(cells);
    if (coarse.steps.length === 0) return;
    const histogram = { ...coarse, steps: coarse.steps.map(middleStepOf) };
    median[open] = seconds(histogram, 0.5);
    p95[open] = seconds(histogram, 0.95);
  };
  for (let row = 0; row < buckets.length; row += 1) {
    const bin = Math.floor((buckets[row] ?? 0) / factor) - start;
    if (bin !== open) {
      close();
      cells.fill(0);
      open = bin;
    }
    const at = row * coarseSteps;
    for (let step = 0; step < used; step += 1) {
      const count = counts[at + step] ?? 0;
      if (count !== 0) cells[step] = (cells[step] ?? 0) + count;
    }
  }
  close();
  return { median, p95 };
}

/** How many of the coarse steps the requests need, the quickest first: each that is in a bucket is in a series too. */
function usedSteps(series: readonly Series[]): number {
  const highest = series.reduce((most, { requestTime }) => Math.max(most, requestTime.steps.at(-1) ?? -1), -1);
  return highest === -1 ? coarseSteps : coarseStepOf(highest) + 1;
}

function takeOut(cells: Float64Array): Histogram {
  const steps: number[] = [];
  const counts: number[] = [];
  for (let step = 0; step < cells.length; step += 1) {
    const count = cells[step] ?? 0;
    if (count === 0) continue;
    steps.push(step);
    counts.push(count);
  }
  return { steps, counts, sum: 0 };
}

function addAll(histograms: readonly Histogram[]): Histogram {
  const cells = new Float64Array(histogramSteps);
  let sum = 0;
  for (const { steps, counts, sum: own } of histograms) {
    for (let at = 0; at < steps.length; at += 1) {
      const step = steps[at] ?? 0;
      cells[step] = (cells[step] ?? 0) + (counts[at] ?? 0);
    }
    sum = addSums(sum, own);
  }
  return { ...takeOut(cells), sum };
}

function seconds(histogram: Histogram, q: number): number {
  return rounded(quantile(histogram, q) / 1e6);
}

/** Three places that count: no more is known. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
