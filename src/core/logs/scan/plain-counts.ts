import { addSums, coarseSteps, coarseStepOf, histogramSteps, stepOf } from './histogram.ts';
import type { Tally } from './tally.ts';

const none = -1;

/** What the plain engine counted since it last gave it to the tally: the lines of one bucket, and times and numbers of all. */
export class PlainCounts {
  readonly #tally: Tally;
  #bucket = none;
  // By combination.
  #lines = new Float64Array(256);
  #firstMs = new Float64Array(256).fill(Number.POSITIVE_INFINITY);
  #lastMs = new Float64Array(256).fill(none);
  #sums = new Float64Array(512);
  #steps: (Uint32Array | undefined)[] = [];
  /** Combinations with lines in this bucket. */
  #touched: number[] = [];
  readonly #latency = new Float64Array(coarseSteps);
  #latencySum = 0;
  #touchedSteps: number[] = [];
  #combinations = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Makes room for one more combination. */
  grow(combinations: number): void {
    this.#combinations = combinations;
    if (combinations <= this.#lines.length) return;
    this.#lines = wider(this.#lines, 0);
    this.#firstMs = wider(this.#firstMs, Number.POSITIVE_INFINITY);
    this.#lastMs = wider(this.#lastMs, none);
    this.#sums = wider(this.#sums, 0);
  }

  /** `bucket` and `timeMs` are -1 for a line without a time, a number for one that it has not. */
  count(combination: number, bucket: number, timeMs: number, requestTime: number, upstreamTime: number): void {
    if (bucket !== this.#bucket) {
      this.#giveBucket();
      this.#bucket = bucket;
    }
    const lines = this.#lines[combination] ?? 0;
    if (lines === 0) this.#touched.push(combination);
    this.#lines[combination] = lines + 1;
    if (timeMs !== none) {
      if (timeMs < (this.#firstMs[combination] ?? 0)) this.#firstMs[combination] = timeMs;
      if (timeMs > (this.#lastMs[combination] ?? 0)) this.#lastMs[combination] = timeMs;
    }
    if (requestTime !== none) {
      const step = this.#add(combination * 2, requestTime);
      if (bucket !== none) this.#addLatency(coarseStepOf(step), requestTime);
    }
    if (upstreamTime !== none) this.#add(combination * 2 + 1, upstreamTime);
  }

  /** Gives all that was counted to the tally. */
  give(): void {
    this.#giveBucket();
    for (let combination = 0; combination < this.#combinations; combination += 1) {
      const lastMs = this.#lastMs[combination] ?? none;
      if (lastMs !== none) this.#tally.addTimes(combination, this.#firstMs[combination] ?? lastMs, lastMs);
      this.#firstMs[combination] = Number.POSITIVE_INFINITY;
      this.#lastMs[combination] = none;
      this.#giveNumbers(combination, 0);
      this.#giveNumbers(combination, 1);
    }
  }

  #add(place: number, micros: number): number {
    const step = stepOf(micros);
    const steps = (this.#steps[place] ??= new Uint32Array(histogramSteps));
    steps[step] = (steps[step] ?? 0) + 1;
    this.#sums[place] = addSums(this.#sums[place] ?? 0, micros);
    return step;
  }

  #addLatency(step: number, micros: number): void {
    const lines = this.#latency[step] ?? 0;
    if (lines === 0) this.#touchedSteps.push(step);
    this.#latency[step] = lines + 1;
    this.#latencySum = addSums(this.#latencySum, micros);
  }

  #giveBucket(): void {
    for (const combination of this.#touched) {
      this.#tally.addLines(combination, this.#bucket, this.#lines[combination] ?? 0);
      this.#lines[combination] = 0;
    }
    this.#touched = [];
    if (this.#touchedSteps.length === 0) return;
    for (const step of this.#touchedSteps) {
      this.#tally.addLatency(this.#bucket, step, this.#latency[step] ?? 0);
      this.#latency[step] = 0;
    }
    this.#tally.addLatencySum(this.#bucket, this.#latencySum);
    this.#latencySum = 0;
    this.#touchedSteps = [];
  }

  #giveNumbers(combination: number, number: 0 | 1): void {
    const place = combination * 2 + number;
    const steps = this.#steps[place];
    if (steps === undefined) return;
    this.#tally.addNumbers(combination, number, steps);
    this.#tally.addNumberSum(combination, number, this.#sums[place] ?? 0);
    this.#steps[place] = undefined;
    this.#sums[place] = 0;
  }
}

function wider(old: Float64Array, fill: number): Float64Array<ArrayBuffer> {
  const array = new Float64Array(old.length * 2).fill(fill);
  array.set(old);
  return array;
}
