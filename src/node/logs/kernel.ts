import { readFileSync } from 'node:fs';
import { defaultLimits, type Limits } from '../../core/logs/scan/limits.ts';
import type { LineProgram } from '../../core/logs/scan/program.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import type { RollUpSum } from '../../core/logs/scan/sum.ts';
import { longestLine, type Scanner, type ScanTask } from '../../core/logs/scan/scanner.ts';
import { learnHour } from './kernel-hours.ts';
import { KernelCounts } from './kernel-counts.ts';
import { layoutOf } from './kernel-layout.ts';
import { KernelLines } from './kernel-lines.ts';
import { acquireMemory, releaseMemory, type KernelMemory } from './kernel-memory.ts';
import { ClockRecords, operations, ProgramWriter, writeSteps, type Operation } from './kernel-program.ts';
import { KernelWalk, walkAfterBytes } from './kernel-walks.ts';

const newline = 0x0a;
/** Bytes that are scanned at once: with what is written to, they fit into a processor's second cache. */
const pieceBytes = 1 << 19;
/** Counters of 32 bits are given away before they could run over. */
const mostLinesHeld = 2 ** 31;
/** JSON lines differ in which names they have; more different ones than that are walked one by one. */
const mostLayouts = 8;
/** A log whose lines are all different is not learned for ever. */
const mostLearned = 64;
/** A line has no more clocks. */
const mostHoursOfLine = 16;

/** The compiled kernel; undefined where it is missing or the engine lacks SIMD: then the plain engine counts. */
export function loadKernel(): WebAssembly.Module | undefined {
  const isSource = import.meta.url.endsWith('.ts');
  try {
    return new WebAssembly.Module(readFileSync(new URL(isSource ? '../../../dist/cli/log-kernel.wasm' : 'log-kernel.wasm', import.meta.url)));
  } catch {
    return undefined;
  }
}

/** Counts as the plain scanner does, to the letter, and several times as fast. `compileAfter`: bytes after which a program is compiled. */
export function createKernelScanner(
  task: ScanTask,
  module: WebAssembly.Module,
  limits: Limits = defaultLimits,
  compileAfter: number = walkAfterBytes,
): Scanner {
  return new KernelScanner(task, module, limits, compileAfter);
}

/** What a scanner has while it is scanning. */
interface Engine {
  readonly memory: KernelMemory;
  readonly counts: KernelCounts;
  readonly clocks: ClockRecords;
  readonly walk: KernelWalk;
}

class KernelScanner implements Scanner {
  readonly #task: ScanTask;
  readonly #module: WebAssembly.Module;
  readonly #compileAfter: number;
  readonly #lines: KernelLines;
  readonly #programs: readonly LineProgram[];
  /** By format: layouts of JSON lines, as they were learned. */
  readonly #layouts: readonly (readonly Operation[])[][];
  #learned = 0;
  #engine: Engine | undefined;
  /** Bytes at the start of the buffer that were left over. */
  #left = 0;
  /** Where the first byte of the buffer lies in the input. */
  #offset = 0;
  #continues: boolean | undefined;
  /** Inside of a line that is too long. */
  #isSkipping = false;
  #heldLines = 0;

  constructor(task: ScanTask, module: WebAssembly.Module, limits: Limits, compileAfter: number) {
    this.#task = task;
    this.#module = module;
    this.#compileAfter = compileAfter;
    this.#lines = new KernelLines(task, limits);
    this.#programs = this.#lines.tally.programs;
    this.#layouts = this.#programs.map(() => []);
  }

