import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BucketCells } from './bucket-cells.ts';

const entries = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 60 }), fc.integer({ min: 1, max: 1e9 })), { maxLength: 200 });

type Sums = readonly (readonly [number, number, number])[];

function sumsOf(cells: BucketCells): Sums {
  const sums = [...cells.byColumn()].flatMap(([column, { keys, values }]) =>
    Array.from(keys, (bucket, index) => [bucket, column, values[index] ?? 0] as const),
  );
  return sums.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function expected(list: Sums): Sums {
  const sums = new Map<string, [number, number, number]>();
  for (const [bucket, column, value] of list) {
    const sum = sums.get(`${bucket} ${column}`) ?? [bucket, column, 0];
    sum[2] += value;
    sums.set(`${bucket} ${column}`, sum);
  }
  return [...sums.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function filled(list: Sums): BucketCells {
  const cells = new BucketCells();
  for (const [bucket, column, value] of list) cells.add(bucket, column, value);
  return cells;
}

it('sums by bucket and column, and says which bucket is new', () => {
  const cells = new BucketCells();
  expect([cells.add(7, 0, 1), cells.add(7, 100, 2), cells.add(3, 0, 1), cells.add(7, 0, 1)]).toEqual([true, false, true, false]);
  fc.assert(
    fc.property(entries, list => {
      expect(sumsOf(filled(list))).toEqual(expected(list));
    }),
  );
});

it('keeps all sums when buckets become wider', () => {
  fc.assert(
    fc.property(entries, entries, (before, after) => {
      const cells = filled(before);
      cells.widen();
      for (const [bucket, column, value] of after) cells.add(bucket, column, value);
      expect(sumsOf(cells)).toEqual(expected([...before.map(([bucket, column, value]) => [bucket >> 1, column, value] as const), ...after]));
    }),
  );
});

it('keeps all sums when columns are moved, and frees those', () => {
  fc.assert(
    fc.property(entries, list => {
      const cells = filled(list);
      const moved = new Map([3, 5, 8, 60].map((from, index) => [from, index === 3 ? 200 : 100 + index]));
      cells.moveColumns(moved);
      expect(sumsOf(cells)).toEqual(expected(list.map(([bucket, column, value]) => [bucket, moved.get(column) ?? column, value] as const)));
    }),
  );
});

it('stays at the largest exact number', () => {
  const cells = filled([
    [1, 1, Number.MAX_SAFE_INTEGER],
    [2, 1, 1],
    [1, 1, 5],
    [1, 1, 5],
  ]);
  expect(sumsOf(cells)[0]).toEqual([1, 1, Number.MAX_SAFE_INTEGER]);
});

it('counts on where 32 bits are not enough', () => {
  const cells = filled([[1, 1, 2 ** 32 - 1]]);
  cells.add(2, 1, 2 ** 40);
  cells.add(1, 1, 5);
  cells.widen();
  cells.absorb(filled([[0, 1, 2 ** 33]]).parts(), 0, Int32Array.of(0, 1));
  expect(sumsOf(cells)).toEqual([
    [0, 1, 2 ** 33 + 2 ** 32 + 4],
    [1, 1, 2 ** 40],
  ]);
});

it('gives the buckets of a column in ascending order', () => {
  fc.assert(
    fc.property(entries, list => {
      for (const { keys } of filled(list).byColumn().values()) expect([...keys]).toEqual([...new Set(keys)].toSorted((a, b) => a - b));
    }),
  );
});

it('takes over what another has summed, in narrower buckets and other columns', () => {
  fc.assert(
    fc.property(entries, entries, fc.nat({ max: 3 }), (own, others, shift) => {
      const cells = filled(own);
      cells.absorb(
        filled(others).parts(),
        shift,
        new Int32Array(61).map((_, column) => column * 2),
      );
      expect(sumsOf(cells)).toEqual(expected([...own, ...others.map(([bucket, column, value]) => [bucket >> shift, column * 2, value] as const)]));
    }),
  );
});
