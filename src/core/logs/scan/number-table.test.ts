import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberTable } from './number-table.ts';

const keys = fc.oneof(fc.nat(20), fc.nat(2 ** 31 - 1), fc.maxSafeInteger().map(Math.abs));
const entries = fc.array(fc.tuple(keys, fc.nat(1000)), { maxLength: 200 });

const tableOf = (all: readonly (readonly [number, number])[]) => {
  const table = new NumberTable();
  const news = all.filter(([key, value]) => table.add(key, value)).length;
  expect(news).toBe(table.size);
  return table;
};
const mapOf = (all: readonly (readonly [number, number])[]) => {
  const map = new Map<number, number>();
  for (const [key, value] of all) map.set(key, (map.get(key) ?? 0) + value);
  return map;
};
const listOf = (table: NumberTable) => [...table.sortedKeys()].map(key => [key, table.get(key)]);
const sorted = (map: ReadonlyMap<number, number>) => [...map].sort((a, b) => a[0] - b[0]);

describe('a table of numbers', () => {
  it('sums as a map does', () => {
    fc.assert(
      fc.property(entries, keys, (all, other) => {
        const table = tableOf(all);
        expect(listOf(table)).toEqual(sorted(mapOf(all)));
        expect(table.get(other)).toBe(mapOf(all).get(other) ?? 0);
      }),
    );
  });

  it('adds what is renamed to the same', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 9 }), (all, divisor) => {
        const table = tableOf(all);
        table.rename(key => Math.floor(key / divisor));
        expect(listOf(table)).toEqual(sorted(mapOf(all.map(([key, value]) => [Math.floor(key / divisor), value]))));
      }),
    );
  });

  it('goes no higher than what is exact', () => {
    const table = tableOf([
      [1, Number.MAX_SAFE_INTEGER],
      [1, 5],
    ]);
    expect(table.get(1)).toBe(Number.MAX_SAFE_INTEGER);
  });
});
