import { describe, expect, it } from 'vitest';
import { momentMs, readZone } from './moment.ts';
import { parseSince } from './since.ts';

const nowMs = Date.parse('2026-11-21T07:40:00Z');

describe('--zone', () => {
  it.each([
    ['UTC', 'UTC', 'UTC'],
    ['z', 'UTC', 'UTC'],
    ['+02:00', '+02:00', 120],
    ['-0330', '-03:30', -210],
    ['UTC+5', '+05:00', 300],
    ['europe/berlin', 'Europe/Berlin', 'Europe/Berlin'],
  ])('%s is %s', (text, name, logZone) => {
    expect(readZone(text)).toEqual({ name, logZone });
  });

  it.each(['Mars/Olympus', '', '+99:00', 'Europe/Berlin; reboot'])('%j is refused with an example', text => {
    expect(() => readZone(text)).toThrow(expect.objectContaining({ code: 'usage', hint: expect.stringContaining('Europe/Berlin') as unknown }) as Error);
  });
});

describe('--since and --until', () => {
  it.each([
    ['10m', 'UTC', '2026-11-21T07:30:00.000Z'],
    ['2026-11-21T07:25:30Z', 'Europe/Berlin', '2026-11-21T07:25:30.000Z'],
    ['2026-11-21T07:25:30', 'Europe/Berlin', '2026-11-21T06:25:30.000Z'],
    ['2026-07-01T07:25', 'Europe/Berlin', '2026-07-01T05:25:00.000Z'],
    ['2019-01-01', '+02:00', '2018-12-31T22:00:00.000Z'],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(new Date(momentMs(parseSince(text), nowMs, readZone(zone))).toISOString()).toBe(expected);
  });
});
