import type { LogFormat, Outcome } from './format.ts';
import { BucketCells, type CellList, type CellParts } from './bucket-cells.ts';
import { addSums, coarseSteps } from './histogram.ts';
import { InputCounts } from './input-counts.ts';
import { LatencyRows, type LatencyParts } from './latency-rows.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { narrowestBucketMs, type Histogram, type RollUp, type Series } from './roll-up.ts';
import { compare, earlier, later, SampleStore } from './samples.ts';
import { nameSeries, sumPlace, type SeriesCounts, type SeriesLevel, type SeriesNumbers, type StepCounts } from './series.ts';

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
  readonly #cells = new BucketCells();
  readonly #latency = new LatencyRows();

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

  /** Lines whose buckets `addCells` is told. */
  addCount(to: SeriesCounts, lines: number): void {
    current(to).count += lines;
  }

  /** The column that a series has until another is made. */
  columnOf(series: SeriesCounts): number {
    return current(series).index;
  }

  /** In `words` [from, to) are pairs of a number that `columnOf` has a column for, and of lines. */
  addCells(bucket: number, words: Uint32Array, from: number, to: number, columnOf: Int32Array): void {
    if (this.#cells.addPairs(bucket >>> this.#shift, words, from, to, columnOf)) this.#widenWhereTooMany();
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

  /** Lines of all steps, from the first. */
  addSteps(to: SeriesCounts, which: 'requestTime' | 'upstreamTime', lines: Uint32Array): void {
    const counts = stepsOf(to, which);
    for (let step = 0; step < sumPlace; step += 1) counts[step] = (counts[step] ?? 0) + (lines[step] ?? 0);
  }

  addSum(to: SeriesCounts, which: 'requestTime' | 'upstreamTime', micros: number): void {
    const counts = stepsOf(to, which);
    counts[sumPlace] = addSums(counts[sumPlace] ?? 0, micros);
  }

  addLatency(bucket: number, coarseStep: number, lines: number): void {
    this.#latency.add(bucket >>> this.#shift, coarseStep, lines);
  }

  /** In `words` [from, to) are pairs of a coarse step and its lines. */
  addLatencies(bucket: number, words: Uint32Array, from: number, to: number): void {
    this.#latency.addPairs(bucket >>> this.#shift, words, from, to);
  }

  addLatencySum(bucket: number, micros: number): void {
    this.#latency.addSum(bucket >>> this.#shift, micros);
  }

  add(other: RollUp): void {
    this.#addAll(other);
  }

  /** As `add` of the other's result, which is not made for it. */
  absorb({ rollUp, columns, numbers, cells, latency }: SumParts): void {
    const series = this.#addAll(rollUp);
    for (const [index, one] of series.entries()) addNumbers(one, numbers[index]);
    const columnOf = new Int32Array(columns.reduce((most, column) => Math.max(most, column), 0) + 1);
    for (const [index, column] of columns.entries()) {
      const one = series[index];
      if (one !== undefined) columnOf[column] = current(one).index;
    }
    const shift = this.#shift - Math.log2(rollUp.widthMs / narrowestBucketMs);
    this.#cells.absorb(cells, shift, columnOf);
    this.#latency.absorb(latency, shift);
    this.#widenWhereTooMany();
  }

  #addAll(other: RollUp): readonly SeriesCounts[] {
    while (narrowestBucketMs * 2 ** this.#shift < other.widthMs) this.#widen();
    const narrow = other.widthMs / narrowestBucketMs;
    this.#lower(0, other.seriesBelow);
    this.#lower(1, other.foldedBelow);
    this.#foldWhereTooMany();
    const series = other.series.map(one => this.#addSeries(one, narrow));
    for (const [index, bucket] of other.latency.buckets.entries()) {
      const counts = other.latency.counts.subarray(index * coarseSteps, (index + 1) * coarseSteps);
      for (const [step, lines] of counts.entries()) if (lines > 0) this.addLatency(bucket * narrow, step, lines);
      this.addLatencySum(bucket * narrow, other.latency.sums[index] ?? 0);
    }
    for (const which of ['failed', 'good'] as const) {
      this[which].lower(other[which].threshold);
      for (const line of other[which].lines) this[which].add(line);
    }
    for (const input of other.inputs) this.inputs.add(input);
    return series;
  }

  result(): RollUp {
    const cells = this.#cells.byColumn();
    return this.#rollUp(
      this.#counted().map(one => seriesOf(one, cells.get(one.index))),
      this.#latency.table(),
      { failed: this.failed.set(), good: this.good.set() },
    );
  }

  /** What it holds, to be added to another sum. Arrays of numbers are not copied: they go to another thread as they are, or are read before more is added here. */
  parts(): SumParts {
    const counted = this.#counted();
    return {
      rollUp: this.#rollUp(
        counted.map(one => seriesOf({ ...one, requestTime: undefined, upstreamTime: undefined }, undefined)),
        noLatency,
        { failed: this.failed.part(), good: this.good.part() },
      ),
      columns: Int32Array.from(counted, ({ index }) => index),
      numbers: counted.map(({ requestTime, upstreamTime }) => ({ requestTime, upstreamTime })),
      cells: this.#cells.parts(),
      latency: this.#latency.parts(),
    };
  }

  #counted(): readonly SeriesCounts[] {
    return this.#levels
      .flatMap(level => [...level.values()])
      .filter(({ count }) => count > 0)
      .sort((a, b) => compare(a.name.key, b.name.key));
  }

  #rollUp(series: readonly Series[], latency: RollUp['latency'], samples: Pick<RollUp, 'failed' | 'good'>): RollUp {
    return {
      version: 1,
      widthMs: narrowestBucketMs * 2 ** this.#shift,
      series,
      seriesBelow: this.#below[0],
      foldedBelow: this.#below[1],
      latency,
      ...samples,
      inputs: this.inputs.list(),
    };
  }

  #addSeries(one: Series, narrow: number): SeriesCounts {
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
    return series;
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
    this.#cells.widen();
    this.#latency.widen();
  }
}

