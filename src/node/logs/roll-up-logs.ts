import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { hourReader } from '../../core/logs/formats/index.ts';
import type { LogFormat } from '../../core/logs/scan/format.ts';
import { LazySum } from './lazy-sum.ts';
import { compressionOf, otherKindOf } from './compression.ts';
import { leaveOutCopies } from './copies.ts';
import { isShared, sharing, stopEarly, threadCount, type StartedWorker } from './early-workers.ts';
import { engineOf, type Engine } from './engine.ts';
import { bordersOf, samplesOf, windowOf, type Window } from './file-places.ts';
import { findInputs, type Input } from './find-inputs.ts';
import { FormatChooser, LineReader } from './format-choice.ts';
import { InputReader, isBounded, isMadeOfLines, type Job, type JobReport } from './read-input.ts';
import type { InputReport, LogsRequest, LogsResult, Progress } from './request.ts';
import { ChunkSource } from './source.ts';
import type { LogStream } from './streams.ts';
import { dropText, leastTextBytes, takeText } from './text-thread.ts';
import { told } from './told.ts';
import { runInWorkers, startWorkers, stopWorkers } from './worker-pool.ts';

const mebibyte = 1024 * 1024;
const { mostThreads, wholeBytes, compressedName } = sharing;
/** Less is read sooner than a thread has started (30 ms). */
const threadBytes = 16 * mebibyte;
/** Logs shrink to about a tenth. */
const usualTimes = 8;
/** The smaller, the less the threads wait for the last one at the end. */
const rangeBytes = { least: 8 * mebibyte, most: 64 * mebibyte, perThread: 32 };
/** The event loop waits no longer for the main thread. */
const restMs = 15;
const progressMs = 100;

export interface RollUpOptions {
  /** At most ten times a second, and at the end. */
  readonly onProgress?: (progress: Progress) => void;
  /** Breaks off: what was counted by then is the result. */
  readonly signal?: AbortSignal;
}

/**
 * Reads all inputs of a request into one roll-up. Never rejects for what an input is like: that is told in its report. Rejects
 * where the request itself cannot be met (`engine: 'kernel'` without a kernel).
 */
export async function rollUpLogs(request: LogsRequest, options: RollUpOptions = {}): Promise<LogsResult> {
  const engine = engineOf(request.engine ?? 'auto');
  return await new LogsReading(request, options, engine).result();
}

class LogsReading {
  readonly #request: LogsRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: RollUpOptions['onProgress'];
  readonly #engine: Engine;
  readonly #chooser: FormatChooser;
  readonly #window: Window;
  readonly #threads: number;
  readonly #reports = new Map<number, Omit<JobReport, 'samples'>[]>();
  readonly #formats = new Map<string, LogFormat>();
  readonly #done = new Float64Array(new SharedArrayBuffer(8 * (mostThreads + 1)));
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #openJobs = new Map<number, number>();
  #total = 0;
  #inputs: readonly Input[] = [];

  constructor(request: LogsRequest, { signal, onProgress }: RollUpOptions, engine: Engine) {
    this.#request = request;
    this.#signal = signal;
    this.#onProgress = onProgress;
    this.#engine = engine;
    this.#chooser = new FormatChooser(request.formats);
    this.#window = { sinceMs: request.sinceMs, untilMs: request.untilMs, nowMs: request.nowMs };
    this.#threads = threadCount(request.threads);
  }

