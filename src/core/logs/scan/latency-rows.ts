import { added, BucketPlaces, emptyLike, withRoom, type Sums } from './bucket-places.ts';
import { addSums, coarseSteps as width } from './histogram.ts';
import type { LatencyTable } from './roll-up.ts';

/** The latency of each bucket, as it goes from one thread to another. */
export interface LatencyParts {
  /** The number of each bucket. */
  readonly numbers: Int32Array<ArrayBuffer>;
  /** For each bucket the lines of each coarse step. */
  readonly rows: Sums;
  /** For each bucket. */
  readonly sums: Float64Array<ArrayBuffer>;
}

const firstRows = 64;

/** How long requests took, by bucket. */
export class LatencyRows {
  readonly #places = new BucketPlaces();
  #rows: Sums = new Uint32Array(firstRows * width);
  #sums = new Float64Array(firstRows);

  add(bucket: number, coarseStep: number, lines: number): void {
    const at = this.#placeOf(bucket) * width + coarseStep;
    this.#rows = added(this.#rows, at, lines);
  }

  /** Adds to one bucket: in `words` [from, to) are pairs of a coarse step and its lines. */
  addPairs(bucket: number, words: Uint32Array, from: number, to: number): void {
    const row = this.#placeOf(bucket) * width;
    for (let word = from; word < to; word += 2) this.#rows = added(this.#rows, row + (words[word] ?? 0), words[word + 1] ?? 0);
  }

  addSum(bucket: number, micros: number): void {
    const place = this.#placeOf(bucket);
    this.#sums[place] = addSums(this.#sums[place] ?? 0, micros);
  }

  /** Adds all of another, whose buckets are 2^shift times as narrow. */
  absorb({ numbers, rows, sums }: LatencyParts, shift: number): void {
    const own = numbers.map(number => this.#places.find(number >>> shift));
    this.#makeRoom();
    this.#addRows(rows, sums, own);
  }

  /** Buckets become twice as wide. */
  widen(): void {
    const [rows, sums] = [this.#rows, this.#sums];
    const moved = this.#places.widen();
    this.#rows = emptyLike(rows, rows.length);
    this.#sums = new Float64Array(sums.length);
    this.#addRows(rows, sums, moved);
  }

  /** Not copied: they change with what is added. */
  parts(): LatencyParts {
    return { numbers: this.#places.numbers(), rows: this.#rows, sums: this.#sums };
  }

  /** In ascending order of the buckets. */
  table(): LatencyTable {
    const numbers = this.#places.numbers();
    const order = this.#places.order();
    const counts = new Float64Array(order.length * width);
    for (let row = 0; row < order.length; row += 1) {
      const from = (order[row] ?? 0) * width;
      counts.set(this.#rows.subarray(from, from + width), row * width);
    }
    return { buckets: order.map(place => numbers[place] ?? 0), counts, sums: Float64Array.from(order, place => this.#sums[place] ?? 0) };
  }

  /** With room for it. */
  #placeOf(bucket: number): number {
    const place = this.#places.find(bucket);
    this.#makeRoom();
    return place;
  }

  #makeRoom(): void {
    this.#rows = withRoom(this.#rows, this.#places.size * width);
    this.#sums = withRoom(this.#sums, this.#places.size);
  }

  /** Adds to each bucket what `moved` says belongs there. */
  #addRows(rows: Sums, sums: Float64Array, moved: Int32Array): void {
    let own = this.#rows;
    for (let row = 0; row < moved.length; row += 1) {
      const place = moved[row] ?? 0;
      const from = row * width;
      const to = place * width;
      for (let step = 0; step < width; step += 1) {
        const value = rows[from + step] ?? 0;
        if (value !== 0) own = added(own, to + step, value);
      }
      this.#sums[place] = addSums(this.#sums[place] ?? 0, sums[row] ?? 0);
    }
    this.#rows = own;
  }
}
