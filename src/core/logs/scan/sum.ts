import type { LogFormat, Outcome } from './format.ts';
import { BucketRows } from './bucket-rows.ts';
import { addSums, coarseStepOf, middleStepOf } from './histogram.ts';
import { InputCounts } from './input-counts.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { narrowestBucketMs, type Histogram, type RollUp, type Series } from './roll-up.ts';
import { compare, earlier, later, SampleStore } from './samples.ts';
import { nameSeries, sumPlace, type SeriesCounts, type SeriesLevel, type StepCounts } from './series.ts';

const noBucket = -1;

/**
 * A roll-up that is being added to: by lines (through a `Tally`) and by whole roll-ups. What it holds hangs on the set of what
 * was added, never on the order:
 * - Whole series are those whose hash is below a threshold, halved until `mostSeries` are left; the others are folded, and
 *   of the folded ones the same again. What is folded stays folded in any sum that it is part of, as the threshold of a sum is never
 *   higher than that of a part.
 * - The width is the narrowest at which the buckets times the whole series (`mostSeries` once any is folded, `leastSeries` at least)
 *   are no more than `mostCells`. Both numbers only grow.
 */
export class RollUpSum {
  readonly inputs: InputCounts;
  readonly failed: SampleStore;
  readonly good: SampleStore;
  readonly #limits: Limits;
  /** Buckets are 2^shift times the narrowest. */
  #shift = 0;
  readonly #below: [number, number] = [2 ** 32, 2 ** 32];
  readonly #levels: readonly [Map<string, SeriesCounts>, Map<string, SeriesCounts>, Map<string, SeriesCounts>] = [new Map(), new Map(), new Map()];
  #nextIndex = 0;
  /** Of series that were folded. */
  readonly #freeIndexes: number[] = [];
  /** A column is a series' index. */
  readonly #cells = new BucketRows();
  /** A column is a coarse step; the sum is apart. */
  readonly #latency = new BucketRows();
  readonly #latencySums = new BucketRows();

  constructor(limits: Limits = defaultLimits) {
    this.#limits = limits;
    this.inputs = new InputCounts(limits.mostMisfits);
    this.failed = new SampleStore(limits.mostSamples.failed);
    this.good = new SampleStore(limits.mostSamples.good);
  }

  series(format: string, kind: LogFormat['kind'], outcome: Outcome | undefined, level: SeriesLevel = 0): SeriesCounts {
    const found = this.#find(format, kind, outcome, level);
    this.#foldWhereTooMany();
    return current(found);
  }

