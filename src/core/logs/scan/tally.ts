import { fieldText, type Escapes } from './field-text.ts';
import type { FieldValues, LogFormat, Outcome } from './format.ts';
import type { InputNumbers } from './input-counts.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { FieldRole } from './plan.ts';
import { compilePlan, fieldFlags, instructionWords, notFilled, type LineProgram } from './program.ts';
import type { RollUp } from './roll-up.ts';
import { misfitBytes, sampleBytes } from './samples.ts';
import type { ScanTask } from './scanner.ts';
import type { SeriesCounts } from './series.ts';
import { RollUpSum } from './sum.ts';
import { decodeUtf8 } from './text.ts';

/** Numbers of a line that have a histogram, in the order of their slots in a program. */
const numberNames = ['requestTime', 'upstreamTime'] as const;

interface Combination {
  readonly format: LogFormat;
  /** Its place in the task. */
  readonly place: number;
  readonly outcome: Outcome;
  /** Made with the first line that is counted: a series without lines would count among those that are too many. */
  series: SeriesCounts | undefined;
}

/**
 * What an engine counts of one input. An engine knows combinations by number; it gives what it counted since the last time when
 * it likes, before `forget` and before `result`. Buckets are numbers of the narrowest ones, below 0 for lines without a time.
 * The order of calls does not matter, but that a combination must be known.
 */
export class Tally {
  /** Of the task's formats, in their order. */
  readonly programs: readonly LineProgram[];
  readonly #task: ScanTask;
  readonly #limits: Limits;
  readonly #sum: RollUpSum;
  #combinations: Combination[] = [];
  /** By the place of a format, its lines that are not yet told of the input. */
  readonly #lines: Float64Array;

  constructor(task: ScanTask, limits: Limits = defaultLimits) {
    this.#task = task;
    this.#limits = limits;
    this.programs = task.formats.map(compilePlan);
    this.#sum = new RollUpSum(limits);
    this.#lines = new Float64Array(task.formats.length);
    this.#sum.inputs.addTimes(task.path, Number.NaN, Number.NaN);
  }

  /** The number of the combination with these packed keys (see `program.ts`), new each time: an engine asks once. They are not kept. */
  combination(format: number, packed: Uint8Array): number {
    const one = this.#task.formats[format];
    const program = this.programs[format];
    if (one === undefined || program === undefined) throw new RangeError(`no format ${format}`);
    this.#combinations.push({ format: one, place: format, outcome: one.outcome(valuesOf(program, packed)), series: undefined });
    return this.#combinations.length - 1;
  }

  /** Whether the lines of a combination are sampled with the failed ones. */
  isFailed(combination: number): boolean {
    return this.#of(combination).outcome.failed;
  }

  /** More combinations than are kept: the engine gives what it counted, forgets all, and calls `forget`. */
  get isFull(): boolean {
    return this.#combinations.length >= this.#limits.mostCombinations;
  }

  /** Numbers start at 0 again. */
  forget(): void {
    this.#combinations = [];
  }

  addLines(combination: number, bucket: number, lines: number): void {
    const { place } = this.#of(combination);
    this.#sum.addLines(this.#seriesOf(combination), bucket, lines);
    this.#lines[place] = (this.#lines[place] ?? 0) + lines;
  }

