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

/** Room for `length` numbers at least: all is copied seldom enough. */
export function withRoom(old: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (length <= old.length) return old;
  const longer = new Float64Array(Math.max(length, old.length * 2));
  longer.set(old);
  return longer;
}

/** A sum stays where it is once it is 2^53 - 1. */
export function plus(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}