/** A `RollUpSum` in pieces. */
export interface SumParts {
  /** Without buckets, times and latency. */
  readonly rollUp: RollUp;
  /** The column of each series of the roll-up. */
  readonly columns: Int32Array<ArrayBuffer>;
  /** The times of each. */
  readonly numbers: readonly SeriesNumbers[];
  readonly cells: CellParts;
  readonly latency: LatencyParts;
}

const noBuckets = new Int32Array(0);
const noCounts = new Float64Array(0);
const noLatency: RollUp['latency'] = { buckets: noBuckets, counts: noCounts, sums: noCounts };

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
  addNumbers(into, from);
  from.requestTime = undefined;
  from.upstreamTime = undefined;
}

function addNumbers(into: SeriesCounts, from: SeriesNumbers | undefined): void {
  for (const which of ['requestTime', 'upstreamTime'] as const) {
    const counts = from?.[which];
    if (counts === undefined) continue;
    const sums = stepsOf(into, which);
    for (let step = 0; step < sumPlace; step += 1) sums[step] = (sums[step] ?? 0) + (counts[step] ?? 0);
    sums[sumPlace] = addSums(sums[sumPlace] ?? 0, counts[sumPlace] ?? 0);
  }
}

function seriesOf({ name, count, firstMs, lastMs, requestTime, upstreamTime }: SeriesCounts, cells: CellList | undefined): Series {
  return {
    format: name.format,
    kind: name.kind,
    ...(name.outcome !== undefined && { outcome: name.outcome }),
    ...(name.level === 1 && { folded: true }),
    count,
    firstMs,
    lastMs,
    buckets: cells?.keys ?? noBuckets,
    counts: cells?.values ?? noCounts,
    requestTime: histogramOf(requestTime),
    upstreamTime: histogramOf(upstreamTime),
  };
}

function histogramOf(counts: StepCounts | undefined): Histogram {
  const steps: number[] = [];
  for (let step = 0; step < sumPlace; step += 1) if ((counts?.[step] ?? 0) > 0) steps.push(step);
  return { steps, counts: steps.map(step => counts?.[step] ?? 0), sum: counts?.[sumPlace] ?? 0 };
}
