/**
 * The shape of errors in time: once, a burst, steady, or with a period; and whether they still go on.
 *
 * An error goes on as long as it is not silent for longer than its own rhythm: one a second that has been
 * silent for a minute is over, one every five minutes is not over after nine.
 */
import type { TimeBuckets } from '../model/facts/logs.ts';
import type { Shape } from '../model/facts/topology.ts';

/** Known periods that people set: a measured period within 10 % is named by them. */
const minPeriodMs = 30_000;
const minGapMs = 30_000;

export interface ShapeInput {
  readonly buckets: TimeBuckets;
  readonly windowFromMs: number;
  readonly nowMs: number;
}

/** What the counts look like in time. Works on buckets, so nothing shorter than one of them is told apart. */
export function shapeOf({ buckets, windowFromMs, nowMs }: ShapeInput): Shape {
  const { starts, counts, widthMs } = buckets;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return { when: 'unknown', text: 'no event in the window' };
  if (total === 1) return { when: 'once', text: 'once' };
  const clusters = clustersOf(buckets);
  const period = periodOf(
    clusters.map(cluster => cluster.startMs),
    widthMs,
  );
  if (period !== undefined) return { when: 'periodic', periodMs: period, text: `every ${formatSpan(period)}` };
  const first = starts[0] ?? 0;
  const last = (starts.at(-1) ?? 0) + widthMs;
  const spanMs = last - first;
  const windowMs = Math.max(widthMs, nowMs - windowFromMs);
  const filled = counts.filter(count => count > 0).length / Math.max(1, spanMs / widthMs);
  const isDense = filled >= 0.5 || largestGap(starts, widthMs) <= typicalGapMs(buckets) * 6;
  if (clusters.length === 1 && spanMs < Math.min(windowMs * 0.2, 180_000)) return { when: 'burst', text: `${total} within ${formatSpan(spanMs)}` };
  if (isDense && spanMs >= 60_000) return { when: 'steady', text: `${rateText(total, spanMs)} over ${formatSpan(spanMs)}` };
  if (clusters.length <= 3 && spanMs < windowMs * 0.5)
    return { when: 'burst', text: `${total} in ${clusters.length === 1 ? 'one burst' : `${clusters.length} bursts`} within ${formatSpan(spanMs)}` };
  return { when: 'unknown', text: `${total} within ${formatSpan(spanMs)}, without a pattern` };
}

/** True while the silence since the last event is no longer than the events' own rhythm lets expect. */
export function isOngoing({ buckets, nowMs, lastMs }: { readonly buckets: TimeBuckets; readonly nowMs: number; readonly lastMs: number }): boolean {
  const silenceMs = nowMs - lastMs;
  if (silenceMs <= minGapMs) return true;
  const { starts, counts, widthMs } = buckets;
  const total = counts.reduce((sum, count) => sum + count, 0);
  // A single event has no rhythm: it counts as going on for two minutes.
  if (total < 2 || starts.length < 2) return silenceMs <= (total < 2 ? 120_000 : 45_000);
  const clusters = clustersOf(buckets);
  const period = periodOf(
    clusters.map(cluster => cluster.startMs),
    widthMs,
  );
  if (period !== undefined) return silenceMs <= 2 * period + widthMs;
  return silenceMs <= Math.max(45_000, (total < 4 ? 1.5 : 3) * typicalGapMs(buckets), betweenClustersMs(clusters, widthMs));
}

/** How long a silence between bursts was so far, with some grace; a pause inside one long outage is no rhythm. */
function betweenClustersMs(clusters: readonly Cluster[], widthMs: number): number {
  const gaps = clusters.slice(1).map((cluster, index) => cluster.startMs - (clusters[index]?.startMs ?? cluster.startMs));
  const median = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  if (gaps.length >= 2) return 2 * median;
  const areShort = clusters.every(cluster => cluster.endMs - cluster.startMs <= 3 * widthMs);
  return areShort ? 1.5 * median : 0;
}

interface Cluster {
  readonly startMs: number;
  endMs: number;
  count: number;
}

/** Buckets that follow each other, as one event each. */
function clustersOf({ starts, counts, widthMs }: TimeBuckets): readonly Cluster[] {
  const clusters: Cluster[] = [];
  for (const [index, startMs] of starts.entries()) {
    const count = counts[index] ?? 0;
    if (count === 0) continue;
    const last = clusters.at(-1);
    // One empty bucket between two does not part them.
    if (last !== undefined && startMs - last.endMs <= widthMs) {
      last.endMs = startMs + widthMs;
      last.count += count;
    } else clusters.push({ startMs, endMs: startMs + widthMs, count });
  }
  return clusters;
}

/** The period where at least four clusters follow each other in gaps that differ by a bucket or a tenth; missed beats are allowed. */
function periodOf(startsMs: readonly number[], widthMs: number): number | undefined {
  if (startsMs.length < 3) return undefined;
  const gaps = startsMs.slice(1).map((start, index) => start - (startsMs[index] ?? start));
  const sorted = gaps.toSorted((a, b) => a - b);
  const base = sorted[Math.floor(sorted.length / 2)] ?? 0;
  if (base < minPeriodMs || base < 3 * widthMs) return undefined;
  const beats = gaps.map(gap => Math.max(1, Math.round(gap / base)));
  const fitting = gaps.filter((gap, index) => Math.abs(gap - base * (beats[index] ?? 1)) <= Math.max(widthMs, base * 0.1));
  // Three events are two gaps: they must agree, and more of them may miss one in five.
  const isRegular = gaps.length < 4 ? fitting.length === gaps.length && beats.every(beat => beat === 1) : fitting.length >= gaps.length * 0.8;
  if (!isRegular) return undefined;
  const span = (startsMs.at(-1) ?? 0) - (startsMs[0] ?? 0);
  const period = span / beats.reduce((sum, beat) => sum + beat, 0);
  return Math.round(period / 1000) * 1000;
}

/** Median silence between filled buckets, or the mean time between events where they share buckets. */
function typicalGapMs({ starts, counts, widthMs }: TimeBuckets): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const span = (starts.at(-1) ?? 0) - (starts[0] ?? 0) + widthMs;
  const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  const median = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? widthMs;
  return Math.min(median, span / Math.max(1, total - 1));
}

function largestGap(starts: readonly number[], widthMs: number): number {
  let largest = 0;
  for (const [index, start] of starts.entries()) largest = Math.max(largest, start - (starts[index - 1] ?? start));
  return Math.max(0, largest - widthMs);
}

function rateText(total: number, spanMs: number): string {
  const perSecond = total / (spanMs / 1000);
  if (perSecond >= 0.95) return `${perSecond < 10 ? perSecond.toFixed(1).replace(/\.0$/u, '') : Math.round(perSecond)} a second`;
  const perMinute = perSecond * 60;
  return `${perMinute < 10 ? perMinute.toFixed(1).replace(/\.0$/u, '') : Math.round(perMinute)} a minute`;
}

function formatSpan(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${(minutes / 60).toFixed(1).replace(/\.0$/u, '')} h`;
}
