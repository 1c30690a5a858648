import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineIndex } from './line-index.ts';

it('counts lines', () => {
  const index = new LineIndex('one\ntwo\n\nfour');
  expect([0, 3, 4, 7, 8, 9, 13, 99].map(at => index.lineOf(at))).toEqual([1, 1, 2, 2, 3, 4, 4, 4]);
  expect(new LineIndex('').lineOf(0)).toBe(1);
});

it('goes up until the lines stand there once', () => {
  const index = new LineIndex('server {\n    listen 80;\n    a;\n}\nserver {\n  listen 80;\n    b;\n}\n');
  expect(index.uniqueFrom(3)).toBe(3);
  expect(index.uniqueFrom(1)).toBe(1);
  // Both "listen 80;" stand below "server {", and only the second of these below "}".
  expect(index.uniqueFrom(6)).toBe(4);
});

it('goes up no further than twenty lines', () => {
  const index = new LineIndex('same\n'.repeat(100));
  expect(index.uniqueFrom(60)).toBe(40);
  expect(index.uniqueFrom(5)).toBe(1);
});

it('finds what comparing every line with every other finds', () => {
  const line = fc.constantFrom('a', 'b', ' a', '');
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), fc.nat(), (lines, at) => {
      const own = (at % lines.length) + 1;
      const index = new LineIndex(lines.join('\n'));
      const trimmed = lines.map(text => text.trim());
      const isOnce = (from: number): boolean =>
        trimmed.every((_, end) => end === own - 1 || Array.from({ length: own - from + 1 }, (__, n) => n).some(n => trimmed[end - n] !== trimmed[own - 1 - n]));
      let from = own;
      while (from > 1 && own - from < 20 && !isOnce(from)) from--;
      expect(index.uniqueFrom(own)).toBe(from);
    }),
  );
});
