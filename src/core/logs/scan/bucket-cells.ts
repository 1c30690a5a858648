/** Entries of many, as they go from one thread to another. */
export interface CellParts {
  /** The number of each bucket. */
  readonly numbers: Int32Array;
  /** Of each entry: the place of its bucket in `numbers`, its column, its value. */
  readonly places: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** What lies in one bucket, or in one column: in ascending order the columns, or the buckets, and the sum of each. */
export interface CellList {
  readonly keys: number[];
  readonly values: number[];
}

const firstLength = 256;
/** Fewer entries are not worth the time of joining those that are alike. */
const joinFrom = 1 << 20;

/**
 * Sums by bucket and column. What is added is written down one entry after the other, as most sums of a log are added to once, in the
 * order of time; entries of the same bucket and column are joined when they are read, or where they would take too much room.
 */
export class BucketCells {
  #numbers: number[] = [];
  #placeOf = new Map<number, number>();
  #lastBucket = -1;
  #lastPlace = -1;
  #places = new Int32Array(firstLength);
  #columns = new Int32Array(firstLength);
  #values = new Float64Array(firstLength);
  #length = 0;
  #joined = 0;

  /** Buckets with an entry. */
  get size(): number {
    return this.#numbers.length;
  }

  /** True where the bucket is new. A sum stays where it is once it is 2^53 - 1. */
  add(bucket: number, column: number, value: number): boolean {
    const { length } = this.#numbers;
    this.#push(bucket === this.#lastBucket ? this.#lastPlace : this.#find(bucket), column, value);
    return this.#numbers.length > length;
  }