  /** `bucket` is a number of the narrowest buckets; below 0 for lines without a time. */
  addLines(to: SeriesCounts, bucket: number, lines: number): void {
    const series = current(to);
    series.count += lines;
    if (bucket < 0) return;
    if (this.#cells.add(bucket >>> this.#shift, series.index, lines)) this.#widenWhereTooMany();
  }

  addTimes(to: SeriesCounts, firstMs: number, lastMs: number): void {
    const series = current(to);
    series.firstMs = earlier(series.firstMs, firstMs);
    series.lastMs = later(series.lastMs, lastMs);
  }

  addStep(to: SeriesCounts, which: 'requestTime' | 'upstreamTime', step: number, lines: number): void {
    const counts = stepsOf(to, which);
    counts[step] = (counts[step] ?? 0) + lines;
  }

  addSum(to: SeriesCounts, which: 'requestTime' | 'upstreamTime', micros: number): void {
    const counts = stepsOf(to, which);
    counts[sumPlace] = addSums(counts[sumPlace] ?? 0, micros);
  }

  addLatency(bucket: number, coarseStep: number, lines: number): void {
    this.#latency.add(bucket >>> this.#shift, coarseStep, lines);
  }

  addLatencySum(bucket: number, micros: number): void {
    this.#latencySums.add(bucket >>> this.#shift, 0, micros);
  }

  add(other: RollUp): void {
    while (narrowestBucketMs * 2 ** this.#shift < other.widthMs) this.#widen();
    const narrow = other.widthMs / narrowestBucketMs;
    this.#lower(0, other.seriesBelow);
    this.#lower(1, other.foldedBelow);
    this.#foldWhereTooMany();
    for (const one of other.series) this.#addSeries(one, narrow);
    for (const { bucket, requestTime } of other.latency) {
      for (const [index, step] of requestTime.steps.entries()) this.addLatency(bucket * narrow, coarseStepOf(step), requestTime.counts[index] ?? 0);
      this.addLatencySum(bucket * narrow, requestTime.sum);
    }
    for (const which of ['failed', 'good'] as const) {
      this[which].lower(other[which].threshold);
      for (const line of other[which].lines) this[which].add(line);
    }
    for (const input of other.inputs) this.inputs.add(input);
  }

  result(): RollUp {
    const all = this.#levels.flatMap(level => [...level.values()]).sort((a, b) => compare(a.name.key, b.name.key));
    const cells = this.#cellsBySeries();
    return {
      version: 1,
      widthMs: narrowestBucketMs * 2 ** this.#shift,
      series: all.filter(({ count }) => count > 0).map(one => seriesOf(one, cells.get(one.index))),
      seriesBelow: this.#below[0],
      foldedBelow: this.#below[1],
      latency: this.#latencyList(),
      failed: this.failed.set(),
      good: this.good.set(),
      inputs: this.inputs.list(),
    };
  }

  #addSeries(one: Series, narrow: number): void {
    const level = one.outcome === undefined ? 2 : one.folded === true ? 1 : 0;
    const series = this.series(one.format, one.kind, one.outcome, level);
    let inBuckets = 0;
    for (const [index, bucket] of one.buckets.entries()) {
      const lines = one.counts[index] ?? 0;
      inBuckets += lines;
      this.addLines(series, bucket * narrow, lines);
    }
    this.addLines(series, noBucket, one.count - inBuckets);
    this.addTimes(series, one.firstMs, one.lastMs);
    for (const which of ['requestTime', 'upstreamTime'] as const) {
      const histogram = one[which];
      if (histogram.steps.length === 0) continue;
      for (const [index, step] of histogram.steps.entries()) this.addStep(series, which, step, histogram.counts[index] ?? 0);
      this.addSum(series, which, histogram.sum);
    }
  }

  #find(format: string, kind: LogFormat['kind'], outcome: Outcome | undefined, level: SeriesLevel): SeriesCounts {
    const name = nameSeries(level, format, kind, outcome);
    if (level < 2 && name.hash >= this.#below[level === 0 ? 0 : 1]) return this.#find(format, kind, outcome, level === 0 ? 1 : 2);
    const known = this.#levels[level].get(name.key);
    if (known !== undefined) return known;
    const series: SeriesCounts = {
      name,
      index: this.#freeIndexes.pop() ?? this.#newIndex(),
      count: 0,
      firstMs: Number.NaN,
      lastMs: Number.NaN,
      requestTime: undefined,
      upstreamTime: undefined,
      into: undefined,
    };
    this.#levels[level].set(name.key, series);
    return series;
  }

  #newIndex(): number {
    this.#nextIndex += 1;
    return this.#nextIndex - 1;
  }

