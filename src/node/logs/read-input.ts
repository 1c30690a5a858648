import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { LogFormat } from '../../core/logs/scan/format.ts';
import type { LazySum } from './lazy-sum.ts';
import type { RollUpSum } from '../../core/logs/scan/sum.ts';
import type { Scanner, ScanTask } from '../../core/logs/scan/scanner.ts';
import { slackMs } from '../../core/logs/window.ts';
import { compressionOf, otherKindOf } from './compression.ts';
import { ContainerLines, isContainerLog } from './container-lines.ts';
import { samplesOf, windowOf, type Window } from './file-places.ts';
import { LineReader, type FormatChooser } from './format-choice.ts';
import { FileSource, readFully, ResumedSource, type ByteSource } from './source.ts';
import { RecordLines, recordLevel } from './json-document.ts';
import { told } from './told.ts';
import { uncompressed } from './uncompress.ts';

/** A piece of work: a whole file, or a range of a plain one whose borders are those of lines. */
export type Job =
  | { readonly kind: 'file'; readonly input: number; readonly path: string; readonly size: number; readonly modifiedMs: number }
  | {
      readonly kind: 'range';
      readonly input: number;
      readonly path: string;
      readonly start: number;
      readonly end: number;
      /** None where the ids alone say what the formats are. */
      readonly samples: readonly Uint8Array[];
      readonly formats: readonly string[];
    };

/** What came of it. */
export interface JobReport {
  readonly input: number;
  /** Of text. */
  readonly bytes: number;
  readonly problems: readonly string[];
  readonly unread?: string;
  readonly skipped?: string;
  /** What the formats were chosen by, where their ids alone do not say what they are. */
  readonly samples: readonly Uint8Array[];
  readonly formats: readonly string[];
}

export interface ReadContext {
  readonly window: Window;
  readonly chooser: FormatChooser;
  readonly hourMs: ScanTask['hourMs'];
  readonly sum: LazySum;
  readonly createScanner: (task: ScanTask) => Scanner;
  /** The text of a compressed file, where another thread has the time to uncompress it. */
  readonly textElsewhere?: ((path: string, size: number) => ByteSource | undefined) | undefined;
  isStopped(): boolean;
  /** Bytes of the disk that were read, since it was told last. */
  tick(bytes: number): void;
  /** Lets others work where that is needed. */
  rest(): Promise<void> | undefined;
}

// Fits a processor's second cache together with what is counted.
const pieceBytes = 1 << 19;
const headBytes = 65_536;
/** Says whether a text is a document, or the log of a container, whose records are of 16 KiB. */
const markBytes = 32_768;
/** Of the lines. */
const manyMisfits = 0.005;

type Opener = () => ByteSource | Promise<ByteSource>;

interface Counted {
  readonly input: number;
  readonly path: string;
  readonly formats: readonly LogFormat[];
  readonly samples: readonly Uint8Array[];
  readonly start: number;
}

