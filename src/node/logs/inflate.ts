/**
 * gzip and zstd by node:zlib, straight into the buffer that is scanned. Node's streams give a new piece of memory with every
 * chunk, which takes longer than to inflate it: 0.4 GB/s against 0.7 GB/s (Node 24.21, 246 MB log). Their handle can write into
 * memory that is there (`writeSync`, as Node's own `gunzipSync` uses it); where a later Node has it no more, its streams are used.
 */
import { Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { ChunkSource, type ByteSource } from './source.ts';

/** The part of Node's compression handle that is used, alike in Node 20.11 to 24. */
interface Handle {
  writeSync(flush: number, input: Uint8Array, inputOffset: number, inputLength: number, output: Uint8Array, outputOffset: number, outputLength: number): void;
  onerror: (message: string, errno: number, code: string) => void;
  close(): void;
}

interface Inflater {
  readonly handle: Handle;
  /** After each write: the room that is left in the output, the bytes that are left of the input. */
  readonly state: Uint32Array;
  readonly goOn: number;
  readonly finish: number;
}

// Where data is damaged, all that came out of the same piece is lost; small pieces lose little (of 32 KiB: at 4 % of the speed).
const firstPieces = 512;
const firstBytes = 65_536;
const laterPieces = 32_768;

/** Any number of gzip members, one behind the other. */
export function inflatedGzip(inner: ByteSource, useHandle = true): ByteSource {
  const stream = zlib.createGunzip({ chunkSize: 262_144 });
  const inflater = useHandle ? inflaterOf(stream, 'gzip') : undefined;
  return inflater === undefined ? new StreamedSource(inner, stream) : new InflatedSource(inner, inflater);
}

/** Any number of zstd frames; `undefined` where this Node cannot (before 22.15). Data that breaks off looks like data that ends. */
export function inflatedZstd(inner: ByteSource): ByteSource | undefined {
  if (!('createZstdDecompress' in zlib)) return undefined;
  const inflater = inflaterOf(zlib.createZstdDecompress({ chunkSize: 65_536 }), 'zstd');
  return inflater === undefined ? undefined : new InflatedSource(inner, inflater);
}

function inflaterOf(stream: Transform, kind: 'gzip' | 'zstd'): Inflater | undefined {
  const { _handle: handle, _writeState: state } = stream as Transform & { _handle?: Partial<Handle>; _writeState?: unknown };
  if (handle === undefined || typeof handle.writeSync !== 'function' || typeof handle.close !== 'function') return undefined;
  if (!(state instanceof Uint32Array) || state.length !== 2) return undefined;
  const { constants } = zlib;
  const [goOn, finish] = kind === 'gzip' ? [constants.Z_NO_FLUSH, constants.Z_FINISH] : [constants.ZSTD_e_continue, constants.ZSTD_e_end];
  return { handle: handle as Handle, state, goOn, finish };
}

class InflatedSource implements ByteSource {
  readonly #inner: ByteSource;
  readonly #inflater: Inflater;
  readonly #problems: string[] = [];
  readonly #input = new Uint8Array(65_536);
  #at = 0;
  #left = 0;
  #taken = 0;
  #given = 0;
  #isInputEnd = false;
  #isEnd = false;
  /** Set by the handle while it writes. */
  #error: string | undefined;

  constructor(inner: ByteSource, inflater: Inflater) {
    this.#inner = inner;
    this.#inflater = inflater;
    const onerror: Handle['onerror'] = message => {
      this.#error = message;
    };
    Object.assign(inflater.handle, { onerror });
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return [...this.#inner.problems, ...this.#problems];
  }

  read(into: Uint8Array): number | Promise<number> {
    while (!this.#isEnd) {
      if (this.#left === 0 && !this.#isInputEnd) {
        const got = this.#inner.read(this.#input);
        if (typeof got !== 'number') return this.#readLater(got, into);
        this.#take(got);
      }
      const length = this.#inflate(into);
      if (length > 0) return length;
    }
    return 0;
  }

  close(): void {
    this.#isEnd = true;
    this.#inflater.handle.close();
    this.#inner.close();
  }

  async #readLater(waiting: Promise<number>, into: Uint8Array): Promise<number> {
    this.#take(await waiting);
    return this.read(into);
  }

  #take(length: number): void {
    this.#at = 0;
    this.#left = length;
    this.#isInputEnd = length === 0;
  }

  #inflate(into: Uint8Array): number {
    let length = 0;
    do {
      const piece = Math.min(this.#left, this.#taken < firstBytes ? firstPieces : laterPieces);
      const { handle, state, goOn, finish } = this.#inflater;
      handle.writeSync(this.#isInputEnd ? finish : goOn, this.#input, this.#at, piece, into, length, into.length - length);
      if (this.#error !== undefined) {
        this.#isEnd = true;
        this.#problems.push(whenDamaged(this.#error, this.#given + length));
        break;
      }
      const [room = 0, inputLeft = 0] = state;
      const used = piece - inputLeft;
      const came = into.length - length - room;
      this.#at += used;
      this.#left -= used;
      this.#taken += used;
      length += came;
      // Nothing came and nothing was taken: what is left behind the last member (zeros of a tape's block) is none of it.
      if (used === 0 && came === 0) this.#isEnd = true;
    } while (!this.#isEnd && this.#left > 0 && length < into.length);
    this.#given += length;
    return length;
  }
}

/** gzip by Node's own streams. */
class StreamedSource extends ChunkSource {
  readonly #inner: ByteSource;

  constructor(inner: ByteSource, stream: Transform) {
    let given = 0;
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      Readable.from(chunksOf(inner)).pipe(stream);
      // Node's own iterator throws away what waits to be read as soon as an error comes.
      const events = new EventQueue(stream);
      for (let event = await events.next(); event !== 'end'; event = await events.next()) {
        if (event instanceof Error) throw event;
        given += event.length;
        yield event;
      }
    };
    super(chunks(), error => whenDamaged(error instanceof Error ? error.message : String(error), given));
    this.#inner = inner;
  }

  override get consumed(): number {
    return this.#inner.consumed;
  }

  override close(): void {
    super.close();
    this.#inner.close();
  }
}

/** Chunks, then an error or the end, in the order in which they come. */
class EventQueue {
  readonly #stream: Transform;
  readonly #events: (Uint8Array | Error | 'end')[] = [];
  #wake: () => void = () => undefined;

  constructor(stream: Transform) {
    this.#stream = stream;
    const put = (event: Uint8Array | Error | 'end'): void => {
      this.#events.push(event);
      stream.pause();
      this.#wake();
    };
    stream.on('data', put);
    stream.on('error', put);
    stream.on('end', () => put('end'));
  }

  async next(): Promise<Uint8Array | Error | 'end'> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
        this.#stream.resume();
      });
    }
  }
}

/** What a source gives, in pieces of their own. */
export async function* chunksOf(source: ByteSource, size = 65_536): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(size);
    const length = await source.read(chunk);
    if (length === 0) return;
    yield chunk.subarray(0, length);
  }
}

/** What is told of compressed data that breaks off or is no longer such. */
export function whenDamaged(message: string, given: number): string {
  const after = `after ${given} bytes of log; what came before was read`;
  if (/unexpected end|premature|truncated|\bEOF\b/iu.test(message)) return `the compressed data breaks off ${after}`;
  return `the compressed data is damaged ${after} (${message})`;
}
