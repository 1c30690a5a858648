import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRawLines } from './backend-log.ts';
import { parseSupervisordLog, parseSupervisorStatus } from './supervisord-log.ts';

const options = { offsetMinutes: 60, nowMs: Date.parse('2026-11-21T11:10:00Z') };

function fixture(name: string): string {
  return readFileSync(new URL(`supervisord-log.fixtures/supervisor-4.2.5-${name}.txt`, import.meta.url), 'utf8');
}

describe('the log of supervisord 4.2.5', () => {
  const { lines, since } = parseSupervisordLog(toRawLines(fixture('log'), '/var/log/supervisor/supervisord.log', 1), options);
  const of = (program: string) => lines.filter(line => line.program === program);

  it('tells starts, ends and the end of the tries', () => {
    expect(of('web').map(line => line.kind)).toEqual(['starting', 'ended', 'starting', 'ended', 'starting', 'ended', 'starting', 'ended', 'gave-up']);
    expect(of('web')[1]).toMatchObject({ status: 127, timeMs: Date.parse('2026-11-21T09:41:46.863Z'), text: expect.stringContaining('exited: web') });
    expect(of('web')[0]?.pid).toBe(12);
    expect(since).toBe(0);
  });

  it('tells a signal from a stop that was asked for', () => {
    const ends = of('pair_11').filter(line => line.kind === 'ended');
    expect(ends.map(line => [line.signal, line.asked])).toEqual([
      ['SEGV', undefined],
      ['TERM', true],
    ]);
  });

  it('keeps a start that failed, which names the command alone', () => {
    expect(of('')[0]).toMatchObject({ kind: 'spawn-failed', text: expect.stringContaining("can't find command '/usr/bin/nothere'") });
  });
});

it('reads what supervisorctl status prints', () => {
  const rows = parseSupervisorStatus(fixture('status'));
  expect(rows.map(row => [row.name, row.state, row.pid])).toEqual([
    ['bad', 'waiting', undefined],
    ['flap', 'running', 530],
    ['later', 'stopped', undefined],
    ['nocmd', 'given-up', undefined],
    ['once', 'exited', undefined],
    ['shop:pair_10', 'running', 322],
    ['shop:pair_11', 'running', 425],
    ['shop:web', 'given-up', undefined],
  ]);
  expect(
    parseSupervisorStatus("error: <class 'PermissionError'>, [Errno 13] Permission denied: file: xmlrpc.py line: 557\nunix:///x.sock no such file"),
  ).toEqual([]);
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parseSupervisorStatus(text).length >= 0));
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      text => parseSupervisordLog(toRawLines(`2026-11-21 10:41:46,863 WARN ${text}`, '/x', 1), options).lines.length >= 0,
    ),
  );
});