  /** Adds all of another, whose buckets are 2^shift times as narrow and whose columns are numbered otherwise. */
  absorb({ numbers, places, columns, values }: CellParts, shift: number, columnOf: Int32Array | undefined): void {
    const own = Int32Array.from(numbers, number => this.#find(number >>> shift));
    if (this.#length + places.length > this.#places.length && this.#length < joinFrom) this.#grow(this.#length + places.length);
    for (let index = 0; index < places.length; index += 1) {
      const column = columns[index] ?? 0;
      this.#push(own[places[index] ?? 0] ?? 0, columnOf?.[column] ?? column, values[index] ?? 0);
    }
  }

  /** Buckets become twice as wide. */
  widen(): void {
    const before = this.#numbers;
    this.#numbers = [];
    this.#placeOf = new Map();
    this.#lastBucket = -1;
    const moved = Int32Array.from(before, number => this.#find(number >>> 1));
    for (let index = 0; index < this.#length; index += 1) this.#places[index] = moved[this.#places[index] ?? 0] ?? 0;
  }

  /** What was counted in a column is counted in another from now on; the first may be used anew. */
  moveColumns(to: ReadonlyMap<number, number>): void {
    const moved = new Int32Array(Math.max(0, ...to.keys()) + 1).map((_, column) => to.get(column) ?? column);
    for (let index = 0; index < this.#length; index += 1) {
      const column = this.#columns[index] ?? 0;
      this.#columns[index] = moved[column] ?? column;
    }
  }

  /** The buckets with a sum above 0, in ascending order. */
  byBucket(): readonly (CellList & { readonly bucket: number })[] {
    const lists: (CellList & { readonly bucket: number })[] = [];
    const sums = new Float64Array(this.#mostColumn() + 1);
    const keys: number[] = [];
    let bucket = -1;
    const finish = (): void => {
      keys.sort((a, b) => a - b);
      const values = keys.map(key => sums[key] ?? 0);
      if (keys.length > 0) lists.push({ bucket, keys: [...keys], values });
      for (const key of keys) sums[key] = 0;
      keys.length = 0;
    };
    this.#visit((next, column, value) => {
      if (next !== bucket) finish();
      bucket = next;
      if (value === 0) return;
      const sum = sums[column] ?? 0;
      if (sum === 0) keys.push(column);
      sums[column] = plus(sum, value);
    });
    finish();
    return lists;
  }

  byColumn(): ReadonlyMap<number, CellList> {
    const lists = Array.from({ length: this.#mostColumn() + 1 }, (): CellList => ({ keys: [], values: [] }));
    this.#visit((bucket, column, value) => {
      const { keys, values } = lists[column] ?? { keys: [], values: [] };
      const last = keys.length - 1;
      if (keys[last] === bucket) values[last] = plus(values[last] ?? 0, value);
      else {
        keys.push(bucket);
        values.push(value);
      }
    });
    return new Map(lists.entries());
  }

  /** Copies: nothing is taken away. */
  parts(): CellParts {
    return {
      numbers: Int32Array.from(this.#numbers),
      places: this.#places.slice(0, this.#length),
      columns: this.#columns.slice(0, this.#length),
      values: this.#values.slice(0, this.#length),
    };
  }

  #find(bucket: number): number {
    let place = this.#placeOf.get(bucket);
    if (place === undefined) {
      place = this.#numbers.push(bucket) - 1;
      this.#placeOf.set(bucket, place);
    }
    this.#lastBucket = bucket;
    this.#lastPlace = place;
    return place;
  }

  #push(place: number, column: number, value: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#places[last] === place && this.#columns[last] === column) {
      this.#values[last] = plus(this.#values[last] ?? 0, value);
      return;
    }
    if (this.#length === this.#places.length) this.#makeRoom();
    this.#places[this.#length] = place;
    this.#columns[this.#length] = column;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  #makeRoom(): void {
    const { length } = this.#places;
    if (length >= joinFrom && length >= this.#joined * 2) this.#join();
    if (this.#length > length / 2) this.#grow(length * 2);
  }

  #grow(length: number): void {
    this.#places = grown(this.#places, new Int32Array(length));
    this.#columns = grown(this.#columns, new Int32Array(length));
    this.#values = grown(this.#values, new Float64Array(length));
  }

  #mostColumn(): number {
    let most = 0;
    for (let index = 0; index < this.#length; index += 1) most = Math.max(most, this.#columns[index] ?? 0);
    return most;
  }

  /** All entries, with their buckets in ascending order. */
  #visit(take: (bucket: number, column: number, value: number) => void): void {
    const numbers = this.#numbers;
    for (const index of orderBy(this.#ranks(), undefined)) take(numbers[this.#places[index] ?? 0] ?? 0, this.#columns[index] ?? 0, this.#values[index] ?? 0);
  }

  /** Of each entry, the place that its bucket has among all in ascending order. */
  #ranks(): Int32Array {
    const ranks = new Int32Array(this.#numbers.length);
    for (const [rank, place] of [...ranks.keys()].sort((a, b) => (this.#numbers[a] ?? 0) - (this.#numbers[b] ?? 0)).entries()) ranks[place] = rank;
    return this.#places.subarray(0, this.#length).map(place => ranks[place] ?? 0);
  }

  /** Sorts all entries, and makes one of those that are alike. */
  #join(): void {
    const order = orderBy(this.#columns.subarray(0, this.#length), orderBy(this.#ranks(), undefined));
    const [places, columns, values] = [this.#places, this.#columns, this.#values];
    this.#places = new Int32Array(places.length);
    this.#columns = new Int32Array(places.length);
    this.#values = new Float64Array(places.length);
    this.#length = 0;
    for (const index of order) this.#push(places[index] ?? 0, columns[index] ?? 0, values[index] ?? 0);
    this.#joined = this.#length;
  }
}

/** The entries in the order of their keys; those with the same key stay in the order that they are in. */
function orderBy(keys: Int32Array, order: Int32Array | undefined): Int32Array {
  let most = 0;
  for (const key of keys) if (key > most) most = key;
  const starts = new Int32Array(most + 2);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key <= most; key += 1) starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const sorted = new Int32Array(keys.length);
  for (let at = 0; at < keys.length; at += 1) {
    const index = order === undefined ? at : (order[at] ?? 0);
    const key = keys[index] ?? 0;
    const to = starts[key] ?? 0;
    sorted[to] = index;
    starts[key] = to + 1;
  }
  return sorted;
}

function plus(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}

function grown<T extends Int32Array | Float64Array>(old: T, longer: T): T {
  longer.set(old);
  return longer;
}
