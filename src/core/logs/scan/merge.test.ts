import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from './limits.ts';
import { addRollUps, emptyRollUp, sumOfRollUps } from './merge.ts';
import type { RollUp } from './roll-up.ts';
import { RollUpSum } from './sum.ts';
import { anyLine, fittingLine, jsonFormat, scanBytes, scanText, tightLimits } from './testing.ts';

const limits = fc.constantFrom(
  defaultLimits,
  tightLimits,
  { ...tightLimits, mostSeries: 1, mostFolded: 0 },
  { ...tightLimits, mostSeries: 1000 },
  { ...tightLimits, mostCells: 1, mostSamples: { failed: 0, good: 1 } },
);

/** Parts of a log in time or not, each starting with a line that fits, as ranges of a file do. */
const parts = fc.array(
  fc.tuple(fittingLine, fc.array(anyLine, { maxLength: 6 })).map(([first, rest]) => Uint8Array.from([...first, ...rest.flatMap(line => [...line, 10])])),
  { minLength: 1, maxLength: 8 },
);

const joined = (bytes: readonly Uint8Array[]) => Uint8Array.from(bytes.flatMap(part => [...part]));

describe('adding roll-ups', { timeout: 60_000 }, () => {
  it('of the parts of a log gives that of the whole, in any order and grouping', () => {
    fc.assert(
      fc.property(
        parts.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length }))),
        limits,
        ([all, order], most) => {
          let offset = 0;
          const rollUps = all.map(bytes => {
            const rollUp = scanBytes(bytes, { limits: most, offset });
            offset += bytes.length;
            return rollUp;
          });
          const whole = scanBytes(joined(all), { limits: most });
          const shuffled = order.map(index => rollUps[index] ?? emptyRollUp());
          expect(sumOfRollUps(shuffled, most)).toEqual(whole);
          expect(shuffled.reduce((sum, one) => addRollUps(sum, one, most))).toEqual(whole);
          expect(shuffled.reduceRight((sum, one) => addRollUps(one, sum, most))).toEqual(whole);
          const half = Math.floor(shuffled.length / 2);
          expect(addRollUps(sumOfRollUps(shuffled.slice(0, half), most), sumOfRollUps(shuffled.slice(half), most), most)).toEqual(whole);
        },
      ),
    );
  });

  it('is the same where sums are added that were not made into roll-ups', () => {
    fc.assert(
      fc.property(parts, fc.nat({ max: 8 }), limits, (all, cut, most) => {
        const rollUps: RollUp[] = [];
        let offset = 0;
        for (const bytes of all) {
          rollUps.push(scanBytes(bytes, { limits: most, offset }));
          offset += bytes.length;
        }
        const sums = [rollUps.slice(0, cut), rollUps.slice(cut)].map(some => {
          const sum = new RollUpSum(most);
          for (const one of some) sum.add(one);
          return sum;
        });
        const whole = new RollUpSum(most);
        for (const sum of sums) whole.absorb(structuredClone(sum.parts()));
        expect(whole.result()).toEqual(sumOfRollUps(rollUps, most));
        expect(sums[0]?.result()).toEqual(sumOfRollUps(rollUps.slice(0, cut), most));
      }),
    );
  });

  it('to that of nothing changes nothing', () => {
    fc.assert(
      fc.property(parts, all => {
        const rollUp = scanBytes(joined(all));
        expect(addRollUps(emptyRollUp(), rollUp)).toEqual(rollUp);
        expect(addRollUps(rollUp, emptyRollUp())).toEqual(rollUp);
      }),
    );
  });

  it('of different inputs keeps what is told of each', () => {
    const line = '{"time":5,"status":502}\n';
    const sum = addRollUps(scanText(line, { task: { path: 'b' } }), scanText(`${line}odd\n`, { task: { path: 'a' } }));
    expect(sum.inputs).toMatchObject([
      { path: 'a', lines: 2, misfits: 1, misfitSamples: [{ text: 'odd' }] },
      { path: 'b', lines: 1, misfits: 0 },
    ]);
    expect(sum.series).toMatchObject([{ count: 2 }]);
    expect(sum.failed.lines).toMatchObject([{ count: 2, path: 'a', offset: 0 }]);
  });
});

describe('too many series', () => {
  const line = (status: number, peer: number, second = 5) => `{"time":${second},"status":${status},"peer":"${peer}"}\n`;
  const logOf = (count: number) => Array.from({ length: count }, (_, peer) => line(peer % 3 === 0 ? 502 : 200, peer)).join('');
  const task = { formats: [jsonFormat] };

  it('are folded by hash, and no count of a status is lost', () => {
    const { series, seriesBelow } = scanText(logOf(300), { task, limits: { ...defaultLimits, mostSeries: 50 } });
    const folded = series.filter(one => one.folded === true);
    expect(series.length - folded.length).toBeGreaterThan(10);
    expect(series.length - folded.length).toBeLessThanOrEqual(50);
    expect(seriesBelow).toBeLessThan(2 ** 30);
    expect(folded.map(({ outcome }) => outcome)).toEqual([
      { status: 200, failed: false, madeBy: 'unknown' },
      { status: 502, failed: true, madeBy: 'unknown' },
    ]);
    const failed = series.filter(({ outcome }) => outcome?.status === 502).reduce((sum, { count }) => sum + count, 0);
    expect(failed).toBe(100);
  });

  it('of which too many differ in the main things are counted as one', () => {
    const text = Array.from({ length: 300 }, (_, index) => line(index, index)).join('');
    const { series, foldedBelow } = scanText(text, { task, limits: { ...defaultLimits, mostSeries: 10, mostFolded: 20 } });
    expect(series.length).toBeLessThanOrEqual(31);
    expect(series.filter(({ outcome }) => outcome === undefined)).toHaveLength(1);
    expect(foldedBelow).toBeLessThan(2 ** 32);
    expect(series.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  });
});

describe('too many buckets', () => {
  it('become wider until series times buckets are few enough', () => {
    const text = Array.from({ length: 64 }, (_, index) => `{"time":${index * 10},"status":200}\n`).join('');
    const task = { formats: [jsonFormat] };
    const scan = (mostCells: number) => scanText(text, { task, limits: { ...defaultLimits, leastSeries: 4, mostCells } });
    expect(scan(256)).toMatchObject({ widthMs: 10_000 });
    expect(scan(255)).toMatchObject({ widthMs: 20_000 });
    expect(scan(64)).toMatchObject({
      widthMs: 40_000,
      series: [{ buckets: Int32Array.from({ length: 16 }, (_, index) => index), counts: new Float64Array(16).fill(4) }],
    });
  });
});