  /**
   * Lines of many combinations, by their place in a list, whose buckets are told with `addCells`. Gives where those of each go, which holds
   * until another combination is told of.
   */
  addCounts(combinations: readonly number[], lines: Float64Array): Int32Array {
    const counted = combinations.map((combination, index) => (lines[index] === 0 ? undefined : this.#seriesOf(combination)));
    return Int32Array.from(combinations, (combination, index) => {
      const series = counted[index];
      if (series === undefined) return 0;
      const { place } = this.#of(combination);
      this.#sum.addCount(series, lines[index] ?? 0);
      this.#lines[place] = (this.#lines[place] ?? 0) + (lines[index] ?? 0);
      return this.#sum.columnOf(series);
    });
  }

  /** In `words` [from, to) are pairs of a place in the list of `addCounts`, and of lines in this bucket. */
  addCells(bucket: number, words: Uint32Array, from: number, to: number, columnOf: Int32Array): void {
    this.#sum.addCells(bucket, words, from, to, columnOf);
  }

  /** The earliest and the latest time of lines of a combination. */
  addTimes(combination: number, firstMs: number, lastMs: number): void {
    this.#sum.addTimes(this.#seriesOf(combination), firstMs, lastMs);
    this.#sum.inputs.addTimes(this.#task.path, firstMs, lastMs);
  }

  /** Lines by the step in which their number (0 request-time, 1 upstream-time) lies: of all steps, from the first. */
  addNumbers(combination: number, number: 0 | 1, lines: Uint32Array): void {
    this.#sum.addSteps(this.#seriesOf(combination), numberNames[number], lines);
  }

  /** The sum of numbers of lines that were told with `addNumbers`; exact, below 2^53. */
  addNumberSum(combination: number, number: 0 | 1, micros: number): void {
    this.#sum.addSum(this.#seriesOf(combination), numberNames[number], micros);
  }

  /** Lines of a bucket whose request-time lies in a coarse step. Lines without a time are not told. */
  addLatency(bucket: number, coarseStep: number, lines: number): void {
    this.#sum.addLatency(bucket, coarseStep, lines);
  }

  /** In `words` [from, to) are pairs of a coarse step and its lines in this bucket. */
  addLatencies(bucket: number, words: Uint32Array, from: number, to: number): void {
    this.#sum.addLatencies(bucket, words, from, to);
  }

  addLatencySum(bucket: number, micros: number): void {
    this.#sum.addLatencySum(bucket, micros);
  }

  /** Lines of failed combinations are wanted as samples where their hash is below it. It falls with the samples that come. */
  get failedBelow(): number {
    return this.#sum.failed.below;
  }

  get goodBelow(): number {
    return this.#sum.good.below;
  }

  /** A line [from, to) whose hash is below the threshold. `timeMs` is NaN where it has none. */
  sample(combination: number, hash: number, bytes: Uint8Array, from: number, to: number, timeMs: number, offset: number): void {
    this.sampleText(combination, hash, decodeUtf8(bytes.subarray(from, Math.min(to, from + sampleBytes))), timeMs, offset);
  }

  /** The same, of which the text is made: of `sampleBytes` at most. */
  sampleText(combination: number, hash: number, text: string, timeMs: number, offset: number): void {
    const { outcome, format } = this.#of(combination);
    const { path } = this.#task;
    (outcome.failed ? this.#sum.failed : this.#sum.good).add({ hash, format: format.id, text, timeMs, count: 1, path, offset });
  }

  /** Lines that fit no format are wanted where their hash is this or below it. */
  get misfitUpTo(): number {
    return this.#sum.inputs.misfits(this.#task.path).upTo;
  }

  misfit(hash: number, bytes: Uint8Array, from: number, to: number, offset: number): void {
    this.#sum.inputs.misfits(this.#task.path).add(hash, decodeUtf8(bytes.subarray(from, Math.min(to, from + misfitBytes))), offset);
  }

  /** Bytes read, and lines that have no combination (in `lines` are all). */
  addInput(numbers: InputNumbers): void {
    this.#sum.inputs.addNumbers(this.#task.path, numbers);
  }

  result(): RollUp {
    this.#tellInput();
    return this.#sum.result();
  }

  sum(): RollUpSum {
    this.#tellInput();
    return this.#sum;
  }

  #tellInput(): void {
    for (const [place, format] of this.#task.formats.entries()) {
      const lines = this.#lines[place] ?? 0;
      if (lines > 0) this.#sum.inputs.addLines(this.#task.path, format.id, lines);
      this.#lines[place] = 0;
    }
  }

  #seriesOf(combination: number): SeriesCounts {
    const one = this.#of(combination);
    return (one.series ??= this.#sum.series(one.format.id, one.format.kind, one.outcome));
  }

  #of(combination: number): Combination {
    const one = this.#combinations[combination];
    if (one === undefined) throw new RangeError(`no combination ${combination}`);
    return one;
  }
}

/** The texts of packed keys. */
export function valuesOf(program: LineProgram, packed: Uint8Array): FieldValues {
  const values: Partial<Record<FieldRole, string>> = {};
  let at = 0;
  for (const [slot, role] of program.keys.entries()) {
    const length = (packed[at] ?? 0) | ((packed[at + 1] ?? 0) << 8);
    at += 2;
    if (length === notFilled) continue;
    values[role] = fieldText(packed.subarray(at, at + length), escapesOf(program, program.roles.indexOf(program.keys[slot])));
    at += length;
  }
  return values;
}

/** How the field of an instruction is escaped. */
export function escapesOf(program: LineProgram, instruction: number): Escapes {
  if (program.kind === 'json') return 'json';
  return ((program.code[instruction * instructionWords + 6] ?? 0) & fieldFlags.escaped) === 0 ? 'hex' : 'backslash';
}
