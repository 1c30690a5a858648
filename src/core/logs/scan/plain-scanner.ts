import { CombinationTable } from './combination-table.ts';
import { LineWalk } from './interpreter.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { lineHash, LineReader } from './line-hash.ts';
import { KeyPacker } from './packed-keys.ts';
import { PlainCounts } from './plain-counts.ts';
import { narrowestBucketMs, type RollUp } from './roll-up.ts';
import type { RollUpSum } from './sum.ts';
import { longestLine, type Scanner, type ScanTask } from './scanner.ts';
import { Tally } from './tally.ts';

const newline = 0x0a;
const carriageReturn = 0x0d;
const none = -1;
/** Room for the longest line and as much again. */
const bufferBytes = 2 * longestLine;
/** Counters of 32 bits are given to the tally before they could run over. */
const mostLinesHeld = 2 ** 31;

/** The engine in plain TypeScript: where there is no WebAssembly, and what the kernel is compared with. */
export function createPlainScanner(task: ScanTask, limits: Limits = defaultLimits): Scanner {
  return new PlainScanner(task, limits);
}

class PlainScanner implements Scanner {
  readonly buffer: Uint8Array = new Uint8Array(bufferBytes);
  readonly #view = new DataView(this.buffer.buffer);
  readonly #task: ScanTask;
  readonly #tally: Tally;
  readonly #walks: readonly LineWalk[];
  readonly #isError: readonly boolean[];
  readonly #table = new CombinationTable();
  readonly #line = new LineReader();
  readonly #packer = new KeyPacker();
  readonly #counts: PlainCounts;
  #isFailed: boolean[] = [];
  #failedBelow: number;
  #goodBelow: number;
  #misfitUpTo: number;
  /** A line that fits nothing continues a message. Not known before the first bytes. */
  #continues: boolean | undefined;
  /** Inside of a line that is too long. */
  #isSkipping = false;
  /** Bytes that are left over and have no newline in them. */
  #searched = 0;
  #heldLines = 0;
  #numbers = noNumbers();

  constructor(task: ScanTask, limits: Limits) {
    this.#task = task;
    this.#tally = new Tally(task, limits);
    this.#walks = this.#tally.programs.map(program => new LineWalk(program, (style, prefix, suffix) => task.hourMs(style, prefix, suffix)));
    this.#isError = task.formats.map(({ kind }) => kind === 'error');
    this.#counts = new PlainCounts(this.#tally);
    this.#failedBelow = this.#tally.failedBelow;
    this.#goodBelow = this.#tally.goodBelow;
    this.#misfitUpTo = this.#tally.misfitUpTo;
  }

  scan(length: number, offset: number, isLast: boolean): number {
    this.#continues ??= offset > 0 && this.#isError[0] === true;
    const { buffer } = this;
    const line = this.#line;
    let at = 0;
    // A line that comes in many pieces is not read again with each of them.
    if (buffer.subarray(this.#searched, length).includes(newline)) {
      while (line.read(this.#view, at, length)) {
        this.#endLine(at, line.newline, line.end, line.hash, offset + at);
        at = line.newline + 1;
      }
    }
    this.#numbers.bytes += at;
    const left = this.#leftOver(at, length, offset, isLast);
    if (this.#heldLines > mostLinesHeld) this.#give();
    return left;
  }

  result(): RollUp {
    this.#give();
    return this.#tally.result();
  }

  sum(): RollUpSum {
    this.#give();
    return this.#tally.sum();
  }

  #leftOver(at: number, length: number, offset: number, isLast: boolean): number {
    const left = length - at;
    if (isLast) {
      if (left > 0 || this.#isSkipping) {
        const end = left > 0 && this.buffer[length - 1] === carriageReturn ? length - 1 : length;
        this.#endLine(at, length, end, lineHash(this.#view, at, end), offset + at);
      }
    } else if (left > longestLine) this.#isSkipping = true;
    else if (!this.#isSkipping) {
      this.buffer.copyWithin(0, at, length);
      this.#searched = left;
      return left;
    }
    this.#numbers.bytes += left;
    this.#searched = 0;
    return 0;
  }

  /** What stands before a newline or the end of the input (`whole`), and before a carriage return (`to`). */
  #endLine(from: number, whole: number, to: number, hash: number, offset: number): void {
    if (this.#isSkipping || whole - from > longestLine) {
      this.#isSkipping = false;
      this.#numbers.tooLong += 1;
      this.#numbers.lines += 1;
      return;
    }
    if (to === from) return;
    this.#numbers.lines += 1;
    for (let format = 0; format < this.#walks.length; format += 1) {
      const walk = this.#walks[format];
      if (walk?.fits(this.buffer, this.#view, from, to) === true) {
        this.#continues = this.#isError[format];
        this.#count(format, walk, from, to, hash, offset);
        return;
      }
    }
    if (this.#continues === true) this.#numbers.continued += 1;
    else this.#misfit(from, to, hash, offset);
  }

  #count(format: number, walk: LineWalk, from: number, to: number, hash: number, offset: number): void {
    const { timeMs } = walk;
    if (timeMs !== none && (timeMs < this.#task.sinceMs || timeMs >= this.#task.untilMs)) {
      this.#numbers.outside += 1;
      return;
    }
    this.#packer.pack(walk, this.buffer, this.#view);
    const known = this.#table.find(format, this.#packer);
    const combination = known === none ? this.#learn(format) : known;
    const bucket = timeMs === none ? none : Math.floor(timeMs / narrowestBucketMs);
    this.#counts.count(combination, bucket, timeMs, walk.requestTime, walk.upstreamTime);
    this.#heldLines += 1;
    if (hash < (this.#isFailed[combination] === true ? this.#failedBelow : this.#goodBelow)) {
      this.#tally.sample(combination, hash, this.buffer, from, to, timeMs === none ? Number.NaN : timeMs, offset);
      this.#failedBelow = this.#tally.failedBelow;
      this.#goodBelow = this.#tally.goodBelow;
    }
  }

  #learn(format: number): number {
    if (this.#tally.isFull) {
      this.#give();
      this.#tally.forget();
      this.#table.clear();
      this.#isFailed = [];
    }
    const combination = this.#tally.combination(format, this.#packer.bytes.slice(0, this.#packer.length));
    this.#table.add(format, this.#packer);
    this.#isFailed.push(this.#tally.isFailed(combination));
    this.#counts.grow(combination + 1);
    return combination;
  }

  #misfit(from: number, to: number, hash: number, offset: number): void {
    this.#numbers.misfits += 1;
    if (hash > this.#misfitUpTo) return;
    this.#tally.misfit(hash, this.buffer, from, to, offset);
    this.#misfitUpTo = this.#tally.misfitUpTo;
  }

  #give(): void {
    this.#counts.give();
    this.#tally.addInput(this.#numbers);
    this.#numbers = noNumbers();
    this.#heldLines = 0;
  }
}

function noNumbers(): { bytes: number; lines: number; outside: number; continued: number; misfits: number; tooLong: number } {
  return { bytes: 0, lines: 0, outside: 0, continued: 0, misfits: 0, tooLong: 0 };
}
