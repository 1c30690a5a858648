import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { countBefore, eventsOf, runningSums } from './events.ts';

const counts = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(), fc.constant(0.5), fc.constant(2 ** 40)), { maxLength: 40 });

it('holds each filled bin with what it holds, and no other', () => {
  fc.assert(
    fc.property(counts, list => {
      const { bins, filled, amounts } = eventsOf(Float64Array.from(list));
      expect(bins).toBe(list.length);
      const back = list.map(() => 0);
      for (const [index, bin] of filled.entries()) back[bin] = amounts[index] ?? 0;
      expect(back).toEqual(list);
    }),
  );
});

it('holds whole numbers in 32 bits where their sum has room there', () => {
  expect(eventsOf(Float64Array.of(0, 3, 2)).amounts).toEqual(Int32Array.of(3, 2));
  expect(eventsOf(Float64Array.of(2 ** 30, 2 ** 30)).amounts).toEqual(Float64Array.of(2 ** 30, 2 ** 30));
  expect(eventsOf(Float64Array.of(0.5, 0.5)).amounts).toEqual(Float64Array.of(0.5, 0.5));
});

it('finds how many places lie before one, and what is before it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 20 }), fc.nat(31), (list, place) => {
      const sorted = list.toSorted((a, b) => a - b);
      const before = sorted.filter(each => each < place);
      expect(countBefore(sorted, place)).toBe(before.length);
      expect(runningSums(sorted)[before.length]).toBe(before.reduce((sum, each) => sum + each, 0));
    }),
  );
});
