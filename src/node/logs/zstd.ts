/**
 * zstd (RFC 8878): by node:zlib where it is there (Node 22.15), else by fzstd. Neither tells data that breaks off from data that ends,
 * so the frames are walked beside them: each says how long its blocks are.
 */
import { inflatedZstd, whenDamaged } from './inflate.ts';
import type { ByteSource } from './source.ts';

// As the zstd program and node:zlib have it. A file that asks for more is made to fill memory.
const widestWindow = 1 << 27;
// fzstd makes of each four bytes a block of 128 KiB at most.
const pieceSize = 2048;

export async function unzstd(inner: ByteSource, useNode = true): Promise<ByteSource> {
  const watched = new WatchedSource(inner);
  const byNode = useNode ? inflatedZstd(watched) : undefined;
  if (byNode !== undefined) return new CheckedSource(byNode, watched);
  const { Decompress } = await import('fzstd');
  const chunks: Uint8Array[] = [];
  const decompress = new Decompress(chunk => {
    // It uses its memory again.
    if (chunk.length > 0) chunks.push(chunk.slice());
  });
  return new CheckedSource(new PushedSource(watched, chunks, (piece, isLast) => void decompress.push(piece, isLast)), watched);
}

/** Adds to a source's problems what its frames tell at the end. */
class CheckedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #watched: WatchedSource;
  readonly #problems: string[] = [];
  #given = 0;

  constructor(source: ByteSource, watched: WatchedSource) {
    this.#source = source;
    this.#watched = watched;
  }

  get consumed(): number {
    return this.#watched.consumed;
  }

  get problems(): readonly string[] {
    return [...this.#source.problems, ...this.#problems];
  }

  read(into: Uint8Array): number | Promise<number> {
    const got = this.#source.read(into);
    return typeof got === 'number' ? this.#check(got) : got.then(length => this.#check(length));
  }

  close(): void {
    this.#source.close();
  }

  #check(length: number): number {
    this.#given += length;
    if (length === 0 && this.problems.length === 0) {
      const { frames } = this.#watched;
      if (frames.refused !== undefined) this.#problems.push(whenDamaged(frames.refused, this.#given));
      else if (!frames.isWhole) this.#problems.push(whenDamaged('unexpected end', this.#given));
    }
    return length;
  }
}

/** Looks at what a decompressor is given, and ends it before a frame that is refused. */
class WatchedSource implements ByteSource {
  readonly frames = new ZstdFrames();
  readonly #inner: ByteSource;

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return this.#inner.problems;
  }

  read(into: Uint8Array): number | Promise<number> {
    const got = this.#inner.read(into);
    return typeof got === 'number' ? this.#look(into, got) : got.then(length => this.#look(into, length));
  }

  close(): void {
    this.#inner.close();
  }

  #look(into: Uint8Array, length: number): number {
    if (this.frames.refused === undefined) this.frames.push(into.subarray(0, length));
    return this.frames.refused === undefined ? length : 0;
  }
}

/** A decompressor that is given pieces and hands out chunks. */
class PushedSource implements ByteSource {
  readonly #inner: ByteSource;
  readonly #chunks: Uint8Array[];
  readonly #push: (piece: Uint8Array, isLast: boolean) => void;
  readonly #problems: string[] = [];
  #at = 0;
  #given = 0;
  #isEnd = false;

  constructor(inner: ByteSource, chunks: Uint8Array[], push: (piece: Uint8Array, isLast: boolean) => void) {
    this.#inner = inner;
    this.#chunks = chunks;
    this.#push = push;
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return [...this.#inner.problems, ...this.#problems];
  }

  read(into: Uint8Array): number | Promise<number> {
    for (;;) {
      const [chunk] = this.#chunks;
      if (chunk !== undefined) return this.#give(chunk, into);
      if (this.#isEnd) return 0;
      const piece = new Uint8Array(pieceSize);
      const got = this.#inner.read(piece);
      if (typeof got !== 'number') {
        return got.then(length => {
          this.#take(piece, length);
          return this.read(into);
        });
      }
      this.#take(piece, got);
    }
  }

  close(): void {
    this.#isEnd = true;
    this.#chunks.length = 0;
    this.#inner.close();
  }

  #take(piece: Uint8Array, length: number): void {
    this.#isEnd = length === 0;
    try {
      this.#push(piece.subarray(0, length), this.#isEnd);
    } catch (error) {
      // That it breaks off is known from its frames.
      if (!this.#isEnd) this.#problems.push(whenDamaged(error instanceof Error ? error.message : String(error), this.#given));
      this.#isEnd = true;
    }
  }

  #give(chunk: Uint8Array, into: Uint8Array): number {
    const length = Math.min(into.length, chunk.length - this.#at);
    into.set(chunk.subarray(this.#at, this.#at + length));
    this.#at += length;
    this.#given += length;
    if (this.#at === chunk.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    return length;
  }
}

type FramePart = 'magic' | 'descriptor' | 'frame' | 'block' | 'checksum' | 'skippable';

/** Follows frames and their blocks without taking them apart. */
export class ZstdFrames {
  /** What is not read: why. */
  refused: string | undefined;
  #part: FramePart = 'magic';
  readonly #bytes = new Uint8Array(16);
  #have = 0;
  #need = 4;
  #skip = 0;
  #descriptor = 0;

  /** What came so far ends where a frame does. */
  get isWhole(): boolean {
    return this.#part === 'magic' && this.#have === 0 && this.#skip === 0;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.refused === undefined;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#bytes[this.#have] = bytes[at] ?? 0;
      this.#have += 1;
      at += 1;
      if (this.#have === this.#need) this.#next();
    }
  }

  #next(): void {
    const value = this.#number(this.#need);
    switch (this.#part) {
      case 'magic':
        if (value === 0xfd2fb528) this.#expect('descriptor', 1);
        else if ((value & 0xfffffff0) >>> 0 === 0x184d2a50) this.#expect('skippable', 4);
        else this.refused = 'no frame follows';
        return;
      case 'skippable':
        this.#expect('magic', 4);
        this.#skip = value;
        return;
      case 'descriptor': {
        this.#descriptor = value;
        const isSingle = (value & 0x20) !== 0;
        const sizeLength = [isSingle ? 1 : 0, 2, 4, 8][value >> 6] ?? 0;
        const rest = (isSingle ? 0 : 1) + ([0, 1, 2, 4][value & 3] ?? 0) + sizeLength;
        this.#expect('frame', rest);
        return;
      }
      case 'frame':
        if ((this.#descriptor & 0x20) === 0) {
          const window = this.#bytes[0] ?? 0;
          const base = 2 ** (10 + (window >> 3));
          if (base + (base / 8) * (window & 7) > widestWindow) this.refused = 'it needs more than 128 MiB of memory';
        }
        this.#expect('block', 3);
        return;
      case 'block': {
        const kind = (value >> 1) & 3;
        const isLast = (value & 1) !== 0;
        if (!isLast) this.#expect('block', 3);
        else this.#expect((this.#descriptor & 4) === 0 ? 'magic' : 'checksum', 4);
        this.#skip = kind === 1 ? 1 : value >> 3;
        return;
      }
      case 'checksum':
        this.#expect('magic', 4);
    }
  }

  #expect(part: FramePart, length: number): void {
    this.#part = part;
    this.#need = length;
    this.#have = 0;
  }

  #number(length: number): number {
    let value = 0;
    for (let at = Math.min(length, 4) - 1; at >= 0; at -= 1) value = value * 256 + (this.#bytes[at] ?? 0);
    return value;
  }
}
