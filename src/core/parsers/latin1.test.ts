import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesFromLatin1, latin1FromBytes, latin1FromText, textFromLatin1 } from './latin1.ts';

describe('latin1', () => {
  it('gives every byte back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), bytes => {
        expect(bytesFromLatin1(latin1FromBytes(bytes))).toEqual(bytes);
      }),
    );
  });

  it('encodes text as Node does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(latin1FromText(text)).toBe(Buffer.from(text, 'utf8').toString('latin1'));
      }),
    );
  });

  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
        expect(textFromLatin1(latin1FromText(wellFormed))).toBe(wellFormed);
      }),
    );
  });

  it.each([
    ['\u00e9', '\ufffd'],
    ['\u00c3', '\ufffd'],
    ['\u00c0\u00af', '\ufffd\ufffd'],
    ['\u00ed\u00a0\u0080', '\ufffd\ufffd\ufffd'],
    ['a\u00ffb', 'a\ufffdb'],
  ])('replaces what is not UTF-8: %j', (bytes, text) => {
    expect(textFromLatin1(bytes)).toBe(text);
  });
});
