import { expect, it } from 'vitest';
import { fineBootMs } from './boot-time.ts';

const clock = { nowMs: 1_800_000_000_000, zone: 'UTC', offsetMinutes: 0 };

it('takes the fraction of the second from the clock', () => {
  expect(fineBootMs({ ...clock, bootMs: 1_799_000_000_730 }, 1_799_000_000_000)).toBe(1_799_000_000_730);
});

it('stays with whole seconds where the clock does not know, or means another boot', () => {
  expect(fineBootMs(clock, 1_799_000_000_000)).toBe(1_799_000_000_000);
  expect(fineBootMs({ ...clock, bootMs: 1_799_000_060_000 }, 1_799_000_000_000)).toBe(1_799_000_000_000);
  expect(fineBootMs({ ...clock, bootMs: 1_799_000_000_730 }, undefined)).toBeUndefined();
});
