import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, costOf, type Claim } from './allocate.ts';

const claim = (id: string, least: number, wish: number, bytesEach: number, free = 0): Claim => ({ id, least, wish, bytesEach, free });
const all = (claims: readonly Claim[]) => new Set(claims.map(one => one.id));

describe('memory that is shared out', () => {
  it('gives every pool its wish where that fits', () => {
    const claims = [claim('a', 2, 10, 40), claim('b', 3, 5, 60)];
    expect([...allocate(claims, [{ bytes: 700, members: all(claims) }])]).toEqual([
      ['a', 10],
      ['b', 5],
    ]);
  });

  it('gives what is needed first, and then what is left', () => {
    const claims = [claim('a', 5, 45, 1), claim('b', 20, 20, 1)];
    expect([...allocate(claims, [{ bytes: 45, members: all(claims) }]).values()]).toEqual([25, 20]);
  });

  it('cuts the largest, and leaves a small one alone', () => {
    const claims = [claim('large', 2, 90, 13), claim('small', 1, 3, 7)];
    expect([...allocate(claims, [{ bytes: 234, members: all(claims) }]).values()]).toEqual([16, 3]);
  });

  it('cuts the needs alike where they do not fit, down to none', () => {
    const claims = [claim('a', 10, 10, 10), claim('b', 20, 20, 10)];
    expect([...allocate(claims, [{ bytes: 150, members: all(claims) }]).values()]).toEqual([7, 7]);
    expect([...allocate(claims, [{ bytes: 1, members: all(claims) }]).values()]).toEqual([0, 0]);
  });

  it('leaves threads that are there, and counts only those that come', () => {
    const claims = [claim('a', 300, 300, 1, 200)];
    expect(allocate(claims, [{ bytes: 50, members: all(claims) }]).get('a')).toBe(250);
  });

  it('holds an inner limit and the host around it', () => {
    const claims = [claim('a', 1, 50, 10), claim('b', 1, 50, 10)];
    const given = allocate(claims, [
      { bytes: 100, members: new Set(['a']) },
      { bytes: 400, members: all(claims) },
    ]);
    expect(given.get('a')).toBeLessThanOrEqual(10);
    expect((given.get('a') ?? 0) + (given.get('b') ?? 0)).toBeLessThanOrEqual(40);
  });
});

describe('whatever is claimed', () => {
  const claims = fc.array(fc.record({ least: fc.nat(5000), more: fc.nat(5000), bytesEach: fc.integer({ min: 1, max: 2 ** 31 }), free: fc.nat(50) }), {
    minLength: 1,
    maxLength: 8,
  });
  const made = claims.map(list => list.map(({ least, more, bytesEach, free }, index) => claim(String(index), least, least + more, bytesEach, free)));
  const bytes = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 4096 }));

  it('never takes more than a room has', () => {
    fc.assert(
      fc.property(made, bytes, bytes, fc.nat(), (list, outer, inner, cut) => {
        const some = new Set(list.slice(0, cut % (list.length + 1)).map(one => one.id));
        const given = allocate(list, [
          { bytes: inner, members: some },
          { bytes: outer, members: all(list) },
        ]);
        const cost = (members: ReadonlySet<string>) =>
          costOf(
            list.filter(one => members.has(one.id)),
            one => given.get(one.id) ?? 0,
          );
        expect(cost(all(list))).toBeLessThanOrEqual(outer);
        expect(cost(some)).toBeLessThanOrEqual(inner);
        for (const one of list) expect(given.get(one.id)).toBeLessThanOrEqual(one.wish);
      }),
    );
  });

  it('never gives less where there is more memory', () => {
    fc.assert(
      fc.property(made, bytes, bytes, (list, memory, more) => {
        const before = allocate(list, [{ bytes: memory, members: all(list) }]);
        const after = allocate(list, [{ bytes: memory + more, members: all(list) }]);
        for (const one of list) expect(after.get(one.id)).toBeGreaterThanOrEqual(before.get(one.id) ?? 0);
      }),
    );
  });
});
