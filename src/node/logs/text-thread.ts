/** Uncompressing a log in a thread of its own, beside the counting of its lines. Imports little: it is started before the rest of the program is loaded. */
import { resolve } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ByteSource } from './source.ts';
import { endedByItself, startThread, whyFailed } from './start-thread.ts';
import { TextRing } from './text-ring.ts';
import type { TextWorkerData } from './text-worker.ts';

/** Less is uncompressed sooner than a thread has started. */
export const leastTextBytes: number = 1 << 20;

/** The other thread is nearly always quick enough. */
const shortMs = 5;
const pollMs = 10;

let early: { readonly path: string; readonly source: TextSource } | undefined;

/** Starts uncompressing a file that `takeText` will be asked for. It does not keep the process alive. */
export function startText(path: string): void {
  early ??= { path: resolve(path), source: new TextSource(path) };
}

/** The text of a compressed file, as `uncompressed` gives it. `isStopped`: nothing is waited for any more. */
export function takeText(path: string, isStopped: () => boolean): ByteSource {
  const started = early?.path === resolve(path) ? early.source : undefined;
  if (started !== undefined) early = undefined;
  const source = started ?? new TextSource(path);
  source.begin(isStopped);
  return source;
}

/** Ends one that nobody took. */
export function dropText(): void {
  early?.source.close();
  early = undefined;
}

class TextSource implements ByteSource {
  readonly #ring = new TextRing();
  readonly #worker: Worker;
  /** Why the thread ended before its time. */
  #failure: string | undefined;
  #problems: readonly string[] = [];
  #consumed = 0;
  /** Bytes of the full slot that were given. */
  #given = 0;
  #isEnd = false;
  #isStopped = (): boolean => false;

  constructor(path: string) {
    this.#worker = startThread('text-worker', { buffer: this.#ring.buffer, path } satisfies TextWorkerData);
    this.#worker.unref();
    this.#worker.on('error', error => (this.#failure = whyFailed(error)));
    this.#worker.on('exit', () => (this.#failure ??= endedByItself));
  }

  get consumed(): number {
    return this.#consumed;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** It is read from now on. */
  begin(isStopped: () => boolean): void {
    this.#isStopped = isStopped;
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#isEnd) return 0;
    return this.#ring.isFilled(shortMs) ? this.#give(into) : this.#wait(into);
  }

  close(): void {
    this.#isEnd = true;
    this.#ring.stop();
    void this.#worker.terminate();
  }

  /** What the thread had put there before it failed is given. */
  async #wait(into: Uint8Array): Promise<number> {
    while (!this.#ring.isFilled(0)) {
      if (this.#isEnd || this.#isStopped()) return 0;
      if (this.#failure !== undefined) return this.#end([`${this.#failure}; what came before was read`]);
      await new Promise(wake => {
        setTimeout(wake, pollMs);
      });
    }
    return this.#give(into);
  }

  #give(into: Uint8Array): number {
    const { bytes, length, consumed } = this.#ring.full();
    this.#consumed = consumed;
    if (length < 0) return this.#end(JSON.parse(Buffer.from(bytes.subarray(0, -1 - length)).toString()) as readonly string[]);
    const part = bytes.subarray(this.#given, Math.min(length, this.#given + into.length));
    into.set(part);
    this.#given += part.length;
    if (this.#given === length) {
      this.#given = 0;
      this.#ring.take();
    }
    return part.length;
  }

  #end(problems: readonly string[]): 0 {
    this.#problems = problems;
    this.#isEnd = true;
    return 0;
  }
}
