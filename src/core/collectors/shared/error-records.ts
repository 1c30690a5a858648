import type { LineSink } from '../../logs/lines.ts';
import type { ErrorRecord, LogSource } from '../../model/facts/logs.ts';
import { maxRecordBytes, parseErrorRecord, recordStart } from '../../parsers/nginx-error-log.ts';
import { decodeUtf8 } from '../../parsers/text.ts';

const futureMs = 60_000;
const maxSamples = 5;
/** A record holds at most 2048 bytes; more is read only for a syslog header. */
const maxKept = 4096;
/** `2026/11/21 01:55:14`, where 0 stands for any digit. */
const wallShape = Uint8Array.from('0000/00/00 00:00:00', one => one.charCodeAt(0));
const digit = 0x30;
const wallLength = 19;

export interface ErrorCoverage {
  lines: number;
  unparsed: number;
  future: number;
  readonly samples: string[];
  firstMs: number;
  lastMs: number;
}

export interface RecordWindow {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly timeOf: (wall: string) => number;
  readonly onRecord: (record: ErrorRecord) => void;
}

interface Pending {
  text: string;
  bytes: number;
  lines: number;
  readonly source: LogSource;
}

/** Puts records together from lines: a line without a time goes on with the record before it. Call `flush` at the end. */
export class RecordAssembler implements LineSink {
  readonly #window: RecordWindow;
  readonly #path: string;
  readonly #coverage: ErrorCoverage;
  #pending: Pending | undefined;
  /** A record older than the window was left out; what continues it is left out too. */
  #isOld = false;
  readonly #wall = new Uint8Array(wallLength);
  #wallMs = Number.NaN;

  constructor(path: string, window: RecordWindow, coverage: ErrorCoverage) {
    this.#path = path;
    this.#window = window;
    this.#coverage = coverage;
  }

  line(bytes: Uint8Array, start: number, end: number, offset: number, number: number | undefined): void {
    const isPlain = hasWall(bytes, start, end);
    const at = isPlain ? 0 : recordStart(latin1(bytes, start, Math.min(end, start + 200)));
    if (!isPlain && at <= 0) {
      this.#continue(bytes, start, end);
      return;
    }
    this.flush();
    const timeMs = this.#timeAt(bytes, start + at);
    this.#isOld = timeMs < this.#window.sinceMs;
    if (this.#isOld) return;
    const text = decodeUtf8(bytes.subarray(start, Math.min(end, start + maxKept)));
    const source = number === undefined ? { path: this.#path, offset } : { path: this.#path, offset, line: number };
    this.#pending = { text, bytes: end - start, lines: 1, source };
  }

  tooLong(): void {
    this.flush();
    this.#unparsed('');
  }

  /** Hands on the record that is being put together. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    this.#coverage.lines += pending.lines;
    const record = parseErrorRecord(pending.text, { timeOf: this.#window.timeOf, source: pending.source, bytes: pending.bytes });
    if (record === undefined) {
      this.#coverage.lines -= pending.lines;
      for (let index = 0; index < pending.lines; index += 1) this.#unparsed(index === 0 ? pending.text : '');
    } else if (record.timeMs > this.#window.nowMs + futureMs) this.#coverage.future += 1;
    else {
      this.#coverage.firstMs = Math.min(this.#coverage.firstMs, record.timeMs);
      this.#coverage.lastMs = Math.max(this.#coverage.lastMs, record.timeMs);
      this.#window.onRecord(record);
    }
  }

  /** Most records have the time of the one before. */
  #timeAt(bytes: Uint8Array, start: number): number {
    const wall = this.#wall;
    let at = wallLength - 1;
    while (at >= 0 && wall[at] === bytes[start + at]) at -= 1;
    if (at < 0) return this.#wallMs;
    this.#wallMs = this.#window.timeOf(latin1(bytes, start, start + wallLength));
    for (at = 0; at < wallLength; at += 1) wall[at] = bytes[start + at] ?? 0;
    return this.#wallMs;
  }

  #continue(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOld) return;
    const pending = this.#pending;
    if (pending === undefined || pending.bytes + 1 + end - start > maxRecordBytes) {
      if (pending !== undefined) this.flush();
      if (end > start) this.#unparsed(decodeUtf8(bytes.subarray(start, Math.min(end, start + 300))));
      return;
    }
    pending.text += `\n${decodeUtf8(bytes.subarray(start, end))}`;
    pending.bytes += end - start + 1;
    pending.lines += 1;
  }

  #unparsed(text: string): void {
    this.#coverage.lines += 1;
    this.#coverage.unparsed += 1;
    if (text !== '' && this.#coverage.samples.length < maxSamples) this.#coverage.samples.push(text.slice(0, 300));
  }
}

/** Time of the record that starts in the line; NaN where none does. */
export function recordTime(bytes: Uint8Array, start: number, end: number, timeOf: (wall: string) => number): number {
  const at = hasWall(bytes, start, end) ? 0 : recordStart(latin1(bytes, start, Math.min(end, start + 200)));
  return at === -1 ? Number.NaN : timeOf(latin1(bytes, start + at, start + at + 19));
}

export function newErrorCoverage(): ErrorCoverage {
  return { lines: 0, unparsed: 0, future: 0, samples: [], firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
}

/** True where the line starts with a time and goes on after it. */
function hasWall(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= wallLength) return false;
  for (let at = 0; at < wallLength; at += 1) {
    const byte = bytes[start + at] ?? 0;
    const shape = wallShape[at];
    if (shape === digit ? byte < 0x30 || byte > 0x39 : byte !== shape) return false;
  }
  return true;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}
