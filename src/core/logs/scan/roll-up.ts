import type { Outcome } from './format.ts';

/** Buckets start this wide; each doubling makes room where a log reaches over a long time. */
export const narrowestBucketMs = 10_000;
/**
 * Most series times buckets (whether or not a series has lines in all of them) before buckets become twice as wide. The number of
 * cells that are there would not do: it falls where series are folded, and would then hang on which came first.
 */
export const mostCells = 1 << 22;
/** Most series before those with the highest hashes are folded: of their outcome only status, failed, maker and class are kept. */
export const mostSeries = 2048;
/** Most different lines that are kept of the failing requests and messages, and of the others. */
export const mostSamples = { failed: 4096, good: 2048 } as const;

/**
 * What is known of a log, a part of one, or many. Adding is exact, commutative and associative: the roll-up of the whole is the
 * sum of those of its parts, in any order. To keep it so in bounded memory, whatever is left out is chosen by the hash of
 * what it is, never by when it came: buckets become wider where there are too many; series with the highest hashes
 * are folded; of the lines those with a hash below a threshold are kept, and the threshold is halved until they fit.
 */
export interface RollUp {
  readonly version: 1;
  readonly widthMs: number;
  readonly series: readonly Series[];
  /** Series whose hash is below it are whole, the others folded; 2^32: all are whole. */
  readonly seriesBelow: number;
  /** Folded series whose hash is below it have an outcome, the others have none. */
  readonly foldedBelow: number;
  readonly latency: LatencyTable;
  readonly failed: SampleSet;
  readonly good: SampleSet;
  readonly inputs: readonly InputCount[];
}

/** Lines alike in format and outcome, inside the window. */
export interface Series {
  readonly format: string;
  readonly kind: 'access' | 'error';
  /** Absent for what too many folded series were counted as. */
  readonly outcome?: Outcome;
  /** Many series are counted as this one: its outcome says status, failed, madeBy, because and class only. */
  readonly folded?: true;
  readonly count: number;
  /** NaN, as the last, where no line has a time. Lines without one are in no bucket. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Bucket numbers (milliseconds since 1970 / widthMs, rounded down), ascending, and the lines in each. */
  readonly buckets: Int32Array;
  readonly counts: Float64Array;
  readonly requestTime: Histogram;
  readonly upstreamTime: Histogram;
}

/** How long all requests of a bucket took, by coarse steps (see `histogram.ts`): a value read from it is wrong by 1/8 at most. */
export interface LatencyTable {
  /** Ascending. */
  readonly buckets: Int32Array;
  /** `coarseSteps` of each bucket. */
  readonly counts: Float64Array;
  /** Of each bucket, exact, in microseconds. */
  readonly sums: Float64Array;
}

/**
 * Times in microseconds, sixteen steps to the octave from 1 ms on (below: one step of each octave from 1 µs on): a value read
 * from it is wrong by 1/32 at most. `steps` ascending.
 */
export interface Histogram {
  readonly steps: readonly number[];
  readonly counts: readonly number[];
  /** Exact, in microseconds. */
  readonly sum: number;
}

/** A choice among lines by their hash, the same however the log is divided. */
export interface SampleSet {
  /** Lines whose hash (32 bits, unsigned) is below it are here; 2^32: all of them. */
  readonly threshold: number;
  readonly lines: readonly SampledLine[];
}

export interface SampledLine {
  readonly hash: number;
  readonly format: string;
  /** At most 4096 bytes of it, as text. */
  readonly text: string;
  /** NaN where it has none. */
  readonly timeMs: number;
  /** Lines that are the same to the byte. */
  readonly count: number;
  /** Where the first of them stands. */
  readonly path: string;
  readonly offset: number;
}

/** What was read of one input, as it is told. */
export interface InputCount {
  readonly path: string;
  readonly bytes: number;
  /** All but empty ones: the sum of `outside`, `formats`, `continued`, `misfits` and `tooLong`. */
  readonly lines: number;
  /** Lines outside the window that was asked for. */
  readonly outside: number;
  /** By format id. */
  readonly formats: readonly { readonly id: string; readonly lines: number }[];
  /** Lines of an error log that continue the message before them. */
  readonly continued: number;
  /** Lines that fit no format, with those whose hashes are lowest. */
  readonly misfits: number;
  readonly misfitSamples: readonly { readonly hash: number; readonly text: string; readonly offset: number }[];
  /** Lines of more than 1 MiB. */
  readonly tooLong: number;
  readonly firstMs?: number;
  readonly lastMs?: number;
}
