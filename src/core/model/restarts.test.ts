import { describe, expect, it } from 'vitest';
import type { SystemdUnit } from './facts/system.ts';
import { loopBeganMs } from './restarts.ts';

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