  async result(): Promise<LogsResult> {
    const breakOff = (): void => void Atomics.store(this.#stop, 0, 1);
    this.#signal?.addEventListener('abort', breakOff, { once: true });
    if (this.#signal?.aborted === true) breakOff();
    this.#inputs = await leaveOutCopies(await findInputs(this.#request.paths, this.#request.journalUnits));
    const ready = this.#isLarge() ? this.#startWorkers(this.#threads - 1) : [];
    try {
      return await this.#read(ready);
    } finally {
      this.#signal?.removeEventListener('abort', breakOff);
      dropText();
      await Promise.all([stopWorkers(ready), stopEarly()]);
    }
  }

  async #read(ready: readonly StartedWorker[]): Promise<LogsResult> {
    const jobs = await this.#jobs();
    const work = jobs.reduce((sum, job) => sum + workOf(job), 0);
    // The main thread is one of them; what is little it reads alone.
    const threads = work < threadBytes ? 0 : Math.min(this.#threads, jobs.length) - 1;
    this.#total = jobs.reduce((sum, job) => sum + bytesOf(job), 0);
    const timer = this.#onProgress === undefined ? undefined : setInterval(() => this.#progress(), progressMs);
    const sum = new LazySum();
    const lost: string[] = [];
    try {
      const queue = [...jobs];
      const more = Math.max(0, threads - ready.length);
      const workers = threads > 0 ? [...ready.slice(0, threads), ...this.#startWorkers(more)] : [];
      const others = workers.length > 0 ? this.#inThreads(workers, queue, sum, lost) : undefined;
      // Streams are read beside the files.
      await Promise.all([others, this.#inMain(queue, sum, jobs.length === 1), this.#streams(sum)]);
    } finally {
      clearInterval(timer);
    }
    this.#progress();
    const why = this.#isStopped() ? 'reading was broken off' : lost[0];
    return {
      rollUp: sum.result(),
      inputs: this.#inputs.map((input, index) => this.#report(input, index)),
      ...(why !== undefined && { partial: why }),
      formats: [...this.#formats.values()],
      engine: this.#engine.name,
      threads,
    };
  }

  /** Large plain files are cut into ranges, of what lies in the window. */
  async #jobs(): Promise<readonly Job[]> {
    const jobs: Job[] = [];
    let lastMs = performance.now();
    for (const [index, input] of this.#inputs.entries()) {
      if (input.kind !== 'file') continue;
      const { path, size, modifiedMs } = input;
      const whole: Job = { kind: 'file', input: index, path, size, modifiedMs };
      const found = size < wholeBytes ? [whole] : this.#ranges(index, path, whole);
      jobs.push(...found);
      this.#openJobs.set(index, found.length);
      if (performance.now() - lastMs > restMs) {
        await rest();
        lastMs = performance.now();
      }
      if (this.#isStopped()) break;
    }
    // The longest first, so that no thread is left with one of them at the end.
    return jobs
      .map((job, place) => ({ job, place, work: job.kind === 'file' ? workOf(job) : rangeBytes.most }))
      .sort((a, b) => b.work - a.work || a.place - b.place)
      .map(({ job }) => job);
  }

  #ranges(input: number, path: string, whole: Job): readonly Job[] {
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      const { size } = fstatSync(fd);
      const samples = samplesOf(fd, size);
      const head = samples[0] ?? new Uint8Array(0);
      if (compressionOf(head) !== undefined || isMadeOfLines(head) || otherKindOf(head) !== undefined) return [whole];
      const formats = this.#chooser.choose(samples);
      this.#know(formats);
      const ids = formats.map(({ id }) => id);
      const lines = new LineReader(formats, hourReader(this.#request.zone, this.#request.nowMs));
      const { start, end } = isBounded(this.#window) ? windowOf(fd, size, this.#window, lines) : { start: 0, end: size };
      const length = Math.min(rangeBytes.most, Math.max(rangeBytes.least, Math.ceil((end - start) / (this.#threads * rangeBytes.perThread))));
      const borders = bordersOf(fd, start, end, length, formats.some(({ kind }) => kind === 'error') ? lines : undefined);
      // They are copied for a thread with each range.
      const needed = this.#chooser.samplesFor(formats, samples);
      return borders.slice(1).map((to, index) => ({ kind: 'range', input, path, start: borders[index] ?? to, end: to, samples: needed, formats: ids }));
    } catch {
      // Who reads it tells what is wrong with it.
      return [whole];
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** `isOnly`: there is nothing else for other threads to do. */
  async #inMain(queue: Job[], sum: LazySum, isOnly: boolean): Promise<void> {
    const reader = this.#reader(sum, isOnly && this.#threads > 1);
    for (let job = queue.shift(); job !== undefined && !this.#isStopped(); job = queue.shift()) this.#take(await reader.do(job));
    reader.finish();
  }

  /** Whether threads will be needed for sure, by the sizes alone: all of a large file is read, or of many. */
  #isLarge(): boolean {
    if (isBounded(this.#window)) return false;
    const files = this.#inputs.filter(input => input.kind === 'file');
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return bytes >= threadBytes && files.some(({ size, path }) => isShared(size, path));
  }

  #startWorkers(count: number): readonly StartedWorker[] {
    return startWorkers(count, {
      window: this.#window,
      formats: this.#request.formats,
      zone: this.#request.zone,
      engine: this.#engine.name,
      stop: this.#stop,
      done: this.#done,
    });
  }

  async #inThreads(workers: readonly StartedWorker[], queue: Job[], sum: LazySum, lost: string[]): Promise<void> {
    const result = await runInWorkers(workers, queue, report => this.#take(report), this.#signal);
    for (const parts of result.parts) sum.add(parts);
    for (const { why, inputs } of result.lost) {
      lost.push(why);
      for (const input of inputs) this.#take({ input, bytes: 0, problems: [`a part of it is not counted: ${why}`], samples: [], formats: [] });
    }
  }

  async #streams(sum: LazySum): Promise<void> {
    await Promise.all(this.#inputs.map((input, index) => this.#stream(input, index, sum)));
  }

  async #stream(input: Input, index: number, sum: LazySum): Promise<void> {
    const stream = await this.#open(input);
    if (stream === undefined) return;
    if (typeof stream === 'string') return this.#take({ input: index, bytes: 0, problems: [], unread: stream, samples: [], formats: [] });
    const source = new ChunkSource(stream.chunks);
    const close = (): void => {
      source.close();
      stream.close();
    };
    this.#signal?.addEventListener('abort', close, { once: true });
    if (this.#isStopped()) close();
    const report = await this.#reader(sum).stream(index, input.path, source);
    this.#signal?.removeEventListener('abort', close);
    stream.close();
    const problem = stream.problem();
    this.#take({ ...report, problems: [...report.problems, ...(problem === undefined ? [] : [problem])] });
  }

  async #open(input: Input): Promise<LogStream | string | undefined> {
    if (input.kind !== 'stdin' && input.kind !== 'fifo' && input.kind !== 'journal') return undefined;
    try {
      const { fifoStream, journalArguments, journalStream, stdinStream } = await import('./streams.ts');
      if (input.kind === 'stdin') return stdinStream(this.#request.stdin);
      if (input.kind === 'fifo') return fifoStream(input.path);
      return journalStream(journalArguments(input.unit, this.#window.sinceMs, this.#window.untilMs));
    } catch (error) {
      return told(error);
    }
  }

  #reader(sum: LazySum, hasOthers = false): InputReader {
    let lastMs = performance.now();
    return new InputReader({
      window: this.#window,
      chooser: this.#chooser,
      hourMs: hourReader(this.#request.zone, this.#request.nowMs),
      sum,
      createScanner: this.#engine.createScanner,
      textElsewhere: (path, size) => (hasOthers && size >= leastTextBytes ? takeText(path, () => this.#isStopped()) : undefined),
      isStopped: () => this.#isStopped(),
      tick: bytes => {
        this.#done[mostThreads] = (this.#done[mostThreads] ?? 0) + bytes;
      },
      rest: () => {
        if (performance.now() - lastMs < restMs) return undefined;
        return rest().then(() => {
          lastMs = performance.now();
        });
      },
    });
  }

  #take({ samples, ...report }: JobReport): void {
    const reports = this.#reports.get(report.input);
    if (reports === undefined) this.#reports.set(report.input, [report]);
    else reports.push(report);
    this.#openJobs.set(report.input, (this.#openJobs.get(report.input) ?? 1) - 1);
    if (report.formats.every(id => this.#formats.has(id))) return;
    // A thread cannot send a format, which holds a function; what it was chosen by it can.
    this.#know(this.#chooser.chooseAgain(samples, report.formats));
  }

  #know(formats: readonly LogFormat[]): void {
    for (const format of formats) if (!this.#formats.has(format.id)) this.#formats.set(format.id, format);
  }

  #report(input: Input, index: number): InputReport {
    const { path } = input;
    if (input.kind === 'unread') return { path, bytes: 0, problems: [], unread: input.why };
    if (input.kind === 'copy') return { path, bytes: 0, problems: [], skipped: input.why };
    const reports = this.#reports.get(index) ?? [];
    const unread = reports.every(one => one.unread !== undefined) ? reports[0]?.unread : undefined;
    const skipped = reports.find(one => one.skipped !== undefined)?.skipped;
    const problems = [
      ...input.notes,
      ...new Set(reports.flatMap(one => [...one.problems, ...(one.unread !== undefined && unread === undefined ? [one.unread] : [])])),
    ];
    if (reports.length === 0) return { path, bytes: 0, problems, unread: 'reading was broken off before it' };
    return {
      path,
      bytes: reports.reduce((sum, one) => sum + one.bytes, 0),
      problems,
      ...(unread !== undefined && { unread }),
      ...(skipped !== undefined && { skipped }),
    };
  }

  #progress(): void {
    this.#onProgress?.({
      bytesDone: Math.min(
        this.#total,
        this.#done.reduce((sum, bytes) => sum + bytes, 0),
      ),
      bytesTotal: this.#total,
      filesDone: [...this.#openJobs.values()].filter(open => open <= 0).length,
      filesTotal: this.#inputs.filter(({ kind }) => kind === 'file').length,
    });
  }

  #isStopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }
}

function bytesOf(job: Job): number {
  return job.kind === 'file' ? job.size : job.end - job.start;
}

function workOf(job: Job): number {
  return bytesOf(job) * (compressedName.test(job.path) ? usualTimes : 1);
}

function rest(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
