import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BucketRows } from './bucket-rows.ts';

const entries = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 60 }), fc.integer({ min: 1, max: 1e9 })), { maxLength: 200 });

function sumsOf(rows: BucketRows): readonly (readonly [number, number, number])[] {
  return [...rows.buckets()].flatMap(bucket => [...rows.row(bucket)].flatMap((value, column) => (value > 0 ? [[bucket, column, value] as const] : [])));
}

function expected(list: readonly (readonly [number, number, number])[]): readonly (readonly [number, number, number])[] {
  const sums = new Map<string, [number, number, number]>();
  for (const [bucket, column, value] of list) {
    const sum = sums.get(`${bucket} ${column}`) ?? [bucket, column, 0];
    sum[2] += value;
    sums.set(`${bucket} ${column}`, sum);
  }
  return [...sums.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function filled(list: readonly (readonly [number, number, number])[]): BucketRows {
  const rows = new BucketRows();
  for (const [bucket, column, value] of list) rows.add(bucket, column, value);
  return rows;
}

it('sums by bucket and column, and says which bucket is new', () => {
  const rows = new BucketRows();
  expect([rows.add(7, 0, 1), rows.add(7, 100, 2), rows.add(3, 0, 1), rows.add(7, 0, 1)]).toEqual([true, false, true, false]);
  fc.assert(
    fc.property(entries, list => {
      expect(sumsOf(filled(list))).toEqual(expected(list));
    }),
  );
});

it('keeps all sums when buckets become wider', () => {
  fc.assert(
    fc.property(entries, entries, (before, after) => {
      const rows = filled(before);
      rows.widen();
      for (const [bucket, column, value] of after) rows.add(bucket, column, value);
      expect(sumsOf(rows)).toEqual(expected([...before.map(([bucket, column, value]) => [bucket >> 1, column, value] as const), ...after]));
    }),
  );
});

it('keeps all sums when columns are moved, and frees those', () => {
  fc.assert(
    fc.property(entries, list => {
      const rows = filled(list);
      const moved = new Map([3, 5, 8, 60].map((from, index) => [from, index === 3 ? 200 : 100 + index]));
      rows.moveColumns(moved);
      expect(sumsOf(rows)).toEqual(expected(list.map(([bucket, column, value]) => [bucket, moved.get(column) ?? column, value] as const)));
    }),
  );
});

it('stays at the largest exact number', () => {
  const rows = filled([
    [1, 1, Number.MAX_SAFE_INTEGER],
    [1, 1, 5],
  ]);
  expect(rows.row(1)[1]).toBe(Number.MAX_SAFE_INTEGER);
});
