import type { LogFormat } from '../../core/logs/scan/format.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import type { FormatSpec, LogZone } from './format-choice.ts';

export interface LogsRequest {
  /** Files, folders, patterns, `-` for standard input; see `findInputs`. */
  readonly paths: readonly string[];
  /** Units of systemd whose journal is read. */
  readonly journalUnits?: readonly string[];
  readonly formats: FormatSpec;
  /** Lines from this time on and before that one count; infinite for all. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Of logs without a zone. */
  readonly zone: LogZone;
  readonly nowMs: number;
  /** At most 4; default the processors that there are. Small inputs are read without threads. */
  readonly threads?: number;
  /** `auto`: the kernel where it loads. */
  readonly engine?: 'auto' | 'kernel' | 'plain';
  /** In the place of the process's standard input. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

/** What is done so far. */
export interface Progress {
  /** Of the bytes on disk, compressed or not, that lie in the window. What comes from a pipe is not among them. */
  readonly bytesDone: number;
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
  /** In the order in which they were named, rotated ones in the order of time. */
  readonly inputs: readonly InputReport[];
  /** Reading was broken off: why. What is here is what was known by then. */
  readonly partial?: string;
  /** Candidates of any input. */
  readonly formats: readonly LogFormat[];
  readonly engine: 'kernel' | 'plain';
  /** Beside the main one. */
  readonly threads: number;
}