  #foldWhereTooMany(): void {
    while (this.#levels[0].size > this.#limits.mostSeries) this.#lower(0, Math.floor(this.#below[0] / 2));
    while (this.#levels[1].size > this.#limits.mostFolded) this.#lower(1, Math.floor(this.#below[1] / 2));
    this.#widenWhereTooMany();
  }

  #lower(level: 0 | 1, below: number): void {
    if (below >= this.#below[level]) return;
    this.#below[level] = below;
    const folded = [...this.#levels[level].values()].filter(({ name }) => name.hash >= below);
    if (folded.length === 0) return;
    const indexes = new Map<number, number>();
    for (const from of folded) {
      this.#levels[level].delete(from.name.key);
      const into = this.#find(from.name.format, from.name.kind, from.name.outcome, level === 0 ? 1 : 2);
      from.into = into;
      indexes.set(from.index, into.index);
      pour(from, into);
    }
    this.#cells.moveColumns(indexes);
    this.#freeIndexes.push(...indexes.keys());
  }

  #widenWhereTooMany(): void {
    const whole = this.#below[0] < 2 ** 32 ? this.#limits.mostSeries : this.#levels[0].size;
    const series = Math.max(this.#limits.leastSeries, whole);
    while (this.#cells.size * series > this.#limits.mostCells && this.#shift < 31) this.#widen();
  }

  #widen(): void {
    this.#shift += 1;
    for (const rows of [this.#cells, this.#latency, this.#latencySums]) rows.widen();
  }

  #cellsBySeries(): ReadonlyMap<number, Cells> {
    const all = new Map<number, Cells>();
    for (const bucket of this.#cells.buckets()) {
      const row = this.#cells.row(bucket);
      for (let index = 0; index < row.length; index += 1) {
        const count = row[index] ?? 0;
        if (count === 0) continue;
        let cells = all.get(index);
        if (cells === undefined) all.set(index, (cells = { buckets: [], counts: [] }));
        cells.buckets.push(bucket);
        cells.counts.push(count);
      }
    }
    return all;
  }

  #latencyList(): RollUp['latency'] {
    return Array.from(this.#latency.buckets(), bucket => {
      const row = this.#latency.row(bucket);
      const steps: number[] = [];
      const counts: number[] = [];
      for (let step = 0; step < row.length; step += 1) {
        const count = row[step] ?? 0;
        if (count === 0) continue;
        steps.push(middleStepOf(step));
        counts.push(count);
      }
      return { bucket, requestTime: { steps, counts, sum: this.#latencySums.row(bucket)[0] ?? 0 } };
    });
  }
}

interface Cells {
  readonly buckets: number[];
  readonly counts: number[];
}

function current(series: SeriesCounts): SeriesCounts {
  let one = series;
  while (one.into !== undefined) one = one.into;
  return one;
}

function stepsOf(to: SeriesCounts, which: 'requestTime' | 'upstreamTime'): StepCounts {
  return (current(to)[which] ??= new Float64Array(sumPlace + 1));
}

function pour(from: SeriesCounts, into: SeriesCounts): void {
  into.count += from.count;
  into.firstMs = earlier(into.firstMs, from.firstMs);
  into.lastMs = later(into.lastMs, from.lastMs);
  for (const which of ['requestTime', 'upstreamTime'] as const) {
    const counts = from[which];
    if (counts === undefined) continue;
    const sums = stepsOf(into, which);
    for (let step = 0; step < sumPlace; step += 1) sums[step] = (sums[step] ?? 0) + (counts[step] ?? 0);
    sums[sumPlace] = addSums(sums[sumPlace] ?? 0, counts[sumPlace] ?? 0);
    from[which] = undefined;
  }
}

function seriesOf({ name, count, firstMs, lastMs, requestTime, upstreamTime }: SeriesCounts, cells: Cells | undefined): Series {
  return {
    format: name.format,
    kind: name.kind,
    ...(name.outcome !== undefined && { outcome: name.outcome }),
    ...(name.level === 1 && { folded: true }),
    count,
    firstMs,
    lastMs,
    buckets: cells?.buckets ?? [],
    counts: cells?.counts ?? [],
    requestTime: histogramOf(requestTime),
    upstreamTime: histogramOf(upstreamTime),
  };
}

function histogramOf(counts: StepCounts | undefined): Histogram {
  const steps: number[] = [];
  for (let step = 0; step < sumPlace; step += 1) if ((counts?.[step] ?? 0) > 0) steps.push(step);
  return { steps, counts: steps.map(step => counts?.[step] ?? 0), sum: counts?.[sumPlace] ?? 0 };
}
