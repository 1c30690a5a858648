import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadhopError } from '../core/model/error.ts';
import type { HostClock } from '../core/model/host.ts';
import { parseSince, windowLengthMs } from './since.ts';

/** 09:40 in a zone two hours east of UTC. */
const clock: HostClock = { nowMs: Date.parse('2026-11-21T07:40:00Z'), zone: 'Europe/Helsinki', offsetMinutes: 120 };

describe('--since', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['10min', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    [' 15 m ', 900_000],
    ['2026-11-21T07:25:00Z', 900_000],
    ['2026-11-21T08:25:00.5+01:00', 899_500],
    ['2026-11-21T08:25+0100', 900_000],
    ['2026-11-21T09:25', 900_000],
    ['2026-11-21 09:25:00', 900_000],
    ['2026-11-20', 34 * 3_600_000 - 20 * 60_000],
  ])('%s is a window of %i ms', (text, ms) => {
    expect(windowLengthMs(parseSince(text), clock)).toBe(ms);
  });

  it.each(['', '10', 'ten minutes', '-5m', '0m', '10x', '1.5h', '999999999d', '2026-13-45', '2026-11-21T25:00', 'yesterday', '10m; reboot'])(
    '%j is refused with an example',
    text => {
      expect(() => parseSince(text)).toThrow(BadhopError);
      try {
        parseSince(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'usage', hint: expect.stringContaining('10m') as unknown });
      }
    },
  );

  it.each(['2026-11-21T09:41', '2027-01-01', '2019-01-01T00:00Z'])('%s lies outside what the host can have', text => {
    expect(() => windowLengthMs(parseSince(text), clock)).toThrow(/in the future|366 days/);
  });

  it('gives a window or says no, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.:TZ+smhd -]{0,24}$/)), text => {
        try {
          const ms = windowLengthMs(parseSince(text), clock);
          expect(ms).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(BadhopError);
        }
      }),
    );
  });
});
