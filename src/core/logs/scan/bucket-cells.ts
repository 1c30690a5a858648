import { added, BucketPlaces, emptyLike, withRoom, type Sums } from './bucket-places.ts';

/** Sums of many, as they go from one thread to another. */
export interface CellParts {
  /** The number of each bucket. */
  readonly numbers: Int32Array<ArrayBuffer>;
  /** Of each column that has any: a sum for each bucket. */
  readonly columns: readonly (Sums | undefined)[];
}

/** What lies in one column: in ascending order the buckets, and the sum of each (above 0). */
export interface CellList {
  readonly keys: Int32Array;
  readonly values: Float64Array;
}

const firstLength = 64;

/** Sums by bucket and column: a number for each, as a roll-up's limits hold buckets times columns. */
export class BucketCells {
  readonly #places = new BucketPlaces();
  readonly #columns: (Sums | undefined)[] = [];
  #room = firstLength;

  /** Buckets with an entry. */
  get size(): number {
    return this.#places.size;
  }

  /** True where the bucket is new. A sum stays where it is once it is 2^53 - 1. */
  add(bucket: number, column: number, value: number): boolean {
    const { size } = this.#places;
    const place = this.#places.find(bucket);
    this.#columns[column] = added(this.#column(column), place, value);
    return place === size;
  }

  /** Adds to one bucket: in `words` [from, to) are pairs of a number that `columnOf` has a column for, and a value. True where the bucket is new. */
  addPairs(bucket: number, words: Uint32Array, from: number, to: number, columnOf: Int32Array): boolean {
    const { size } = this.#places;
    const place = this.#places.find(bucket);
    for (let word = from; word < to; word += 2) {
      const column = columnOf[words[word] ?? 0] ?? 0;
      this.#columns[column] = added(this.#column(column), place, words[word + 1] ?? 0);
    }
    return place === size;
  }

  /** Adds all of another, whose buckets are 2^shift times as narrow and whose columns are numbered otherwise. */
  absorb({ numbers, columns }: CellParts, shift: number, columnOf: Int32Array): void {
    const own = numbers.map(number => this.#places.find(number >>> shift));
    for (const [column, sums] of columns.entries()) {
      if (sums === undefined) continue;
      const to = columnOf[column] ?? column;
      this.#columns[to] = withRows(this.#column(to), sums, own);
    }
  }

  /** Buckets become twice as wide. */
  widen(): void {
    const moved = this.#places.widen();
    for (const [column, sums] of this.#columns.entries()) {
      if (sums === undefined) continue;
      this.#columns[column] = withRows(emptyLike(sums, this.#room), sums, moved);
    }
  }

  /** What was counted in a column is counted in another from now on; the first may be used anew. */
  moveColumns(to: ReadonlyMap<number, number>): void {
    for (const [from, into] of to) {
      const sums = this.#columns[from];
      if (sums === undefined) continue;
      this.#columns[from] = undefined;
      this.#columns[into] = withRows(this.#column(into), sums, Int32Array.from(sums.keys()));
    }
  }

  byColumn(): ReadonlyMap<number, CellList> {
    const numbers = this.#places.numbers();
    const order = this.#places.order();
    const keys = new Int32Array(order.length);
    const values = new Float64Array(order.length);
    const lists = new Map<number, CellList>();
    for (const [column, sums] of this.#columns.entries()) {
      if (sums === undefined) continue;
      let length = 0;
      for (let row = 0; row < order.length; row += 1) {
        const place = order[row] ?? 0;
        const value = sums[place] ?? 0;
        if (value === 0) continue;
        keys[length] = numbers[place] ?? 0;
        values[length] = value;
        length += 1;
      }
      lists.set(column, { keys: keys.slice(0, length), values: values.slice(0, length) });
    }
    return lists;
  }

  /** Not copied: they change with what is added. */
  parts(): CellParts {
    return { numbers: this.#places.numbers(), columns: this.#columns };
  }

  /** With room for all buckets. */
  #column(column: number): Sums {
    if (this.size > this.#room) this.#room = Math.max(this.size, this.#room * 2);
    const sums = this.#columns[column];
    if (sums !== undefined && sums.length >= this.size) return sums;
    // A hole in a list would make it slow.
    while (this.#columns.length < column) this.#columns.push(undefined);
    return (this.#columns[column] = sums === undefined ? new Uint32Array(this.#room) : withRoom(sums, this.#room));
  }
}

/** Adds to each row what `moved` says belongs there. */
function withRows(sums: Sums, more: Sums, moved: Int32Array): Sums {
  let own = sums;
  for (let row = 0; row < moved.length; row += 1) {
    const value = more[row] ?? 0;
    if (value !== 0) own = added(own, moved[row] ?? 0, value);
  }
  return own;
}
