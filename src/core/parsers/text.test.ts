import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeLeniently, decodeUtf8, linesOf, wholeNumber, wordsOf } from './text.ts';

it('decodes what a TextEncoder encodes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(decodeUtf8(new TextEncoder().encode(text))).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)));
    }),
  );
});

it('turns bytes that are no UTF-8 into replacement characters and never throws', () => {
  expect(decodeUtf8(Uint8Array.of(0x61, 0xff, 0x62, 0xc3, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0x80))).toMatch(/^a\u{fffd}b\u{fffd}€\u{fffd}{3}$/u);
  fc.assert(fc.property(fc.uint8Array(), bytes => decodeUtf8(bytes).length <= bytes.length));
});

it('reads long texts as it reads short ones, valid or not', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'binary' }).map(text => new TextEncoder().encode(text)),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(pieces, parts => {
      const bytes = Uint8Array.from(parts.flatMap(part => [...part]));
      expect(decodeUtf8(bytes)).toBe(decodeLeniently(bytes));
    }),
  );
});

it('decodes long texts', () => {
  const text = 'é€😀 '.repeat(20_000);
  expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
});

it('splits lines with either end and without a last one', () => {
  expect([...linesOf('a\r\n\nb')]).toEqual(['a', '', 'b']);
  expect([...linesOf('a\nb\nc', 2)]).toEqual(['a', 'b']);
});

it('splits words and reads whole numbers alone', () => {
  expect(wordsOf('  a \t bc ')).toEqual(['a', 'bc']);
  expect(wordsOf('a b c', 2)).toEqual(['a', 'b']);
  expect([wholeNumber('12'), wholeNumber('-1'), wholeNumber('1.5'), wholeNumber(''), wholeNumber('9'.repeat(20))]).toEqual([
    12,
    -1,
    undefined,
    undefined,
    undefined,
  ]);
});
