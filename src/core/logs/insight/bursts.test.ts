import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBursts } from './bursts.ts';
import { randomOf, type Random } from './testing.ts';

/** Poisson. */
function draw(random: Random, mean: number): number {
  let [count, product] = [-1, 1];
  do {
    product *= random();
    count += 1;
  } while (product > Math.exp(-mean));
  return count;
}

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
const even = (bins: number): Float64Array => new Float64Array(bins).fill(1);

describe.each(seeds)('by seed %i', seed => {
  const random = randomOf(seed);

  it('no burst is found in even failures, or in those that follow the load', () => {
    const load = even(4000).map((_, at) => 20 * (1.2 + Math.sin(at / 300)));
    expect(
      findBursts(
        even(4000).map(() => draw(random, 0.05)),
        even(4000),
      ).stretches,
    ).toEqual([]);
    expect(
      findBursts(
        even(4000).map(() => draw(random, 4)),
        even(4000),
      ).stretches,
    ).toEqual([]);
    expect(
      findBursts(
        load.map(requests => draw(random, requests / 50)),
        load,
      ).stretches,
    ).toEqual([]);
  });

  it('each of three bursts is found where it is', () => {
    const planted = [500, 1500 + Math.floor(random() * 500), 3500];
    const counts = even(4000).map((_, at) => draw(random, planted.some(start => at >= start && at < start + 5) ? 6 : 0.02));
    const { stretches } = findBursts(counts, even(4000));
    expect(stretches).toHaveLength(3);
    for (const [index, { from, to }] of stretches.entries()) {
      expect(Math.abs(from - (planted[index] ?? 0))).toBeLessThanOrEqual(1);
      expect(Math.abs(to - (planted[index] ?? 0) - 5)).toBeLessThanOrEqual(1);
    }
  });

  it('an outage that begins and does not end is one stretch', () => {
    const counts = even(2000).map((_, at) => draw(random, at >= 1400 ? 3 : 0.01));
    const { stretches } = findBursts(counts, even(2000));
    expect(stretches).toHaveLength(1);
    expect(Math.abs((stretches[0]?.from ?? 0) - 1400)).toBeLessThanOrEqual(3);
    expect(stretches[0]?.to).toBeGreaterThanOrEqual(1998);
  });
});

it('whatever the counts, stretches lie in order and hold what they say', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(50)), { maxLength: 300 }), pairs => {
      const counts = Float64Array.from(pairs, ([count]) => count);
      const { stretches } = findBursts(
        counts,
        Float64Array.from(pairs, ([count, more]) => count + more),
      );
      let end = 0;
      for (const { from, to, count } of stretches) {
        expect(from).toBeGreaterThanOrEqual(end);
        expect(to).toBeGreaterThan(from);
        expect(count).toBe(counts.slice(from, to).reduce((sum, each) => sum + each, 0));
        end = to;
      }
    }),
  );
});
