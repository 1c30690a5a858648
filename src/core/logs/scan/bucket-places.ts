/** Which row a bucket's numbers lie in: rows follow each other in the order in which buckets come. */
export class BucketPlaces {
  #numbers: number[] = [];
  #placeOf = new Map<number, number>();
  #lastBucket = -1;
  #lastPlace = -1;

  get size(): number {
    return this.#numbers.length;
  }

  /** The row of a bucket; `size` grows where it is new. */
  find(bucket: number): number {
    if (bucket === this.#lastBucket) return this.#lastPlace;
    let place = this.#placeOf.get(bucket);
    if (place === undefined) {
      place = this.#numbers.push(bucket) - 1;
      this.#placeOf.set(bucket, place);
    }
    this.#lastBucket = bucket;
    this.#lastPlace = place;
    return place;
  }

  /** Buckets become twice as wide. Gives the new row of each old one. */
  widen(): Int32Array {
    const before = this.#numbers;
    this.#numbers = [];
    this.#placeOf = new Map();
    this.#lastBucket = -1;
    return Int32Array.from(before, number => this.find(number >>> 1));
  }

  numbers(): Int32Array<ArrayBuffer> {
    return Int32Array.from(this.#numbers);
  }

  /** The rows in ascending order of their buckets. */
  order(): Int32Array {
    const numbers = this.numbers();
    const order = numbers.map((_, place) => place);
    const isInOrder = numbers.every((number, place) => place === 0 || number > (numbers[place - 1] ?? 0));
    return isInOrder ? order : order.sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0));
  }
}

/** Sums; 32 bits of each hold nearly all that is ever counted. */
export type Sums = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const mostOf32 = 0xffff_ffff;

/** Adds, and gives the sums, which may be others than before. A sum stays where it is once it is 2^53 - 1. */
export function added(sums: Sums, at: number, value: number): Sums {
  const sum = (sums[at] ?? 0) + value;
  if (sum <= mostOf32 || sums instanceof Float64Array) {
    sums[at] = Math.min(Number.MAX_SAFE_INTEGER, sum);
    return sums;
  }
  return added(Float64Array.from(sums), at, value);
}

/** Room for `length` numbers at least: all is copied seldom enough. */
export function withRoom<T extends Sums>(old: T, length: number): T {
  if (length <= old.length) return old;
  const longer = emptyLike(old, Math.max(length, old.length * 2));
  longer.set(old);
  return longer;
}

export function emptyLike<T extends Sums>(sums: T, length: number): T {
  return (sums instanceof Float64Array ? new Float64Array(length) : new Uint32Array(length)) as T;
}
