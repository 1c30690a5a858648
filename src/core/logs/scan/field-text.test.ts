import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldText, type Escapes } from './field-text.ts';
import { encodeUtf8 } from './text.ts';

const of = (escapes: Escapes, text: string) => fieldText(encodeUtf8(text), escapes);

describe('the text of a field', () => {
  it('is read as its log writes it', () => {
    expect(of('hex', String.raw`a\x22b\xC3\xA9\n\"`)).toBe(String.raw`a"bé\n\"`);
    expect(of('backslash', String.raw`a\"b\\x\xc3\xa9\n\x2`)).toBe('a"b\\xé\n\\x2');
    expect(of('json', String.raw`\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\x22\u00`)).toBe('"\\/\b\f\n\r\té😀\\x22\\u00');
  });

  it('may be anything', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom<Escapes>('hex', 'backslash', 'json'), (bytes, escapes) => {
        const text = fieldText(bytes, escapes);
        if (!bytes.includes(0x5c)) expect(text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
      }),
    );
  });
});
