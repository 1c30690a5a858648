import type { LogFormat } from '../../core/logs/scan/format.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';

/** What is done with an input, and how far. */
export interface Progress {
  /** Of the bytes on disk, compressed or not; what comes from a pipe counts as it comes. */
  readonly bytesDone: number;
  /** 0 where it cannot be known (a pipe). */
  readonly bytesTotal: number;
  readonly filesDone: number;
  readonly filesTotal: number;
}

/** What happened to one input; its counts are in the roll-up under the same path. */
export interface InputReport {
  readonly path: string;
  /** Of log text that was read, after it was uncompressed. */
  readonly bytes: number;
  readonly problems: readonly string[];
  /** Nothing of it could be read: why. */
  readonly unread?: string;
  /** It was not read because nothing in it can lie in the window: why. */
  readonly skipped?: string;
}

export interface LogsResult {
  readonly rollUp: RollUp;
  readonly inputs: readonly InputReport[];
  /** Reading was broken off: why. What is here is what was known by then. */
  readonly partial?: string;
  /** Those that were candidates for any input. */
  readonly formats: readonly LogFormat[];
  /** Which engine read, with how many threads beside the main one. */
  readonly engine: 'kernel' | 'plain';
  readonly threads: number;
}
