import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, shellLine, textWidth } from './text.ts';

/** Text made of what attackers use, between what anybody writes. */
const hostileText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001B[2J',
      '\u009B31m',
      '\u202E',
      '\u2066',
      '\u200B',
      '\u200D',
      '\uFEFF',
      '\n',
      '\r',
      '\t',
      '\u0007',
      '\u007F',
      '\uD800',
      '\u{E0041}',
      '\u0301',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  ),
  maxLength: 60,
});

describe('escaping', () => {
  it.each([
    ['a line break', 'a\nb\r', String.raw`a\nb\r`],
    ['a colour', '\u001B[31mred', String.raw`\x1b[31mred`],
    ['a C1 control', '\u009B31m', String.raw`\x9b31m`],
    ['a bidi override', 'a\u202Eb', String.raw`a\u202eb`],
    ['a zero-width space', 'a\u200Bb', String.raw`a\u200bb`],
    ['a tag character', '\u{E0041}', String.raw`\u{e0041}`],
    ['half a surrogate pair', '\uD800', String.raw`\ud800`],
    ['marks that pile up', 'Z\u0301\u0302\u0303', `Z\u0301\u0302${String.raw`\u0303`}`],
  ])('writes out %s', (_, text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it.each(['/srv/größe/日本語', 'plain', '🔥', 'a\\nb', 'na\u0308ive'])('leaves %s alone', text => {
    expect(escapeText(text)).toBe(text);
  });

  it('leaves nothing that a terminal acts on', () => {
    fc.assert(
      fc.property(hostileText, text => {
        expect(escapeText(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\u{E0000}-\u{E0FFF}]/u);
        expect(escapeText(text, true)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});

describe('width', () => {
  it.each([
    ['abc', 3],
    ['日本語', 6],
    ['🔥', 2],
    ['e\u0301', 1],
    ['✗ →', 3],
    ['ｆｕｌｌ', 8],
  ])('of %s is %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

describe('a command to copy', () => {
  it('is left bare where nothing needs quotes', () => {
    expect(shellLine(['systemctl', 'reload', 'php8.2-fpm.service'])).toBe('systemctl reload php8.2-fpm.service');
  });

  it('gives bash the same words back, whatever they hold', () => {
    const word = hostileText.map(text => text.replaceAll(/[\0\p{Cs}]/gu, ''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), fc.boolean(), (words, ascii) => {
        const line = shellLine(words, ascii);
        expect(escapeText(line, ascii)).toBe(line);
        const back = execFileSync('bash', ['--norc', '-c', `printf '%s\\0' ${line}`], { env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' } }).toString();
        expect(back.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 40 },
    );
  });
});
