import type { Tally } from '../../core/logs/scan/tally.ts';
import type { KernelMemory } from './kernel-memory.ts';

const none = -1;
const columns = 64;
/** Words (u32) of a combination's record. */
const recordWords = 16;
/** Words in front of what a column gives, as in `src/kernel/columns.ts`. */
const columnHeadWords = 6;

/** The combinations that the kernel knows, and taking away what it counted of them. */
export class KernelCounts {
  readonly #memory: KernelMemory;
  readonly #tally: Tally;
  /** By the kernel's number of a combination, the tally's. The kernel may know one of the tally by several. */
  #numbers: number[] = [];

  constructor(memory: KernelMemory, tally: Tally) {
    this.#memory = memory;
    this.#tally = tally;
  }

  get isFull(): boolean {
    return this.#numbers.length >= this.#memory.at.MOST_COMBINATIONS;
  }

  numberOf(id: number): number {
    return this.#numbers[id] ?? 0;
  }

  /** Lets the kernel know the combination whose hash it just handed over. */
  add(combination: number): void {
    const { at, view, u32 } = this.#memory;
    const id = this.#numbers.push(combination) - 1;
    const key = view.getBigUint64(at.KEY_HASH, true);
    let slot = Number((key >> 40n) & BigInt(at.TABLE_SLOTS - 1));
    while (view.getBigUint64(at.TABLE + slot * 16, true) !== 0n) slot = (slot + 1) & (at.TABLE_SLOTS - 1);
    view.setBigUint64(at.TABLE + slot * 16, key, true);
    view.setUint32(at.TABLE + slot * 16 + 8, id, true);
    this.#clearRecord(id);
    u32[at.KNOWN / 4] = this.#numbers.length;
    u32[at.COMBINATIONS / 4 + id * recordWords + 9] = this.#tally.isFailed(combination) ? 1 : 0;
  }

  /** Gives what columns counted, and makes room for more. */
  takeGiven(): void {
    const { at, i32, u32, f64 } = this.#memory;
    const end = (u32[at.GIVEN_AT / 4] ?? 0) / 4;
    u32[at.GIVEN_AT / 4] = at.GIVEN;
    const columnOf = this.#tally.addCounts(this.#numbers, this.#linesGiven(end));
    for (let word = at.GIVEN / 4; word < end;) {
      const bucket = i32[word] ?? 0;
      const first = word + columnHeadWords;
      const cells = first + (u32[word + 1] ?? 0) * 2;
      const steps = cells + (u32[word + 2] ?? 0) * 2;
      this.#tally.addCells(bucket, u32, first, cells, columnOf);
      if (steps > cells) {
        this.#tally.addLatencies(bucket, u32, cells, steps);
        this.#tally.addLatencySum(bucket, f64[word / 2 + 2] ?? 0);
      }
      word = steps;
    }
  }

  /** By the kernel's number of a combination, its lines in what columns gave. */
  #linesGiven(end: number): Float64Array {
    const { at, u32 } = this.#memory;
    const lines = new Float64Array(this.#numbers.length);
    for (let word = at.GIVEN / 4; word < end;) {
      const steps = u32[word + 2] ?? 0;
      const cells = word + columnHeadWords + (u32[word + 1] ?? 0) * 2;
      for (word += columnHeadWords; word < cells; word += 2) {
        const id = u32[word] ?? 0;
        lines[id] = (lines[id] ?? 0) + (u32[word + 1] ?? 0);
      }
      word = cells + steps * 2;
    }
    return lines;
  }

  /** Gives all. */
  give(): void {
    for (let column = 0; column < columns; column += 1) {
      if (this.#memory.giveColumn(column, none) !== 0) continue;
      this.takeGiven();
      this.#memory.giveColumn(column, none);
    }
    this.takeGiven();
    for (const [id, combination] of this.#numbers.entries()) this.#giveRecord(id, combination);
  }

  /** The kernel knows no combination any more. All must have been given. */
  forget(): void {
    const { at, bytes } = this.#memory;
    bytes.fill(0, at.TABLE, at.TABLE + at.TABLE_SLOTS * 16);
    this.#numbers = [];
    this.#memory.u32[at.KNOWN / 4] = 0;
  }

  #giveRecord(id: number, combination: number): void {
    const { at, u32, f64 } = this.#memory;
    const record = at.COMBINATIONS / 8 + (id * recordWords) / 2;
    const lastMs = f64[record + 1] ?? none;
    if (lastMs !== none) this.#tally.addTimes(combination, f64[record] ?? lastMs, lastMs);
    const untimed = u32[record * 2 + 8] ?? 0;
    if (untimed > 0) this.#tally.addLines(combination, none, untimed);
    for (const number of [0, 1] as const) {
      const steps = at.HISTOGRAMS / 4 + (id * 2 + number) * at.STEPS;
      const lines = u32.subarray(steps, steps + at.STEPS);
      if (!lines.some(count => count > 0)) continue;
      this.#tally.addNumbers(combination, number, lines);
      this.#tally.addNumberSum(combination, number, f64[record + 2 + number] ?? 0);
      lines.fill(0);
    }
    this.#clearRecord(id);
  }

  /** But for what the combination is. */
  #clearRecord(id: number): void {
    const { at, u32, f64 } = this.#memory;
    const record = at.COMBINATIONS / 8 + (id * recordWords) / 2;
    f64[record] = Number.POSITIVE_INFINITY;
    f64[record + 1] = none;
    f64[record + 2] = 0;
    f64[record + 3] = 0;
    u32[record * 2 + 8] = 0;
  }
}
