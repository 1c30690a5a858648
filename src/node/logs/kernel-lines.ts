import { CombinationTable } from '../../core/logs/scan/combination-table.ts';
import { LineWalk } from '../../core/logs/scan/interpreter.ts';
import type { Limits } from '../../core/logs/scan/limits.ts';
import { lineHash } from '../../core/logs/scan/line-hash.ts';
import { KeyPacker } from '../../core/logs/scan/packed-keys.ts';
import { PlainCounts } from '../../core/logs/scan/plain-counts.ts';
import { narrowestBucketMs } from '../../core/logs/scan/roll-up.ts';
import type { ScanTask } from '../../core/logs/scan/scanner.ts';
import { sampleBytes } from '../../core/logs/scan/samples.ts';
import { Tally } from '../../core/logs/scan/tally.ts';

const none = -1;

export interface HeldNumbers {
  bytes: number;
  lines: number;
  outside: number;
  continued: number;
  misfits: number;
  tooLong: number;
}

/** Counts lines one by one, as the plain engine does: those that the kernel does not know. */
export class KernelLines {
  readonly tally: Tally;
  /** What was counted and not yet given to the tally. */
  numbers: HeldNumbers = noNumbers();
  readonly #task: ScanTask;
  readonly #walks: readonly LineWalk[];
  readonly #table = new CombinationTable();
  readonly #packer = new KeyPacker();
  readonly #counts: PlainCounts;
  #memory: Buffer = Buffer.alloc(0);

  constructor(task: ScanTask, limits: Limits) {
    this.#task = task;
    this.tally = new Tally(task, limits);
    this.#walks = this.tally.programs.map(program => new LineWalk(program, (style, prefix, suffix) => task.hourMs(style, prefix, suffix)));
    this.#counts = new PlainCounts(this.tally);
  }

  /** The first format that the line fits, or -1. `combination` and `count` are then of this line. */
  formatOf(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    return this.#walks.findIndex(walk => walk.fits(bytes, view, from, to));
  }

  fits(format: number, bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    return this.#walks[format]?.fits(bytes, view, from, to) === true;
  }

  /** The number in the tally of the combination of a line that fits; undefined where there is no room for one more. */
  combination(format: number, bytes: Uint8Array, view: DataView): number | undefined {
    const walk = this.#walks[format];
    if (walk === undefined) throw new RangeError(`no format ${format}`);
    this.#packer.pack(walk, bytes, view);
    const known = this.#table.find(format, this.#packer);
    if (known !== none) return known;
    if (this.tally.isFull) return undefined;
    const combination = this.tally.combination(format, this.#packer.bytes.slice(0, this.#packer.length));
    this.#table.add(format, this.#packer);
    this.#counts.grow(combination + 1);
    return combination;
  }

  /** Whether the line that fits lies in the window. */
  isInside(format: number): boolean {
    const timeMs = this.#walks[format]?.timeMs ?? none;
    return timeMs === none || (timeMs >= this.#task.sinceMs && timeMs < this.#task.untilMs);
  }

  count(format: number, combination: number, view: DataView, bytes: Uint8Array, from: number, to: number, offset: number): void {
    const walk = this.#walks[format];
    if (walk === undefined) return;
    const { timeMs, requestTime, upstreamTime } = walk;
    this.#counts.count(combination, timeMs === none ? none : Math.floor(timeMs / narrowestBucketMs), timeMs, requestTime, upstreamTime);
    this.sample(combination, lineHash(view, from, to), bytes, from, to, timeMs, offset);
  }

  /** `timeMs` is -1 where there is none. */
  sample(combination: number, hash: number, bytes: Uint8Array, from: number, to: number, timeMs: number, offset: number): void {
    const { tally } = this;
    if (hash >= (tally.isFailed(combination) ? tally.failedBelow : tally.goodBelow)) return;
    // Asked for by its place, a text is made in half the time that a view of its bytes and a decoder take.
    if (this.#memory.buffer !== bytes.buffer) this.#memory = Buffer.from(bytes.buffer);
    const start = bytes.byteOffset + from;
    const text = this.#memory.toString('utf8', start, start + Math.min(to - from, sampleBytes));
    tally.sampleText(combination, hash, text, timeMs === none ? Number.NaN : timeMs, offset);
  }

  misfit(view: DataView, bytes: Uint8Array, from: number, to: number, offset: number): void {
    this.numbers.misfits += 1;
    const hash = lineHash(view, from, to);
    if (hash <= this.tally.misfitUpTo) this.tally.misfit(hash, bytes, from, to, offset);
  }

  /** Gives all to the tally. */
  give(): void {
    this.#counts.give();
    this.tally.addInput(this.numbers);
    this.numbers = noNumbers();
  }

  /** Forgets the combinations; all that was counted of them must have been given. */
  forget(): void {
    this.tally.forget();
    this.#table.clear();
  }
}

function noNumbers(): HeldNumbers {
  return { bytes: 0, lines: 0, outside: 0, continued: 0, misfits: 0, tooLong: 0 };
}
