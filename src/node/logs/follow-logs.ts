import { closeSync, constants, openSync, readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname, join } from 'node:path';
import { hourReader } from '../../core/logs/formats/index.ts';
import type { LogFormat } from '../../core/logs/scan/format.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import type { Scanner, ScanTask } from '../../core/logs/scan/scanner.ts';
import { LazySum } from './lazy-sum.ts';
import { compressionOf } from './compression.ts';
import { engineOf, type Engine } from './engine.ts';
import { samplesOf, windowOf } from './file-places.ts';
import { findInputs, type Input } from './find-inputs.ts';
import { FollowedFile, type FollowSink } from './followed-file.ts';
import { FormatChooser, LineReader } from './format-choice.ts';
import type { InputReport, LogsRequest, LogsResult } from './request.ts';
import { rollUpLogs } from './roll-up-logs.ts';
import { inTimeOrder, rotatedName } from './rotation-order.ts';
import { fifoStream, journalArguments, journalStream, stdinStream, type LogStream } from './streams.ts';
import { told } from './told.ts';

export interface FollowLogsOptions {
  readonly signal: AbortSignal;
  /** All that was counted so far; at most every `everyMs` (1000), and only where something came. */
  readonly onRollUp?: (result: LogsResult) => void;
  readonly everyMs?: number;
  /** How often files are looked at where the system does not tell that they changed. Default 250. */
  readonly pollMs?: number;
  /** `start`: what is there already counts too, as far as it lies in the window. Default `end`. */
  readonly from?: 'start' | 'end';
}

interface Followed {
  readonly path: string;
  readonly problems: string[];
  bytes: number;
  file?: FollowedFile;
  stream?: LogStream;
}

const pieceBytes = 1 << 19;
const notThere = told({ code: 'ENOENT' });
// The system tells of every single write.
const leastPauseMs = 20;

/**
 * Counts what is written to logs until it is told to stop, and then gives all that was counted; see `FollowedFile` for what is
 * guaranteed. Of a rotated family the newest is followed; with `from: 'start'` the others are read once. A file that is not
 * there yet is waited for.
 */
export async function followLogs(request: LogsRequest, options: FollowLogsOptions): Promise<LogsResult> {
  const engine = engineOf(request.engine ?? 'auto');
  const inputs = await findInputs(request.paths, request.journalUnits);
  const { followed, once } = divide(inputs);
  const following = new Following(request, options, engine);
  // Opened before anything else is done, so that no rotation comes between.
  following.open(followed);
  if (options.from === 'start' && once.length > 0) following.add(await readOnce(once, request, options.signal));
  return await following.run();
}

/** What is followed, and what is older than that or does not grow. */
function divide(inputs: readonly Input[]): { readonly followed: readonly Input[]; readonly once: readonly string[] } {
  const files = inTimeOrder(
    inputs.filter(input => input.kind === 'file'),
    ({ path }) => path,
  );
  const newest = new Map(files.map(({ path }) => [rotatedName(path).family, path]));
  const isFollowed = (input: Input): boolean =>
    input.kind !== 'file' || (newest.get(rotatedName(input.path).family) === input.path && !isCompressed(input.path));
  return { followed: inputs.filter(isFollowed), once: inputs.filter(input => !isFollowed(input)).map(({ path }) => path) };
}

/** Reads files that may be renamed while they are read: then again, by their new names. */
async function readOnce(paths: readonly string[], request: LogsRequest, signal: AbortSignal): Promise<LogsResult> {
  const ids = paths.map(path => idOf(path));
  let names = paths;
  for (let turn = 0; ; turn += 1) {
    const result = await rollUpLogs({ ...request, paths: names, journalUnits: [] }, { signal });
    if (turn === 3 || signal.aborted || names.every((path, index) => idOf(path) === ids[index])) return result;
    names = names.map((path, index) => (idOf(path) === ids[index] ? path : (renamed(path, ids[index]) ?? path)));
  }
}

function renamed(path: string, id: string | undefined): string | undefined {
  try {
    const folder = dirname(path);
    return readdirSync(folder)
      .map(name => join(folder, name))
      .find(one => idOf(one) === id);
  } catch {
    return undefined;
  }
}

function idOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

