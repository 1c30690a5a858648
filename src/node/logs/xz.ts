/** xz (The .xz File Format 1.2.1), any number of streams with zeros between them, by xz-decompress: xz-embedded as WebAssembly. */
import { ReadableStream } from 'node:stream/web';
import { whenDamaged } from './inflate.ts';
import { ChunkSource, type ByteSource } from './source.ts';

const pieceSize = 65_536;

export class XzSource extends ChunkSource {
  readonly #inner: ByteSource;

  constructor(inner: ByteSource) {
    const state = { given: 0, isEnd: false };
    super(uncompressed(inner, state), error => {
      // The package calls it an error of the data when it breaks off.
      const message = state.isEnd ? 'unexpected end' : error instanceof Error ? error.message : 'not understood';
      return whenDamaged(message, state.given);
    });
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

async function* uncompressed(inner: ByteSource, state: { given: number; isEnd: boolean }): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  const source = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = new Uint8Array(pieceSize);
        const length = await inner.read(piece);
        state.isEnd = length === 0;
        if (state.isEnd) controller.close();
        else controller.enqueue(piece.subarray(0, length));
      },
    },
    // Not ahead, so that what is damaged is not taken for what breaks off.
    { highWaterMark: 0 },
  );
  const reader = new xz.XzReadableStream(source).getReader();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      state.given += chunk.value.length;
      if (chunk.value.length > 0) yield chunk.value;
    }
  } finally {
    // It holds its memory until then, and lets one file be read at a time.
    await reader.cancel().catch(() => undefined);
  }
}
