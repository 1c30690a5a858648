import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseJournal } from './journal.ts';

const { entries, unread } = parseJournal(readFileSync(new URL('./journal.fixtures/journalctl-252.txt', import.meta.url), 'utf8'));

it('reads what a unit says and what systemd says of it under the unit', () => {
  expect(unread).toBe(0);
  expect(entries.filter(entry => entry.unit === 'broken.service').map(entry => entry.identifier)).toContain('gunicorn');
  expect(entries).toContainEqual({
    timeMs: expect.any(Number),
    identifier: 'systemd',
    pid: 1,
    text: "broken.service: Failed with result 'exit-code'.",
    unit: 'broken.service',
  });
  expect(entries.every(entry => entry.timeMs > 1_795_247_000_000 && entry.timeMs < 1_795_249_000_000)).toBe(true);
});

it('reads a message that is no printable text', () => {
  expect(entries.at(-1)).toMatchObject({ identifier: 'odd', text: 'a\u0001b\u{fffd}' });
});

it('counts lines that are no entries, takes the first of repeated fields, and never throws', () => {
  expect(parseJournal('-- No entries --\n{"MESSAGE":1}\n{bad\n')).toEqual({ entries: [], unread: 3 });
  expect(parseJournal('{"__REALTIME_TIMESTAMP":"5000000","MESSAGE":["a","b"],"_COMM":"x"}').entries).toEqual([{ timeMs: 5000, identifier: 'x', text: 'a' }]);
  fc.assert(fc.property(fc.json(), fc.string(), (json, text) => parseJournal(`${json}\n{${text}`).unread >= 0));
});

it('sees by the clock that never goes back where the other one was set', () => {
  const line = (time: number, uptime: number, boot = 'a'): string =>
    JSON.stringify({ __REALTIME_TIMESTAMP: `${time}000000`, __MONOTONIC_TIMESTAMP: `${uptime}000000`, _BOOT_ID: boot, MESSAGE: String(time) });
  const set = (...lines: readonly string[]): unknown => parseJournal(lines.join('\n')).entries.map(entry => entry.clockSetMs);
  expect(set(line(1000, 10), line(1300, 310), line(4905, 315), line(4906, 316))).toEqual([undefined, undefined, 3_600_000, undefined]);
  expect(set(line(1000, 10), line(410, 20))).toEqual([undefined, -600_000]);
  // Another boot, or a journal without that clock.
  expect(set(line(1000, 10), line(9000, 5, 'b'))).toEqual([undefined, undefined]);
  expect(set('{"__REALTIME_TIMESTAMP":"1000000"}', '{"__REALTIME_TIMESTAMP":"9000000000"}')).toEqual([undefined, undefined]);
});