function isCompressed(path: string): boolean {
  return withFile(path, fd => compressionOf(samplesOf(fd, 8)[0] ?? new Uint8Array(0)) !== undefined) ?? false;
}

function withFile<T>(path: string, use: (fd: number) => T): T | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return use(fd);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

class Following {
  readonly #request: LogsRequest;
  readonly #options: FollowLogsOptions;
  readonly #engine: Engine;
  readonly #chooser: FormatChooser;
  #first: LogsResult | undefined;
  readonly #streams: Promise<void>[] = [];
  readonly #closed = new LazySum();
  readonly #open = new Set<Scanner>();
  readonly #formats = new Map<string, LogFormat>();
  readonly #followed: Followed[] = [];
  readonly #hourMs: ScanTask['hourMs'];
  #wake: () => void = () => undefined;
  #hasNews = false;

  constructor(request: LogsRequest, options: FollowLogsOptions, engine: Engine) {
    this.#request = request;
    this.#options = options;
    this.#engine = engine;
    this.#chooser = new FormatChooser(request.formats);
    // Time goes on while a log is followed; a date without a year is the newest that does not lie in the future.
    this.#hourMs = (style, prefix, suffix) => hourReader(request.zone, Date.now())(style, prefix, suffix);
  }

  open(inputs: readonly Input[]): void {
    for (const input of inputs) {
      const one: Followed = { path: input.path, problems: [], bytes: 0 };
      this.#followed.push(one);
      if (input.kind === 'file' || (input.kind === 'unread' && input.why === notThere)) this.#followFile(one);
      else this.#streams.push(this.#followStream(one, input));
    }
  }

  /** What was read besides. */
  add(first: LogsResult): void {
    this.#first = first;
    this.#closed.addRollUp(first.rollUp);
    for (const format of first.formats) this.#formats.set(format.id, format);
    this.#hasNews = true;
  }

