import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineHash } from './line-hash.ts';

const hashOfBytes = (bytes: Uint8Array, from: number, to: number) => lineHash(new DataView(bytes.buffer, bytes.byteOffset), from, to);
const hashOf = (text: string) => hashOfBytes(Buffer.from(text), 0, Buffer.byteLength(text));

describe('lineHash', () => {
  it('stays what it is, so that roll-ups of different versions add up', () => {
    expect([hashOf(''), hashOf('a'), hashOf('x'.repeat(300)), hashOf('10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 502 157')])
      .toMatchInlineSnapshot(`
        [
          0,
          621071794,
          3569426089,
          3054947326,
        ]
      `);
  });

  it('depends on the bytes of the line alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (line, before, after) => {
        const inside = new Uint8Array([...before, ...line, ...after]);
        expect(hashOfBytes(inside, before.length, before.length + line.length)).toBe(hashOfBytes(line, 0, line.length));
      }),
    );
  });

  it('tells zeros at the end from no bytes', () => {
    expect(new Set([0, 1, 2, 3, 4, 15, 16, 17].map(length => hashOfBytes(new Uint8Array(20), 0, length))).size).toBe(8);
  });

  it('spreads lines that differ in little evenly, and gives hardly two the same', () => {
    const hashes = Array.from({ length: 100_000 }, (_, index) =>
      hashOf(`10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] "GET /item/${index} HTTP/1.1" 502 157 ${index % 7}`),
    );
    expect(new Set(hashes).size).toBeGreaterThan(99_990);
    for (const part of [2, 16, 1024]) {
      const below = hashes.filter(hash => hash < 2 ** 32 / part).length;
      expect(Math.abs(below - 100_000 / part)).toBeLessThan(5 * Math.sqrt(100_000 / part));
    }
  });
});
