import { Duplex } from 'node:stream';
import type { ByteStream, ChunkResult } from '../../core/model/host.ts';
import type { Deadline, Received } from './exchange.ts';

const maxSeenBytes = 64 * 1024;

/** A ByteStream as a Node stream, which keeps the first bytes that came and why no more did. */
export class StreamDuplex extends Duplex {
  private readonly stream: ByteStream;
  private readonly deadline: Deadline;
  private readonly seen: Buffer[] = [];
  private seenBytes = 0;
  private ended: Received['ended'] = 'enough';

  constructor(stream: ByteStream, deadline: Deadline) {
    super({ allowHalfOpen: true });
    this.stream = stream;
    this.deadline = deadline;
  }

  /** What came over the wire so far. */
  get received(): Received {
    return { bytes: Buffer.concat(this.seen), ended: this.ended };
  }

  override _read(): void {
    void this.stream.read(this.deadline.leftMs).then(chunk => this.arrive(chunk));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.stream.write(chunk);
    done();
  }

  override _final(done: () => void): void {
    done();
  }

  private arrive(chunk: ChunkResult): void {
    if (this.destroyed) return;
    switch (chunk.state) {
      case 'data': {
        const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
        if (this.seenBytes < maxSeenBytes) this.seen.push(bytes);
        this.seenBytes += bytes.length;
        this.push(bytes);
        return;
      }
      case 'end':
        this.ended = 'end';
        this.push(null);
        return;
      case 'error':
        this.ended = 'reset';
        this.destroy(Object.assign(new Error(chunk.code), { code: chunk.code }));
        return;
      case 'timeout':
        // The probe watches the deadline itself and ends the connection.
        this.ended = 'timeout';
        return;
    }
  }
}

/** A Node stream as a ByteStream: the inside of a TLS connection. */
export function byteStreamOf(inner: Duplex): ByteStream {
  const chunks: Uint8Array[] = [];
  let final: ChunkResult | undefined;
  let wake: (() => void) | undefined;
  const finish = (result: ChunkResult): void => {
    final ??= result;
    wake?.();
  };
  inner.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    wake?.();
  });
  inner.on('end', () => finish({ state: 'end' }));
  inner.on('close', () => finish({ state: 'end' }));
  inner.on('error', (error: NodeJS.ErrnoException) => finish({ state: 'error', code: error.code ?? error.message }));
  const take = (): ChunkResult | undefined => {
    const bytes = chunks.shift();
    return bytes === undefined ? final : { state: 'data', bytes };
  };
  return {
    write: bytes => {
      if (!inner.destroyed && inner.writable) inner.write(bytes);
    },
    read: async timeoutMs => {
      const ready = take();
      if (ready !== undefined) return ready;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
      return take() ?? { state: 'timeout' };
    },
    close: () => {
      inner.destroy();
    },
  };
}