  async run(): Promise<LogsResult> {
    const { signal } = this.#options;
    const stop = (): void => {
      for (const { stream } of this.#followed) stream?.close();
      this.#wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    const streams = Promise.all(this.#streams);
    const watchers = this.#watch();
    try {
      await this.#loop(streams);
    } finally {
      for (const watcher of watchers) watcher.close();
      signal.removeEventListener('abort', stop);
    }
    this.#poll();
    for (const { file } of this.#followed) file?.close();
    stop();
    await streams;
    return this.#result();
  }

  /** Until it is told to stop, or nothing is left that could still come. */
  async #loop(streams: Promise<unknown>): Promise<void> {
    const { signal, pollMs = 250, everyMs = 1000, onRollUp } = this.#options;
    const state = { areStreamsDone: false };
    void streams.then(() => {
      state.areStreamsDone = true;
      this.#wake();
    });
    let toldMs = 0;
    while (!signal.aborted) {
      const got = this.#poll();
      if (this.#hasNews && performance.now() - toldMs >= everyMs) {
        toldMs = performance.now();
        this.#hasNews = false;
        onRollUp?.(this.#result());
      }
      if (state.areStreamsDone && this.#followed.every(({ file }) => file === undefined)) return;
      await this.#pause(got > 0 ? 0 : pollMs);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      if (ms === 0) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        setTimeout(resolve, this.#options.signal.aborted ? 0 : leastPauseMs);
      };
      if (this.#options.signal.aborted) this.#wake();
    });
  }

  #poll(): number {
    let got = 0;
    for (const { file } of this.#followed) got += file?.poll() ?? 0;
    return got;
  }

  /** Only to look at once: whatever is missed is found by the next poll. */
  #watch(): readonly FSWatcher[] {
    const folders = new Set(this.#followed.flatMap(({ file, path }) => (file === undefined ? [] : [dirname(path)])));
    return [...folders].flatMap(folder => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#wake());
        watcher.on('error', () => watcher.close());
        return [watcher];
      } catch {
        return [];
      }
    });
  }

  #followFile(one: Followed): void {
    const { formats, from } = this.#startOf(one.path);
    let known = formats;
    one.file = new FollowedFile(one.path, {
      from,
      nowMs: Date.now,
      openSink: () =>
        this.#sink(one, head => {
          // A reload may have brought another format. What came before may still come.
          const chosen = known.length > 0 && from !== 0 && one.bytes === 0 ? [] : this.#chooser.choose([head]);
          known = [...chosen, ...known.filter(({ id }) => !chosen.some(format => format.id === id))];
          return known;
        }),
      onProblem: problem => {
        if (!one.problems.includes(problem) && one.problems.length < 20) one.problems.push(problem);
      },
    });
  }

  #startOf(path: string): { readonly formats: readonly LogFormat[]; readonly from: number | 'start' | 'end' } {
    const found = withFile(path, fd => {
      const { size } = statSync(path);
      const formats = this.#chooser.choose(samplesOf(fd, size));
      if (this.#options.from !== 'start') return { formats, from: 'end' as const };
      if (!Number.isFinite(this.#request.sinceMs)) return { formats, from: 0 };
      const { start } = windowOf(fd, size, { ...this.#request, untilMs: Number.POSITIVE_INFINITY }, new LineReader(formats, this.#hourMs));
      return { formats, from: start };
    });
    // A file that comes later is new from its first byte on.
    return found ?? { formats: [], from: 'start' };
  }

  async #followStream(one: Followed, input: Input): Promise<void> {
    try {
      const stream = this.#openStream(input);
      if (typeof stream === 'string') {
        one.problems.push(stream);
        return;
      }
      one.stream = stream;
      if (this.#options.signal.aborted) stream.close();
      const sink = this.#sink(one, head => this.#chooser.choose([head]));
      let offset = 0;
      for await (const chunk of stream.chunks) {
        sink.take(chunk, offset);
        offset += chunk.length;
        this.#wake();
      }
      sink.end();
      const problem = stream.problem();
      if (problem !== undefined) one.problems.push(problem);
    } catch (error) {
      if (!this.#options.signal.aborted) one.problems.push(told(error));
    }
  }

  #openStream(input: Input): LogStream | string {
    switch (input.kind) {
      case 'stdin':
        return stdinStream(this.#request.stdin);
      case 'fifo':
        return fifoStream(input.path);
      case 'journal':
        return journalStream(journalArguments(input.unit, this.#request.sinceMs, Number.POSITIVE_INFINITY, this.#options.from === 'start' ? 'all' : 'new'));
      case 'unread':
      case 'copy':
        return input.why;
      case 'file':
        return 'it is followed as a file';
    }
  }

  /** Counts the bytes of one file. The first lines say which formats to try. */
  #sink(one: Followed, choose: (head: Uint8Array) => readonly LogFormat[]): FollowSink {
    let scanner: Scanner | undefined;
    let left = 0;
    let at = 0;
    const { sinceMs, untilMs } = this.#request;
    return {
      take: (bytes, offset) => {
        if (scanner === undefined) {
          const formats = choose(bytes);
          for (const format of formats) if (!this.#formats.has(format.id)) this.#formats.set(format.id, format);
          scanner = this.#engine.createScanner({ path: one.path, formats, sinceMs, untilMs, nowMs: Date.now(), hourMs: this.#hourMs });
          this.#open.add(scanner);
          at = offset;
        }
        one.bytes += bytes.length;
        this.#hasNews = true;
        for (let from = 0; from < bytes.length;) {
          const { buffer } = scanner;
          const piece = bytes.subarray(from, from + Math.min(pieceBytes, buffer.length - left));
          buffer.set(piece, left);
          const length = left + piece.length;
          left = scanner.scan(length, at, false);
          at += length - left;
          from += piece.length;
        }
      },
      end: () => {
        if (scanner === undefined) return;
        scanner.scan(left, at, true);
        this.#open.delete(scanner);
        this.#closed.addSum(scanner.sum());
        scanner = undefined;
        left = 0;
      },
    };
  }

  #result(): LogsResult {
    const sum = new LazySum();
    sum.add(this.#closed.parts());
    for (const scanner of this.#open) sum.add(scanner.sum().parts());
    const rollUp: RollUp = sum.result();
    const reports = this.#followed.map(({ path, bytes, problems }): InputReport => ({ path, bytes, problems }));
    return { rollUp, inputs: [...(this.#first?.inputs ?? []), ...reports], formats: [...this.#formats.values()], engine: this.#engine.name, threads: 0 };
  }
}
