import { describe, expect, it } from 'vitest';
import type { SystemdUnit } from './facts/system.ts';
import type { Hop } from './facts/hop.ts';
import { loopBeganMs, startsOf } from './restarts.ts';

const unitWith = (restarts: number, tries: readonly (readonly [timeMs: number, count: number])[]): SystemdUnit =>
  ({
    restarts,
    execMainExitMs: 99_000,
    journal: tries.map(([timeMs, count]) => ({
      timeMs,
      identifier: 'systemd',
      text: `basket.service: Scheduled restart job, restart counter is at ${count}.`,
    })),
  }) as unknown as SystemdUnit;

describe('loopBeganMs', () => {
  it('is the time of the first restart, of the last series', () => {
    expect(
      loopBeganMs(
        unitWith(3, [
          [1000, 1],
          [2000, 2],
          [50_000, 1],
          [51_000, 2],
          [52_000, 3],
        ]),
      ),
    ).toBe(50_000);
  });

  it('is reckoned from the pace where the first lines are gone', () => {
    expect(
      loopBeganMs(
        unitWith(21, [
          [60_000, 19],
          [61_000, 20],
          [62_000, 21],
        ]),
      ),
    ).toBe(42_000);
  });

  it('is the end of the unit before its first restart, and unknown without lines', () => {
    expect(loopBeganMs(unitWith(0, []))).toBe(99_000);
    expect(loopBeganMs(unitWith(7, []))).toBeUndefined();
    expect(loopBeganMs(unitWith(7, [[60_000, 7]]))).toBeUndefined();
  });
});

describe('startsOf', () => {
  const hopWith = (events: readonly (readonly [kind: 'started' | 'stopped', timeMs: number])[], startMs: number): Hop =>
    ({ events: events.map(([kind, timeMs]) => ({ kind, timeMs, text: '' })), master: { startMs } }) as unknown as Hop;

  it('takes what systemd, the server and its process tell of one start for one', () => {
    const hop = hopWith(
      [
        ['started', 40_000],
        ['started', 40_900],
      ],
      39_950,
    );
    expect(startsOf(hop, 0).map(start => start.timeMs)).toEqual([40_000]);
  });

  it('takes two starts for two where the service was stopped in between, however soon', () => {
    const hop = hopWith(
      [
        ['started', 41_000],
        ['stopped', 42_700],
        ['started', 44_000],
      ],
      43_980,
    );
    expect(startsOf(hop, 0).map(start => start.timeMs)).toEqual([41_000, 44_000]);
  });
});
