import type { NumberSummary, TimeBuckets } from '../model/facts/logs.ts';

export const bucketMs = 10_000;
const maxBuckets = 4096;

/** Counts events in 10-second buckets; where they would become too many, the buckets are made wider. */
export class BucketCounter {
  #counts = new Map<number, number>();
  #widthMs = bucketMs;
  #lastKey = Number.NaN;
  #lastCount = 0;

  add(timeMs: number, count = 1): void {
    const key = Math.floor(timeMs / this.#widthMs);
    if (key !== this.#lastKey) {
      this.#flush();
      this.#lastKey = key;
    }
    this.#lastCount += count;
  }

  toBuckets(): TimeBuckets {
    this.#flush();
    const keys = [...this.#counts.keys()].sort((a, b) => a - b);
    return { widthMs: this.#widthMs, starts: keys.map(key => key * this.#widthMs), counts: keys.map(key => this.#counts.get(key) ?? 0) };
  }

  #flush(): void {
    if (this.#lastCount === 0) return;
    this.#counts.set(this.#lastKey, (this.#counts.get(this.#lastKey) ?? 0) + this.#lastCount);
    this.#lastCount = 0;
    this.#lastKey = Number.NaN;
    if (this.#counts.size > maxBuckets) this.#widen();
  }

  #widen(): void {
    const wider = new Map<number, number>();
    for (const [key, count] of this.#counts) wider.set(Math.floor(key / 2), (wider.get(Math.floor(key / 2)) ?? 0) + count);
    this.#counts = wider;
    this.#widthMs *= 2;
    if (wider.size > maxBuckets) this.#widen();
  }
}

/** Buckets of several counters as one; they are given in the widest of their widths. */
export function mergeBuckets(all: readonly TimeBuckets[]): TimeBuckets {
  const widthMs = Math.max(bucketMs, ...all.map(one => one.widthMs));
  const counts = new Map<number, number>();
  for (const one of all) {
    for (const [index, start] of one.starts.entries()) {
      const key = Math.floor(start / widthMs) * widthMs;
      counts.set(key, (counts.get(key) ?? 0) + (one.counts[index] ?? 0));
    }
  }
  const starts = [...counts.keys()].sort((a, b) => a - b);
  return { widthMs, starts, counts: starts.map(start => counts.get(start) ?? 0) };
}

const maxKept = 512;

/** Minimum and maximum exactly, median and 95th percentile from an even sample of at most 512 values. */
export class NumberSampler {
  #kept: number[] = [];
  #every = 1;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#count % this.#every === 0) this.#kept.push(value);
    this.#count += 1;
    if (this.#kept.length < maxKept) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  summary(): NumberSummary | undefined {
    if (this.#count === 0) return undefined;
    const sorted = this.#kept.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? this.#min;
    return { count: this.#count, min: this.#min, median: at(0.5), p95: at(0.95), max: this.#max };
  }
}
