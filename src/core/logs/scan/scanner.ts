import type { LogFormat } from './format.ts';
import type { TimeStyle } from './plan.ts';
import type { RollUp } from './roll-up.ts';
import type { RollUpSum } from './sum.ts';

/** Longest line that is read. */
export const longestLine = 1 << 20;

export interface ScanTask {
  /** As it is named in reports. */
  readonly path: string;
  /** Candidates, the likeliest first. Lines that do not fit the one in use are tried with the others. */
  readonly formats: readonly LogFormat[];
  /** Lines from this time on, and before that one, count. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
  /** Milliseconds at the start of an hour that a log names; NaN where the text is none. Zones are its business. */
  hourMs(style: TimeStyle, prefix: string, suffix: string): number;
}

/** Counts the lines of one input. Both engines give the same roll-up for the same bytes. */
export interface Scanner {
  /** The caller puts bytes here, behind what the last call of `scan` left over. Fetch it anew before each write. */
  readonly buffer: Uint8Array;
  /**
   * Counts the whole lines in the first `length` bytes, of which the first lies at `offset` of the input. Moves what is left to the
   * start of the buffer and returns its length. With `isLast` the rest is a line too, and 0 is returned.
   * A line longer than `longestLine` is passed over and counted.
   */
  scan(length: number, offset: number, isLast: boolean): number;
  /** All that was counted so far. May be called again later: nothing is taken away. */
  result(): RollUp;
  /** The same as a sum, sooner made. It is the scanner's own: who adds to it must not scan any more. */
  sum(): RollUpSum;
}
