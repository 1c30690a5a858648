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

  /** Adds to one bucket: in `words` [from, to) are pairs of a coarse step and its lines. */
  addPairs(bucket: number, words: Uint32Array, from: number, to: number): void {
    const row = this.#rowOf(bucket);
    const rows = this.#rows;
    for (let word = from; word < to; word += 2) {
      const at = row + (words[word] ?? 0);
      rows[at] = plus(rows[at] ?? 0, words[word + 1] ?? 0);
    }
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

  /** Not copied: they change with what is added. */
  parts(): LatencyParts {
    return { numbers: this.#places.numbers(), rows: this.#rows };
  }

  /** The buckets with lines, in ascending order. */
  table(): LatencyTable {
    const numbers = this.#places.numbers();
    const rows = this.#rows;
    const filled = this.#places.order().filter(place => hasLines(rows, place * width));
    const counts = new Float64Array(filled.length * coarseSteps);
    for (let row = 0; row < filled.length; row += 1) {
      const from = (filled[row] ?? 0) * width;
      const to = row * coarseSteps;
      for (let step = 0; step < coarseSteps; step += 1) counts[to + step] = rows[from + step] ?? 0;
    }
    return {
      buckets: filled.map(place => numbers[place] ?? 0),
      counts,
      sums: Float64Array.from(filled, place => rows[place * width + coarseSteps] ?? 0),
    };
  }

  #rowOf(bucket: number): number {
    const place = this.#places.find(bucket);
    this.#rows = withRoom(this.#rows, this.#places.size * width);
    return place * width;
  }
}

function hasLines(rows: Float64Array, at: number): boolean {
  for (let step = 0; step < coarseSteps; step += 1) if (rows[at + step] !== 0) return true;
  return false;
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
