import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TextChange } from '../model/nginx-edits.ts';
import { withoutOverlaps } from './overlaps.ts';

const change = (start: number, end: number, text = 'x', path = '/a'): TextChange => ({ path, start, end, text });

it('leaves out a fix of which one change meets another, whole', () => {
  expect(withoutOverlaps([[change(0, 4)], [change(3, 5), change(8, 9)], [change(4, 5)], [change(3, 5, 'x', '/b')]])).toEqual([
    change(0, 4),
    change(4, 5),
    change(3, 5, 'x', '/b'),
  ]);
});

it('takes the same change once, and insertions at one place together', () => {
  expect(withoutOverlaps([[change(2, 2, 'a')], [change(2, 2, 'b'), change(5, 6)], [change(5, 6), change(7, 8)], [change(1, 3)]])).toEqual([
    change(2, 2, 'a'),
    change(2, 2, 'b'),
    change(5, 6),
    change(7, 8),
  ]);
});

it('takes what comparing each with all others takes', () => {
  const isSame = (a: TextChange, b: TextChange): boolean => JSON.stringify(a) === JSON.stringify(b);
  const meets = (a: TextChange, b: TextChange): boolean => a.path === b.path && !(a.start === a.end && b.start === b.end) && a.start < b.end && b.start < a.end;
  const compared = (fixes: readonly (readonly TextChange[])[]): readonly TextChange[] => {
    const taken: TextChange[] = [];
    for (const changes of fixes) {
      const fresh = changes.filter(one => !taken.some(other => isSame(other, one)));
      if (fresh.every(one => !taken.some(other => meets(other, one)))) taken.push(...fresh);
    }
    return taken;
  };
  const some = fc
    .record({ start: fc.nat({ max: 30 }), length: fc.nat({ max: 5 }), text: fc.constantFrom('x', 'y'), path: fc.constantFrom('/a', '/b') })
    .map(({ start, length, text, path }) => change(start, start + length, text, path));
  // The changes of one fix never meet each other.
  const fix = fc.array(some, { maxLength: 3 }).filter(changes => changes.every((one, at) => changes.slice(0, at).every(other => !meets(one, other))));
  fc.assert(
    fc.property(fc.array(fix, { maxLength: 30 }), fixes => {
      expect(withoutOverlaps(fixes)).toEqual(compared(fixes));
    }),
  );
});
