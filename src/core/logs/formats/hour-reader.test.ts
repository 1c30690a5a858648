import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TimeStyle } from '../scan/plan.ts';
import { hourReader } from './hour-reader.ts';

const nowMs = Date.parse('2026-11-21T12:30:00Z');
const at = (zone: string | number, style: TimeStyle, prefix: string, suffix = '', now = nowMs): string => {
  const ms = hourReader(zone, now)(style, prefix, suffix);
  return Number.isNaN(ms) ? 'none' : new Date(ms).toISOString();
};

describe('all styles', () => {
  it.each([
    ['local', '21/Nov/2026:01', ' +0000', '2026-11-21T01:00:00.000Z'],
    ['local', '21/NOV/2026:01', ' -0330', '2026-11-21T04:30:00.000Z'],
    ['local', '21/nov/2026:01', '', '2026-11-21T00:00:00.000Z'],
    ['iso', '2026-11-21T01', '+02:00', '2026-11-20T23:00:00.000Z'],
    ['iso', '2026-11-21T01', 'Z', '2026-11-21T01:00:00.000Z'],
    ['iso', '2026-11-21 01', ' +0530', '2026-11-20T19:30:00.000Z'],
    ['iso', '2026-11-21 01', '', '2026-11-21T00:00:00.000Z'],
    ['nginx-error', '2026/11/21 01', '', '2026-11-21T00:00:00.000Z'],
    ['ctime', 'Sat Nov 21 01', ' 2026', '2026-11-21T00:00:00.000Z'],
    ['ctime', 'Sun Nov  1 01', ' 2026 ', '2026-11-01T00:00:00.000Z'],
    ['day-first', '21-Nov-2026 01', '', '2026-11-21T00:00:00.000Z'],
    ['day-first', '21-Nov-2026 01', ' UTC', '2026-11-21T01:00:00.000Z'],
    ['day-first', '21-Nov-2026 01', ' Europe/Berlin', '2026-11-21T00:00:00.000Z'],
    ['syslog', 'Nov 21 01', '', '2026-11-21T00:00:00.000Z'],
  ] as const)('%s %s%s', (style, prefix, suffix, expected) => {
    expect(at('Europe/Berlin', style, prefix, suffix)).toBe(expected);
  });

  it.each([
    ['local', '30/Feb/2026:01', ' +0000'],
    ['local', '29/Feb/2026:01', ' +0000'],
    ['local', '21/Nix/2026:01', ' +0000'],
    ['local', '21/Nov/2026:24', ' +0000'],
    ['local', '21/Nov/2026:1x', ' +0000'],
    ['iso', '2026-13-01T01', 'Z'],
    ['iso', '2026-00-01T01', 'Z'],
    ['iso', '0026-01-01T01', ''],
    ['nginx-error', '2026-11-21 01', ''],
    ['ctime', 'Sat Nov 21 01', ''],
    ['ctime', 'Sat Nov 32 01', ' 2026'],
    ['syslog', 'Feb 30 01', ''],
  ] as const)('none in %s %s%s', (style, prefix, suffix) => {
    expect(at('UTC', style, prefix, suffix)).toBe('none');
  });

  it('reads the 29th of February of a leap year', () => {
    expect(at('UTC', 'local', '29/Feb/2028:01', ' +0000')).toBe('2028-02-29T01:00:00.000Z');
  });
});

describe('a year that is not written', () => {
  it.each([
    ['Nov 21 12', '2026-11-21T12:00:00.000Z'],
    ['Nov 21 13', '2025-11-21T13:00:00.000Z'],
    ['Dec 31 23', '2025-12-31T23:00:00.000Z'],
    ['Feb 29 10', '2024-02-29T10:00:00.000Z'],
  ])('%s is the newest that is not in the future', (prefix, expected) => {
    expect(at('UTC', 'syslog', prefix)).toBe(expected);
  });

  it('is the new one where the host is ahead of UTC', () => {
    const now = Date.parse('2026-12-31T23:30:00Z');
    expect(at('Asia/Tokyo', 'syslog', 'Jan  1 08', '', now)).toBe('2026-12-31T23:00:00.000Z');
    expect(at('Asia/Tokyo', 'syslog', 'Dec 31 08', '', now)).toBe('2026-12-30T23:00:00.000Z');
  });

  it('is none where no time is known', () => {
    expect(at('UTC', 'syslog', 'Nov 21 12', '', Number.NaN)).toBe('none');
  });
});

describe('zones', () => {
  it('takes an offset, a name, and UTC for a name that nobody knows', () => {
    expect(at(330, 'nginx-error', '2026/11/21 01')).toBe('2026-11-20T19:30:00.000Z');
    expect(at('Asia/Kolkata', 'nginx-error', '2026/11/21 01')).toBe('2026-11-20T19:30:00.000Z');
    expect(at('Nowhere/At all', 'nginx-error', '2026/11/21 01')).toBe('2026-11-21T01:00:00.000Z');
    expect(at(Number.NaN, 'nginx-error', '2026/11/21 01')).toBe('2026-11-21T01:00:00.000Z');
  });

  it('follows the change of clocks', () => {
    expect(at('Europe/Berlin', 'nginx-error', '2026/07/21 01')).toBe('2026-07-20T23:00:00.000Z');
    expect(at('Europe/Berlin', 'nginx-error', '2026/10/25 01')).toBe('2026-10-24T23:00:00.000Z');
    expect(at('Europe/Berlin', 'nginx-error', '2026/10/25 03')).toBe('2026-10-25T02:00:00.000Z');
  });

  it('reads an hour that comes twice as the later one, but not as one in the future', () => {
    expect(at('Europe/Berlin', 'nginx-error', '2026/10/25 02')).toBe('2026-10-25T01:00:00.000Z');
    expect(at('Europe/Berlin', 'nginx-error', '2026/10/25 02', '', Date.parse('2026-10-25T00:30:00Z'))).toBe('2026-10-25T00:00:00.000Z');
  });

  it('reads an hour that never was by the offset before it', () => {
    expect(at('Europe/Berlin', 'nginx-error', '2026/03/29 02')).toBe('2026-03-29T01:00:00.000Z');
    expect(at('America/New_York', 'nginx-error', '2026/03/08 02')).toBe('2026-03-08T07:00:00.000Z');
  });
});

describe('any text', () => {
  const styles = fc.constantFrom<TimeStyle>('local', 'iso', 'nginx-error', 'ctime', 'day-first', 'syslog');

  it('gives a number', () => {
    const read = hourReader('Europe/Berlin', nowMs);
    fc.assert(
      fc.property(
        styles,
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('0', '9', '/', '-', ' ', ':', 'Nov', 'T') })),
        fc.string(),
        (style, prefix, suffix) => {
          expect(typeof read(style, prefix, suffix)).toBe('number');
        },
      ),
    );
  });

  it('reads back what a host writes, in every hour and zone', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC');
    const hours = fc.integer({ min: Date.UTC(2001, 0, 1) / 3_600_000, max: Date.UTC(2026, 0, 1) / 3_600_000 });
    fc.assert(
      fc.property(zones, hours, (zone, hour) => {
        const ms = hour * 3_600_000;
        const local = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(ms);
        const read = hourReader(zone, nowMs)('nginx-error', local.slice(0, 13).replaceAll('-', '/'), '') + Number(local.slice(14, 16)) * 60_000;
        // Only where the same clock shows twice, the later time is meant.
        const again = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(read);
        expect(again).toBe(local);
        expect(read === ms || Math.abs(read - ms) <= 3_600_000).toBe(true);
      }),
    );
  });
});
