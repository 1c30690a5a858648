import { BucketPlaces, plus, withRoom } from './bucket-places.ts';
import { addSums, coarseSteps } from './histogram.ts';
import type { LatencyTable } from './roll-up.ts';

/** The latency of each bucket, as it goes from one thread to another. */
export interface LatencyParts {
  /** The number of each bucket. */
  readonly numbers: Int32Array<ArrayBuffer>;
  /** For each bucket the lines of each coarse step, then their sum. */
  readonly rows: Float64Array<ArrayBuffer>;
}

const width = coarseSteps + 1;
const firstRows = 64;

/** How long requests took, by bucket. */
export class LatencyRows {
  readonly #places = new BucketPlaces();
  #rows = new Float64Array(firstRows * width);

  add(bucket: number, coarseStep: number, lines: number): void {
    const at = this.#rowOf(bucket) + coarseStep;
    this.#rows[at] = plus(this.#rows[at] ?? 0, lines);
  }

  addSum(bucket: number, micros: number): void {
    const at = this.#rowOf(bucket) + coarseSteps;
    this.#rows[at] = addSums(this.#rows[at] ?? 0, micros);
  }

  /** Adds all of another, whose buckets are 2^shift times as narrow. */
  absorb({ numbers, rows }: LatencyParts, shift: number): void {
    const own = numbers.map(number => this.#places.find(number >>> shift));
    this.#rows = withRoom(this.#rows, this.#places.size * width);
    addRows(this.#rows, rows, own);
  }

  /** Buckets become twice as wide. */
  widen(): void {
    const before = this.#rows;
    const moved = this.#places.widen();
    this.#rows = new Float64Array(before.length);
    addRows(this.#rows, before, moved);
  }

  /** Copies: nothing is taken away. */
  parts(): LatencyParts {
    return { numbers: this.#places.numbers(), rows: this.#rows.slice(0, this.#places.size * width) };
  }

  /** The buckets with lines, in ascending order. */
  table(): LatencyTable {
    const numbers = this.#places.numbers();
    const filled = this.#places.order().filter(place => this.#rows.subarray(place * width, place * width + coarseSteps).some(lines => lines > 0));
    const counts = new Float64Array(filled.length * coarseSteps);
    for (const [index, place] of filled.entries()) counts.set(this.#rows.subarray(place * width, place * width + coarseSteps), index * coarseSteps);
    return {
      buckets: filled.map(place => numbers[place] ?? 0),
      counts,
      sums: Float64Array.from(filled, place => this.#rows[place * width + coarseSteps] ?? 0),
    };
  }

  #rowOf(bucket: number): number {
    const place = this.#places.find(bucket);
    this.#rows = withRoom(this.#rows, this.#places.size * width);
    return place * width;
  }
}

function addRows(rows: Float64Array, more: Float64Array, moved: Int32Array): void {
  for (let row = 0; row < moved.length; row += 1) {
    const from = row * width;
    const to = (moved[row] ?? 0) * width;
    for (let step = 0; step < width; step += 1) {
      const value = more[from + step] ?? 0;
      if (value !== 0) rows[to + step] = plus(rows[to + step] ?? 0, value);
    }
  }
}