/** Does jobs one after the other. Ranges of one input that follow each other share a scanner; `finish` adds the last one's counts. */
export class InputReader {
  readonly #context: ReadContext;
  #open: { readonly input: number; readonly scanner: Scanner; at: number } | undefined;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  /** Never rejects. */
  async do(job: Job): Promise<JobReport> {
    if (job.kind === 'file' || this.#open?.input !== job.input) this.finish();
    let fd: number | undefined;
    try {
      // Never waits for a writer, should the path have become a fifo meanwhile.
      fd = openSync(job.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      const stats = fstatSync(fd);
      if (!stats.isFile()) return { ...nothing(job), unread: 'it is no longer a file' };
      return job.kind === 'range' ? await this.#range(fd, job) : await this.#file(fd, job, stats.size);
    } catch (error) {
      this.#open = undefined;
      return { ...nothing(job), unread: told(error) };
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** What comes as a stream is read to its end. Never rejects. */
  async stream(input: number, path: string, source: ByteSource): Promise<JobReport> {
    this.finish();
    try {
      const mark = new Uint8Array(8);
      const start = mark.subarray(0, await readFully(source, mark));
      const resumed = new ResumedSource(start, source);
      const compression = compressionOf(start);
      return await this.#text(() => (compression === undefined ? resumed : uncompressed(resumed, compression)), { input, path }, false);
    } catch (error) {
      return { ...nothing({ input }), unread: told(error) };
    } finally {
      source.close();
    }
  }

  finish(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.scanner.scan(0, open.at, true);
    this.#context.sum.addSum(open.scanner.sum());
  }

  async #range(fd: number, job: Extract<Job, { kind: 'range' }>): Promise<JobReport> {
    const formats = this.#context.chooser.chooseAgain(job.samples, job.formats);
    const open = (this.#open ??= { input: job.input, scanner: this.#scanner(job.path, formats), at: job.start });
    const source = new FileSource(fd, job.start, job.end, true);
    open.at = await this.#scan(open.scanner, source, job.start, false);
    return { input: job.input, bytes: open.at - job.start, problems: source.problems, samples: [], formats: job.formats };
  }

  async #file(fd: number, job: Extract<Job, { kind: 'file' }>, size: number): Promise<JobReport> {
    const samples = samplesOf(fd, size);
    const head = samples[0] ?? new Uint8Array(0);
    const compression = compressionOf(head);
    if (compression !== undefined)
      return await this.#text(() => this.#context.textElsewhere?.(job.path, size) ?? uncompressed(new FileSource(fd, 0, size), compression), job, true);
    if (isMadeOfLines(head)) return await this.#text(() => new FileSource(fd, 0, size), job, true);
    const other = otherKindOf(head);
    if (other !== undefined) return { ...nothing(job), unread: `it is ${other}` };
    const formats = this.#context.chooser.choose(samples);
    const { start, end } = isBounded(this.#context.window) ? windowOf(fd, size, this.#context.window, this.#lines(formats)) : { start: 0, end: size };
    const first = new FileSource(fd, start, end, true);
    return await this.#count(first, { input: job.input, path: job.path, formats, samples, start }, () => new FileSource(fd, start, end, true));
  }

  /** Text that can only be read from its start on. */
  async #text(openText: Opener, job: { readonly input: number; readonly path: string; readonly modifiedMs?: number }, isAgain: boolean): Promise<JobReport> {
    const open = async (): Promise<ByteSource> => await asLines(await openText());
    const source = await open();
    const bytes = new Uint8Array(headBytes);
    const head = bytes.subarray(0, await readFully(source, bytes));
    const formats = this.#context.chooser.choose([head]);
    const skipped = job.modifiedMs === undefined ? undefined : whySkipped(head, this.#lines(formats), this.#context.window, job.modifiedMs);
    if (skipped !== undefined) {
      source.close();
      return { ...nothing(job), skipped };
    }
    return await this.#count(new ResumedSource(head, source), { ...job, formats, samples: [head], start: 0 }, isAgain ? open : undefined);
  }

  /**
   * Where many lines fit none of the formats that its samples showed (a configuration was reloaded in between), the lines that did not
   * fit say what else to try, and it is read once more.
   */
  async #count(source: ByteSource, of: Counted, again: Opener | undefined): Promise<JobReport> {
    const first = await this.#countOnce(source, of);
    const [counts] = first.sum.inputs.list();
    let best = first;
    if (again !== undefined && counts !== undefined && counts.misfits > counts.lines * manyMisfits && !this.#context.isStopped()) {
      const misfits = new TextEncoder().encode(counts.misfitSamples.map(({ text }) => `${text}\n`).join(''));
      const more = this.#context.chooser.choose([misfits]).filter(({ id }) => !of.formats.some(format => format.id === id));
      if (more.length > 0) {
        const second = await this.#countOnce(await again(), { ...of, formats: [...of.formats, ...more], samples: [...of.samples, misfits] });
        if ((second.sum.inputs.list()[0]?.misfits ?? 0) < counts.misfits && !this.#context.isStopped()) best = second;
      }
    }
    this.#context.sum.addSum(best.sum);
    return best.report;
  }

  async #countOnce(source: ByteSource, { input, path, formats, samples, start }: Counted): Promise<{ readonly sum: RollUpSum; readonly report: JobReport }> {
    try {
      const scanner = this.#scanner(path, formats);
      const at = await this.#scan(scanner, source, start, true);
      const report = {
        input,
        bytes: at - start,
        problems: source.problems,
        samples: this.#context.chooser.samplesFor(formats, samples),
        formats: formats.map(({ id }) => id),
      };
      return { sum: scanner.sum(), report };
    } finally {
      source.close();
    }
  }

  #scanner(path: string, formats: readonly LogFormat[]): Scanner {
    const { window, hourMs } = this.#context;
    return this.#context.createScanner({ path, formats, ...window, hourMs });
  }

  #lines(formats: readonly LogFormat[]): LineReader {
    return new LineReader(formats, this.#context.hourMs);
  }

  /** Gives the offset behind what was counted. */
  async #scan(scanner: Scanner, source: ByteSource, start: number, isWhole: boolean): Promise<number> {
    const context = this.#context;
    let offset = start;
    let left = 0;
    let consumed = 0;
    for (;;) {
      if (context.isStopped()) {
        // What is left over is part of a line.
        scanner.scan(0, offset, true);
        return offset;
      }
      const { buffer } = scanner;
      const read = source.read(buffer.subarray(left, left + pieceBytes));
      const got = typeof read === 'number' ? read : await read;
      context.tick(source.consumed - consumed);
      consumed = source.consumed;
      if (got === 0) break;
      const length = left + got;
      left = scanner.scan(length, offset, false);
      offset += length - left;
      const resting = context.rest();
      if (resting !== undefined) await resting;
    }
    if (isWhole || left > 0) scanner.scan(left, offset, true);
    return offset + left;
  }
}

export function isBounded(window: Window): boolean {
  return Number.isFinite(window.sinceMs) || Number.isFinite(window.untilMs);
}

/** Whether lines are made of it, so that it can be read from its start alone. */
export function isMadeOfLines(head: Uint8Array): boolean {
  return recordLevel(head) !== undefined || isContainerLog(head);
}

/** The text as it is, or the records of a JSON document as lines, or what a container printed. */
async function asLines(source: ByteSource): Promise<ByteSource> {
  const bytes = new Uint8Array(markBytes);
  const head = bytes.subarray(0, await readFully(source, bytes));
  const level = recordLevel(head);
  const resumed = new ResumedSource(head, source);
  if (isContainerLog(head)) return new ContainerLines(resumed);
  return level === undefined ? resumed : new RecordLines(resumed, level);
}

function nothing(of: { readonly input: number }): JobReport {
  return { input: of.input, bytes: 0, problems: [], samples: [], formats: [] };
}

/**
 * Why nothing in a compressed file can lie in the window: it starts behind it, or was last written to before it. That it was last
 * written to at a time is believed where its first line is not younger.
 */
function whySkipped(head: Uint8Array, lines: LineReader, window: Window, modifiedMs: number): string | undefined {
  const firstMs = firstTime(head, lines);
  if (Number.isNaN(firstMs)) return undefined;
  if (firstMs >= window.untilMs + 2 * slackMs) return 'its first line is younger than what was asked for';
  if (modifiedMs < window.sinceMs - slackMs && firstMs <= modifiedMs + slackMs) return 'it was last written to before what was asked for';
  return undefined;
}

function firstTime(head: Uint8Array, lines: LineReader): number {
  let from = 0;
  for (let to = head.indexOf(10); to !== -1; to = head.indexOf(10, from)) {
    const timeMs = lines.timeMs(head, from, to);
    if (!Number.isNaN(timeMs)) return timeMs;
    from = to + 1;
  }
  return Number.NaN;
}
