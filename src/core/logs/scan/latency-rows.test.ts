import fc from 'fast-check';
import { expect, it } from 'vitest';
import { coarseSteps } from './histogram.ts';
import { LatencyRows } from './latency-rows.ts';

/** Bucket, coarse step, lines. */
const entries = fc.array(fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: coarseSteps - 1 }), fc.integer({ min: 1, max: 1e9 })), { maxLength: 200 });

type Sums = readonly (readonly [number, number, number])[];

function filled(list: Sums): LatencyRows {
  const rows = new LatencyRows();
  for (const [bucket, step, lines] of list) {
    rows.add(bucket, step, lines);
    rows.addSum(bucket, lines * step);
  }
  return rows;
}

/** As entries, and the sums of the buckets. */
function told(rows: LatencyRows): readonly unknown[] {
  const { buckets, counts, sums } = rows.table();
  return Array.from(buckets, (bucket, row) => {
    const own = Array.from(counts.subarray(row * coarseSteps, (row + 1) * coarseSteps));
    return [bucket, sums[row], own.flatMap((lines, step) => (lines > 0 ? [[step, lines]] : []))];
  });
}

function expected(list: Sums): readonly unknown[] {
  const buckets = [...new Set(list.map(([bucket]) => bucket))].toSorted((a, b) => a - b);
  return buckets.map(bucket => {
    const own = list.filter(one => one[0] === bucket);
    const steps = [...new Set(own.map(([, step]) => step))].toSorted((a, b) => a - b);
    const linesOf = (step: number) => own.filter(one => one[1] === step).reduce((sum, [, , lines]) => sum + lines, 0);
    return [bucket, own.reduce((sum, [, step, lines]) => sum + step * lines, 0), steps.map(step => [step, linesOf(step)])];
  });
}

it('sums by bucket and step, and gives buckets in ascending order', () => {
  fc.assert(
    fc.property(entries, list => {
      expect(told(filled(list))).toEqual(expected(list));
    }),
  );
});

it('keeps all sums when buckets become wider', () => {
  fc.assert(
    fc.property(entries, list => {
      const rows = filled(list);
      rows.widen();
      expect(told(rows)).toEqual(expected(list.map(([bucket, step, lines]) => [bucket >> 1, step, lines])));
    }),
  );
});

it('takes over what another has summed, in narrower buckets', () => {
  fc.assert(
    fc.property(entries, entries, fc.nat({ max: 3 }), (own, others, shift) => {
      const rows = filled(own);
      rows.absorb(structuredClone(filled(others).parts()), shift);
      expect(told(rows)).toEqual(expected([...own, ...others.map(([bucket, step, lines]) => [bucket >> shift, step, lines] as const)]));
    }),
  );
});

it('counts on where 32 bits are not enough', () => {
  const [rows, more] = [filled([[1, 1, 2 ** 32 - 1]]), filled([[1, 1, 2 ** 40]])];
  rows.add(1, 1, 2);
  rows.absorb(more.parts(), 0);
  expect(Array.from(rows.table().counts.subarray(0, 2))).toEqual([0, 2 ** 40 + 2 ** 32 + 1]);
});
