import type { Compression } from './compression.ts';
import type { ByteSource } from './source.ts';

/** What any log may come to, however small it was: logs shrink to a tenth, those of health checks to a hundredth. */
const alwaysBytes = 256 * 1024 * 1024;
/** Beyond that, how many times its compressed size a log may have. */
const mostTimes = 300;

/** The text of a compressed log. What makes of little more than any log would is broken off, and told. */
export async function uncompressed(inner: ByteSource, compression: Compression, always = alwaysBytes): Promise<ByteSource> {
  return new BoundedSource(await sourceOf(inner, compression), always);
}

/** Each is loaded by the first log that needs it: most logs that are looked at are plain. */
async function sourceOf(inner: ByteSource, compression: Compression): Promise<ByteSource> {
  switch (compression) {
    case 'gzip':
      return (await import('./inflate.ts')).inflatedGzip(inner);
    case 'zstd':
      return await (await import('./zstd.ts')).unzstd(inner);
    case 'bzip2':
      return new (await import('./bzip2.ts')).Bzip2Source(inner);
    case 'xz':
      return new (await import('./xz.ts')).XzSource(inner);
  }
}

class BoundedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #always: number;
  readonly #problems: string[] = [];
  #given = 0;

  constructor(source: ByteSource, always: number) {
    this.#source = source;
    this.#always = always;
  }

  get consumed(): number {
    return this.#source.consumed;
  }

  get problems(): readonly string[] {
    return [...this.#source.problems, ...this.#problems];
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#problems.length > 0) return 0;
    const got = this.#source.read(into);
    return typeof got === 'number' ? this.#count(got) : got.then(length => this.#count(length));
  }

  close(): void {
    this.#source.close();
  }

  #count(length: number): number {
    this.#given += length;
    if (this.#given > this.#always && this.#given > this.consumed * mostTimes) {
      this.#problems.push(`it becomes more than ${mostTimes} times as large as it is compressed, as no log does; the first ${this.#given} bytes were read`);
    }
    return length;
  }
}
