import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob, matchesGlobPath } from './glob.ts';

describe('matchesGlob', () => {
  it.each([
    ['*', 'abc', true],
    ['*', '.abc', false],
    ['.*', '.abc', true],
    ['a*c*e', 'abcde', true],
    ['a*c*e', 'abcdf', false],
    ['?', '\u{1f600}', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]]', ']', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['*.conf', 'a.conf~', false],
    ['', '', true],
    ['[a-]', '-', true],
  ])('%s on %s', (pattern, name, expected) => {
    expect(matchesGlob(pattern, name)).toBe(expected);
  });

  it('agrees with a plain definition on stars and question marks', () => {
    const pattern = fc.array(fc.constantFrom('*', '?', 'a', 'b'), { maxLength: 8 }).map(parts => parts.join(''));
    const name = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map(parts => parts.join(''));
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u').test(text);
        expect(matchesGlob(glob, text)).toBe(expected);
      }),
    );
  });

  it('compares paths part by part', () => {
    expect(matchesGlobPath('/etc/*/x.conf', '/etc/nginx/x.conf')).toBe(true);
    expect(matchesGlobPath('/etc/*', '/etc/nginx/x.conf')).toBe(false);
  });
});
