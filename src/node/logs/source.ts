import { readSync } from 'node:fs';
import { longestLine } from '../../core/logs/scan/scanner.ts';
import { told } from './told.ts';

const newline = 10;

/** Bytes one after the other, from wherever they come. */
export interface ByteSource {
  /** Puts bytes to the start of `into`, which has room for one at least; how many, 0 at the end. A promise only where it must wait. Never throws or rejects. */
  read(into: Uint8Array): number | Promise<number>;
  /** Bytes taken from the disk or the pipe so far: compressed ones where they are. */
  readonly consumed: number;
  /** What went wrong; what was given out before is right. */
  readonly problems: readonly string[];
  close(): void;
}

/**
 * Bytes [start, end) of an open file, which the caller closes. `finishesLine`: where the last line has no end yet and the file has
 * grown, up to the end of that line.
 */
export class FileSource implements ByteSource {
  readonly problems: string[] = [];
  readonly #fd: number;
  readonly #start: number;
  readonly #finishesLine: boolean;
  #end: number;
  #at: number;
  #last = newline;
  #isExtended = false;

  constructor(fd: number, start: number, end: number, finishesLine = false) {
    this.#fd = fd;
    this.#start = start;
    this.#end = end;
    this.#at = start;
    this.#finishesLine = finishesLine;
  }

  get consumed(): number {
    return this.#at - this.#start;
  }

  read(into: Uint8Array): number {
    if (this.problems.length > 0) return 0;
    if (this.#at >= this.#end && !this.#extend()) return 0;
    try {
      const got = readSync(this.#fd, into, 0, Math.min(into.length, this.#end - this.#at), this.#at);
      this.#last = into[got - 1] ?? newline;
      this.#at += got;
      if (!this.#isExtended) {
        if (got === 0) this.problems.push(`it became shorter while it was read: of ${this.#end} bytes ${this.#at} were there`);
        return got;
      }
      const length = into.subarray(0, got).indexOf(newline) + 1;
      if (length > 0) this.#end = this.#at = this.#at - got + length;
      this.#last = length > 0 ? newline : this.#last;
      return length > 0 ? length : got;
    } catch (error) {
      this.problems.push(`at byte ${this.#at} ${told(error)}; what came before was read`);
      return 0;
    }
  }

  close(): void {
    // The file belongs to the caller.
  }

  #extend(): boolean {
    if (!this.#finishesLine || this.#isExtended || this.#last === newline) return false;
    this.#isExtended = true;
    this.#end += longestLine;
    return true;
  }
}

/** What comes in chunks: a pipe, a stream that is uncompressed elsewhere. */
export class ChunkSource implements ByteSource {
  readonly problems: string[] = [];
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #whenBroken: (error: unknown) => string;
  #chunk: Uint8Array = new Uint8Array(0);
  #isEnd = false;
  #consumed = 0;
  #wake: () => void = () => undefined;
  readonly #closed = new Promise<undefined>(resolve => {
    this.#wake = () => resolve(undefined);
  });

  /** `whenBroken` says what an error of the stream means. */
  constructor(chunks: AsyncIterable<Uint8Array>, whenBroken: (error: unknown) => string = told) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#whenBroken = whenBroken;
  }

  get consumed(): number {
    return this.#consumed;
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#chunk.length > 0) return this.#give(into);
    return this.#isEnd ? 0 : this.#wait(into);
  }

  close(): void {
    this.#isEnd = true;
    this.#chunk = new Uint8Array(0);
    // Who waits for a chunk waits no longer.
    this.#wake();
    this.#chunks.return?.().catch(() => undefined);
  }

  async #wait(into: Uint8Array): Promise<number> {
    try {
      while (this.#chunk.length === 0) {
        const next = await Promise.race([this.#chunks.next(), this.#closed]);
        if (next === undefined || next.done === true) {
          this.#isEnd = true;
          return 0;
        }
        this.#chunk = next.value;
        this.#consumed += next.value.length;
      }
    } catch (error) {
      this.#isEnd = true;
      this.problems.push(this.#whenBroken(error));
      return 0;
    }
    return this.#give(into);
  }

  #give(into: Uint8Array): number {
    const length = Math.min(into.length, this.#chunk.length);
    into.set(this.#chunk.subarray(0, length));
    this.#chunk = this.#chunk.subarray(length);
    return length;
  }
}

/** Gives first what was read ahead of a source, to learn what it is, then the rest. */
export class ResumedSource implements ByteSource {
  readonly #rest: ByteSource;
  #head: Uint8Array;

  constructor(head: Uint8Array, rest: ByteSource) {
    this.#head = head;
    this.#rest = rest;
  }

  get consumed(): number {
    return this.#rest.consumed;
  }

  get problems(): readonly string[] {
    return this.#rest.problems;
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#head.length === 0) return this.#rest.read(into);
    const length = Math.min(into.length, this.#head.length);
    into.set(this.#head.subarray(0, length));
    this.#head = this.#head.subarray(length);
    return length;
  }

  close(): void {
    this.#rest.close();
  }
}

/** Fills `into` as far as the source reaches. */
export async function readFully(source: ByteSource, into: Uint8Array): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const got = await source.read(into.subarray(length));
    if (got === 0) break;
    length += got;
  }
  return length;
}