  get buffer(): Uint8Array {
    const { bytes, at } = this.#begin().memory;
    return bytes.subarray(at.INPUT, at.INPUT + this.#left + pieceBytes);
  }

  scan(length: number, offset: number, isLast: boolean): number {
    const engine = this.#begin();
    const { memory } = engine;
    const { INPUT } = memory.at;
    this.#continues ??= offset > 0 && this.#task.formats[0]?.kind === 'error';
    this.#offset = offset;
    let from = INPUT;
    let end = INPUT + length;
    if (this.#isSkipping) from = this.#skip(memory, end, isLast);
    if (isLast && end > from && memory.bytes[end - 1] !== newline) {
      memory.bytes[end] = newline;
      end += 1;
    }
    const stop = lastNewline(memory.bytes, Math.max(from, INPUT + this.#left), end) ?? from;
    if (stop > from) this.#scanLines(engine, from, stop);
    this.#left = this.#leftOver(memory, stop, INPUT + length, isLast);
    this.#lines.numbers.bytes += length - this.#left;
    if (this.#heldLines > mostLinesHeld) this.#give();
    if (isLast) this.#end();
    return this.#left;
  }

  result(): RollUp {
    this.#give();
    return this.#lines.tally.result();
  }

  sum(): RollUpSum {
    this.#give();
    return this.#lines.tally.sum();
  }

  #begin(): Engine {
    if (this.#engine !== undefined) return this.#engine;
    const memory = acquireMemory(this.#module);
    const { at, f64, i32 } = memory;
    this.#engine = {
      memory,
      counts: new KernelCounts(memory, this.#lines.tally),
      clocks: new ClockRecords(memory),
      walk: new KernelWalk(memory, this.#compileAfter),
    };
    f64[at.SINCE / 8] = this.#task.sinceMs;
    f64[at.UNTIL / 8] = this.#task.untilMs;
    i32[at.SAMPLE_COUNT / 4] = 0;
    this.#setThresholds(memory);
    this.#writePrograms(this.#engine);
    return this.#engine;
  }

  /** Gives the memory back. */
  #end(): void {
    const engine = this.#engine;
    if (engine === undefined) return;
    this.#give();
    this.#forget();
    this.#engine = undefined;
    releaseMemory(this.#module, engine.memory);
  }

  /** Where the line ends that is too long: behind its newline, or at the end of what is there. */
  #skip({ bytes, at }: KernelMemory, end: number, isLast: boolean): number {
    const found = bytes.subarray(at.INPUT, end).indexOf(newline);
    if (found === -1 && !isLast) return end;
    this.#isSkipping = false;
    this.#lines.numbers.tooLong += 1;
    this.#lines.numbers.lines += 1;
    return found === -1 ? end : at.INPUT + found + 1;
  }

  #leftOver({ bytes, at }: KernelMemory, from: number, end: number, isLast: boolean): number {
    if (isLast || this.#isSkipping) return 0;
    const left = end - from;
    if (left > longestLine) {
      this.#isSkipping = true;
      return 0;
    }
    if (left > 0) bytes.copyWithin(at.INPUT, from, end);
    return left;
  }

  #scanLines(engine: Engine, start: number, end: number): void {
    const { memory } = engine;
    const { at, u32 } = memory;
    u32[at.LAST_IS_ERROR / 4] = this.#continues === true ? 1 : 0;
    engine.walk.prepare(start, end);
    let from = start;
    let hours = 0;
    for (;;) {
      const reason = memory.scan(from, end);
      if (reason === at.DONE) break;
      const line = u32[at.LINE_FROM / 4] ?? 0;
      if (line !== from) hours = 0;
      from = line;
      switch (reason) {
        case at.NEW_COMBINATION:
          this.#learnCombination(engine);
          break;
        case at.NO_ROOM:
          engine.counts.takeGiven();
          break;
        case at.SAMPLES_FULL:
          this.#takeSamples(engine);
          break;
        default:
          hours += 1;
          if (reason === at.NEW_HOUR && hours <= mostHoursOfLine && learnHour(memory, engine.clocks, this.#programs, this.#task)) break;
          this.#countLine(engine);
          from = u32[at.LINE_NEXT / 4] ?? end;
      }
    }
    this.#takeSamples(engine);
    this.#continues = u32[at.LAST_IS_ERROR / 4] === 1;
    this.#takeLines(engine);
  }

  #learnCombination(engine: Engine): void {
    const { memory, counts } = engine;
    const { at, bytes, u32, view } = memory;
    const format = u32[at.FORMAT / 4] ?? 0;
    if (counts.isFull) return this.#forget();
    if (!this.#lines.fits(format, bytes, view, u32[at.LINE_FROM / 4] ?? 0, u32[at.LINE_TO / 4] ?? 0))
      throw new Error('the kernel and the plain engine do not agree');
    const combination = this.#lines.combination(format, bytes, view);
    if (combination === undefined) this.#forget();
    else counts.add(combination);
  }

  /** Counts a line here that the kernel does not know. */
  #countLine(engine: Engine): void {
    const { memory } = engine;
    const { at, bytes, u32, view } = memory;
    const from = u32[at.LINE_FROM / 4] ?? 0;
    const to = u32[at.LINE_TO / 4] ?? 0;
    const { numbers } = this.#lines;
    numbers.lines += 1;
    if ((u32[at.LINE_NEXT / 4] ?? 0) - 1 - from > longestLine) {
      numbers.tooLong += 1;
      return;
    }
    const offset = this.#offset + from - at.INPUT;
    const format = this.#lines.formatOf(bytes, view, from, to);
    if (format === -1) {
      if (u32[at.LAST_IS_ERROR / 4] === 1) numbers.continued += 1;
      else this.#lines.misfit(view, bytes, from, to, offset);
      return;
    }
    u32[at.LAST_IS_ERROR / 4] = this.#task.formats[format]?.kind === 'error' ? 1 : 0;
    if (!this.#lines.isInside(format)) numbers.outside += 1;
    else {
      let combination = this.#lines.combination(format, bytes, view);
      if (combination === undefined) {
        this.#forget();
        combination = this.#lines.combination(format, bytes, view) ?? 0;
      }
      this.#heldLines += 1;
      this.#lines.count(format, combination, view, bytes, from, to, offset);
    }
    this.#learnLayout(engine, format, bytes.subarray(from, to));
  }

  #learnLayout(engine: Engine, format: number, line: Uint8Array): void {
    const program = this.#programs[format];
    const layouts = this.#layouts[format];
    if (program?.kind !== 'json' || layouts === undefined || this.#learned >= mostLearned) return;
    this.#learned += 1;
    const layout = layoutOf(engine.clocks, format, program, line);
    if (layout === undefined) return;
    if (layouts.length === mostLayouts) layouts.shift();
    layouts.push(layout);
    this.#writePrograms(engine);
  }

  #writePrograms({ memory, clocks, walk }: Engine): void {
    walk.reset();
    const writer = new ProgramWriter(memory, clocks);
    for (const [format, program] of this.#programs.entries()) {
      const isError = this.#task.formats[format]?.kind === 'error';
      if (program.kind === 'steps') {
        writer.begin(format, isError);
        writeSteps(writer, format, program);
        continue;
      }
      for (const layout of this.#layouts[format] ?? []) {
        writer.begin(format, isError);
        writer.write(layout, []);
      }
      writer.begin(format, isError);
      writer.handOver(operations.handOverJson);
    }
    // Without any format every line is for JavaScript.
    if (this.#programs.length === 0) {
      writer.begin(0, false);
      writer.handOver();
    }
  }

  #takeSamples({ memory, counts }: Engine): void {
    const { at, bytes, u32, f64 } = memory;
    const samples = u32[at.SAMPLE_COUNT / 4] ?? 0;
    if (samples === 0) return;
    u32[at.SAMPLE_COUNT / 4] = 0;
    for (let index = 0; index < samples; index += 1) {
      const place = at.SAMPLES / 4 + index * 8;
      const from = u32[place] ?? 0;
      const combination = counts.numberOf(u32[place + 3] ?? 0);
      this.#lines.sample(combination, u32[place + 2] ?? 0, bytes, from, from + (u32[place + 1] ?? 0), f64[place / 2 + 2] ?? -1, this.#offset + from - at.INPUT);
    }
    this.#setThresholds(memory);
  }

  /** One below each, as whole numbers of 64 bits; below 0 there is none. */
  #setThresholds({ at, i32 }: KernelMemory): void {
    const { goodBelow, failedBelow } = this.#lines.tally;
    for (const [index, below] of [goodBelow, failedBelow].entries()) {
      i32[at.THRESHOLDS / 4 + index * 2] = below - 1;
      i32[at.THRESHOLDS / 4 + index * 2 + 1] = below === 0 ? -1 : 0;
    }
  }

  /** What the kernel counted without combinations. */
  #takeLines({ memory, walk }: Engine): void {
    const { at, u32 } = memory;
    const { numbers } = this.#lines;
    let lines = 0;
    for (const format of this.#programs.keys()) {
      const place = at.LINES / 4 + format * 2;
      const inside = u32[place] ?? 0;
      const outside = u32[place + 1] ?? 0;
      lines += inside + outside;
      numbers.outside += outside;
      this.#heldLines += inside;
      u32.fill(0, place, place + 2);
    }
    walk.judge(lines);
    numbers.lines += lines;
    const continued = u32[at.CONTINUED / 4] ?? 0;
    numbers.lines += continued;
    numbers.continued += continued;
    u32[at.CONTINUED / 4] = 0;
  }

  /** Gives all to the tally. */
  #give(): void {
    this.#engine?.counts.give();
    this.#lines.give();
    this.#heldLines = 0;
  }

  /** Forgets all combinations, after all was given. */
  #forget(): void {
    if (this.#engine !== undefined) this.#takeSamples(this.#engine);
    this.#give();
    this.#engine?.counts.forget();
    this.#lines.forget();
  }
}

/** Behind the last newline in [from, end), or undefined. */
function lastNewline(bytes: Uint8Array, from: number, end: number): number | undefined {
  const found = end > from ? bytes.subarray(from, end).lastIndexOf(newline) : -1;
  return found === -1 ? undefined : from + found + 1;
}
