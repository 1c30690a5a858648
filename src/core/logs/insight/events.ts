/** Counts of equal bins, of which many may be empty. */
export interface Events {
  readonly bins: number;
  /** Bins that hold any, ascending. */
  readonly filled: Int32Array;
  /** What those hold. */
  readonly amounts: WholeNumbers;
}

/** 32 bits wide wherever their sum is too: code that has run for a moment only makes any other number anew, one by one. */
export type WholeNumbers = Int32Array | Float64Array;
const mostWide = 2 ** 31 - 1;

export function eventsOf(counts: Float64Array): Events {
  const filled = new Int32Array(counts.length);
  const wide = new Float64Array(counts.length);
  let size = 0;
  let sum = 0;
  let isWhole = true;
  for (let at = 0; at < counts.length; at += 1) {
    const count = counts[at] ?? 0;
    if (count <= 0) continue;
    filled[size] = at;
    wide[size] = count;
    sum += count;
    if ((count | 0) !== count) isWhole = false;
    size += 1;
  }
  const amounts = wide.subarray(0, size);
  return { bins: counts.length, filled: filled.subarray(0, size), amounts: isWhole && sum <= mostWide ? new Int32Array(amounts) : amounts };
}

/** Entry i is the sum of the first i values. */
export function runningSums(values: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(values.length + 1);
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) {
    sum += values[at] ?? 0;
    sums[at + 1] = sum;
  }
  return sums;
}

/** How many of the ascending places lie before `place`. */
export function countBefore(places: ArrayLike<number>, place: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
