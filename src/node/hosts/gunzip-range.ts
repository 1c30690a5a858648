import { constants, createGunzip } from 'node:zlib';
import { known, unparsable, type Known } from '../../core/model/fact.ts';
import type { ReadResult } from '../../core/model/host.ts';

// Decompressed bytes that are gone through at most: a small archive can hold terabytes.
const maxThrough = 1024 * 1024 * 1024;

/**
 * A range of the decompressed bytes of a gzip file (several members too). `readAt` gives the next compressed
 * bytes from a position, none at the end. A cut or damaged archive gives what was readable and says so.
 */
export async function gunzipRange(
  path: string,
  readAt: (position: number) => Promise<Uint8Array>,
  size: number,
  offset: number,
  limit: number,
): Promise<Known<ReadResult>> {
  const window = new Window(offset, limit);
  const unzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  const problems: string[] = [];
  let isEnd = false;
  const feed = async function* (): AsyncGenerator<Uint8Array> {
    for (let position = 0; ;) {
      const chunk = await readAt(position);
      if (chunk.length === 0) return;
      position += chunk.length;
      yield chunk;
    }
  };
  const feeding = (async (): Promise<void> => {
    try {
      for await (const chunk of feed()) {
        if (unzip.destroyed) return;
        if (!unzip.write(chunk)) await new Promise<void>(resolve => unzip.once('drain', resolve).once('close', resolve));
      }
      unzip.end();
    } catch (error) {
      unzip.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) {
      window.push(chunk);
      if (window.isFull) break;
      if (window.through > maxThrough) {
        problems.push(`${path}: read no further than ${maxThrough} decompressed bytes`);
        break;
      }
    }
    isEnd = !window.isFull && problems.length === 0;
  } catch {
    if (window.through === 0) return unparsable(`${path} is not a gzip archive`);
    problems.push(`${path}: the archive is damaged after ${window.through} decompressed bytes`);
  } finally {
    unzip.destroy();
    await feeding;
  }
  return known({ bytes: window.bytes(), size, atEnd: isEnd && !window.isCut }, problems);
}

/** Keeps the wanted range of a stream: from an offset, or the last bytes of it. */
class Window {
  through = 0;
  private readonly parts: Buffer[] = [];
  private kept = 0;
  private readonly offset: number;
  private readonly limit: number;

  constructor(offset: number, limit: number) {
    this.offset = offset;
    this.limit = limit;
  }

  /** One byte more than wanted was seen: the range is whole and not the end. */
  get isFull(): boolean {
    return this.offset >= 0 && this.through > this.offset + this.limit;
  }

  /** The range starts so near to the end that `limit` cuts it short of that. */
  get isCut(): boolean {
    return this.offset < 0 && Math.min(-this.offset, this.through) > this.limit;
  }

  push(chunk: Buffer): void {
    const start = this.through;
    this.through += chunk.length;
    if (this.offset < 0) {
      this.parts.push(chunk);
      this.kept += chunk.length;
      for (let first = this.parts[0]; first !== undefined && this.kept - first.length >= -this.offset; first = this.parts[0]) {
        this.parts.shift();
        this.kept -= first.length;
      }
      return;
    }
    const from = Math.max(0, this.offset - start);
    const to = Math.min(chunk.length, this.offset + this.limit - start);
    if (to > from) this.parts.push(chunk.subarray(from, to));
  }

  bytes(): Uint8Array {
    const all = Buffer.concat(this.parts);
    if (this.offset >= 0) return all;
    const tail = all.subarray(Math.max(0, all.length + this.offset));
    return tail.subarray(0, this.limit);
  }
}
