import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bzip2Source } from './bzip2.ts';
import { compressionOf, type Compression } from './compression.ts';
import { chunksOf, inflatedGzip } from './inflate.ts';
import { ChunkSource, type ByteSource } from './source.ts';
import { uncompressed } from './uncompress.ts';
import { unzstd } from './zstd.ts';

const programs: Readonly<Record<Compression, readonly string[]>> = {
  gzip: ['gzip', '-c'],
  zstd: ['zstd', '-q', '-c'],
  bzip2: ['bzip2', '-c'],
  xz: ['xz', '-0', '-c'],
};
const kinds = Object.keys(programs) as Compression[];

function compress(kind: Compression, text: Uint8Array | string, ...options: string[]): Uint8Array {
  const [program = '', ...args] = programs[kind];
  return execFileSync(program, [...args, ...options], { input: text, maxBuffer: 1 << 30 });
}

/** A source as a file is: everything at once, never a promise; or as a pipe is: in pieces, later. */
function sourceOf(bytes: Uint8Array, isPipe = false, piece = 1000): ByteSource {
  if (isPipe) {
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += piece) yield Promise.resolve(bytes.subarray(at, at + piece));
    };
    return new ChunkSource(pieces());
  }
  let at = 0;
  return {
    problems: [],
    get consumed() {
      return at;
    },
    read(into) {
      const length = Math.min(into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + length));
      at += length;
      return length;
    },
    close: () => undefined,
  };
}

async function textOf(source: ByteSource, size?: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(source, size)) chunks.push(chunk);
  source.close();
  return Buffer.concat(chunks).toString('latin1');
}

let seed = 1;
const random = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};
const line = (number: number): string => `${number} 10.0.${Math.floor(random() * 256)}.7 "GET /item/${Math.floor(random() * 1e6)}" 502 aaaaaaaaaaaaaaaaaaaaa\n`;
const log = Array.from({ length: 30_000 }, (_, number) => line(number)).join('');

// node:zlib's own streams and fzstd, which other versions of Node need, do as well.
const otherWays: readonly (readonly [string, Compression, (inner: ByteSource) => ByteSource | Promise<ByteSource>])[] = [
  ...kinds.map(kind => [kind, kind, (inner: ByteSource) => uncompressed(inner, kind)] as const),
  ['gzip by a stream', 'gzip', inner => inflatedGzip(inner, false)],
  ['zstd by fzstd', 'zstd', inner => unzstd(inner, false)],
];

describe.each(otherWays)('%s', (name, kind, open) => {
  const whole = compress(kind, log);

  it('gives back what was compressed, from a file and from a pipe, in pieces of any size', async () => {
    expect(compressionOf(whole)).toBe(kind);
    for (const isPipe of [false, true]) {
      for (const size of [100_000, 777]) {
        const source = await open(sourceOf(whole, isPipe));
        expect((await textOf(source, size)) === log).toBe(true);
        expect(source.problems).toEqual([]);
        expect(source.consumed).toBe(whole.length);
      }
    }
  });

  it('reads several streams behind each other, wherever the border lies in what is read', async () => {
    const parts = ['one\n', '', log.slice(0, 70_000), 'two\n'];
    const joined = Buffer.concat(parts.map(part => compress(kind, part)));
    for (const piece of [1, 13, 65_536]) {
      const source = await open(sourceOf(joined, true, piece));
      expect((await textOf(source)) === parts.join('')).toBe(true);
      expect(source.problems).toEqual([]);
    }
  });

  it('gives what there is of data that breaks off, and tells it', async () => {
    const source = await open(sourceOf(whole.subarray(0, Math.floor(whole.length * 0.8))));
    const text = await textOf(source);
    expect(log.startsWith(text)).toBe(true);
    // A block of bzip2 is as large as a third of this log.
    expect(text.length).toBeGreaterThan(log.length * (kind === 'bzip2' ? 0.4 : 0.7));
    expect(source.problems).toEqual([expect.stringMatching(/breaks off after \d+ bytes/)]);
  });

  it('gives what comes before damage, and tells it', async () => {
    const damaged = Uint8Array.from(whole);
    const at = Math.floor(whole.length * 0.8);
    damaged.fill(0xff, at, at + 3000);
    const source = await open(sourceOf(damaged));
    const text = await textOf(source);
    // fzstd passes checksums by.
    if (name !== 'zstd by fzstd') expect(source.problems).toEqual([expect.stringMatching(/damaged after|breaks off after/)]);
    expect(log.startsWith(text.slice(0, log.length * 0.3))).toBe(true);
    expect(text.length).toBeGreaterThan(log.length * 0.3);
  });

  it('never throws and always ends, whatever the bytes are', { timeout: 60_000 }, async () => {
    const start = whole.subarray(0, 3000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: start.length - 1 }), fc.nat({ max: 255 })), { maxLength: 20 }),
        fc.nat({ max: start.length }),
        async (changes, length) => {
          const bytes = Uint8Array.from(start);
          for (const [at, value] of changes) bytes[at] = value;
          const source = await open(sourceOf(bytes.subarray(0, length)));
          const text = await textOf(source);
          expect(text.length).toBeLessThan(10_000_000);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what is made to fill memory', () => {
  it('is broken off and told', async () => {
    const zeros = new Uint8Array(30_000_000);
    for (const kind of kinds) {
      const bomb = kind === 'gzip' ? gzipSync(zeros) : compress(kind, zeros);
      const source = await uncompressed(sourceOf(bomb), kind, 1_000_000);
      let length = 0;
      for await (const chunk of chunksOf(source)) length += chunk.length;
      expect(length).toBeLessThan(Math.max(1_000_000, bomb.length * 300) + 200_000);
      expect(source.problems).toEqual([expect.stringContaining('300 times')]);
      source.close();
    }
  });

  it('is not met where zstd asks for more memory than any log needs', async () => {
    const long = compress('zstd', log, '--long=30');
    const source = await uncompressed(sourceOf(Uint8Array.of(...long.subarray(0, 5), 0xa8, ...long.subarray(6, 2000))), 'zstd');
    await textOf(source);
    expect(source.problems.join()).toMatch(/128 MiB|breaks off/);
  });
});

describe('bzip2', () => {
  it('takes back runs and every byte, as bzip2 made them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: 255 }), fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 255, 259, 260, 600)), { maxLength: 40 }), async runs => {
        const text = Buffer.concat(runs.map(([value, length]) => Buffer.alloc(length, value)));
        const source = new Bzip2Source(sourceOf(compress('bzip2', text, '-1')));
        expect(await textOf(source)).toBe(text.toString('latin1'));
        expect(source.problems).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('tells a wrong checksum', async () => {
    const bytes = Uint8Array.from(compress('bzip2', log.slice(0, 5000)));
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    const source = new Bzip2Source(sourceOf(bytes));
    await textOf(source);
    expect(source.problems).toEqual([expect.stringContaining('a checksum is wrong')]);
  });
});
