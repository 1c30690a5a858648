import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRawLines } from './backend-log.ts';
import { parsePm2Log, pm2Home } from './pm2-log.ts';

const options = { offsetMinutes: 0, nowMs: Date.parse('2026-11-21T11:10:00Z') };
const real = readFileSync(new URL('pm2-log.fixtures/pm2-7.0.4.txt', import.meta.url), 'utf8');

function parse(text: string) {
  return parsePm2Log(toRawLines(text, '/srv/.pm2/pm2.log', 1), options);
}

describe('the log of PM2 7.0.4', () => {
  const { lines } = parse(real);
  const of = (program: string) => lines.filter(line => line.program === program);

  it('tells each start and each end of an app, with its status', () => {
    const ends = of('orders').filter(line => line.kind === 'ended');
    expect(ends).toHaveLength(16);
    expect(ends[0]).toMatchObject({ status: 1, instance: '3', timeMs: Date.parse('2026-11-21T11:08:37Z') });
    expect(ends[0]?.signal).toBeUndefined();
  });

  it('gives the end of the tries to the app that ended before it', () => {
    expect(of('orders').filter(line => line.kind === 'gave-up')).toMatchObject([
      { tries: 16, text: expect.stringContaining('too many unstable restarts (16)') },
    ]);
  });

  it('knows a name with a colon, a signal, and a stop that was asked for', () => {
    expect(of('shop:api').map(line => [line.kind, line.signal ?? line.asked])).toEqual([
      ['starting', undefined],
      ['running', undefined],
      ['ended', 'SEGV'],
      ['starting', undefined],
      ['running', undefined],
      ['stop-asked', undefined],
      ['ended', true],
    ]);
  });

  it('names the app that was ended for its memory, whose line has its number alone', () => {
    expect(of('fat').find(line => line.kind === 'memory')).toMatchObject({ instance: '5' });
  });

  it('tells when it waits before the next try', () => {
    expect(of('backoff').filter(line => line.kind === 'waiting')).toHaveLength(7);
  });
});

it('forgets the numbers of an earlier daemon', () => {
  const at = '2026-11-21T11:08:35: PM2 log: ';
  const { lines, since } = parse(
    [
      `${at}App [a:0] online`,
      `${at}--- New PM2 Daemon started ---`,
      `${at}[PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value (x)`,
    ].join('\n'),
  );
  expect(lines).toMatchObject([{ program: 'a' }]);
  expect(since).toBe(1);
});

it('takes an end long after a stop for an end of its own', () => {
  const { lines } = parse(
    ['2026-11-21T11:00:00: PM2 log: Stopping app:a id:0', '2026-11-21T11:05:00: PM2 log: App [a:0] exited with code [0] via signal [SIGINT]'].join('\n'),
  );
  expect(lines[1]?.asked).toBeUndefined();
});

it('reads the home of a daemon from its title', () => {
  expect(pm2Home('PM2 v7.0.4: God Daemon (/home/shop/.pm2)')).toEqual({ path: '/home/shop/.pm2', isCut: false });
  expect(pm2Home('PM2 v5.3.0: God Daemon (/srv/pm 2)')).toEqual({ path: '/srv/pm 2', isCut: false });
  expect(pm2Home('PM2 v5.3.0: God Daemon (/home/sh')).toEqual({ path: '/home/sh', isCut: true });
  expect(pm2Home('vim PM2 v5.3.0: God Daemon (/x)')).toBeUndefined();
});

it('never throws, and is linear', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parse(`2026-11-21T11:00:00: PM2 log: ${text}`).lines.length >= 0));
  const before = performance.now();
  parse('2026-11-21T11:00:00: PM2 log: App [a:0] exited with code [1] via signal [SIGINT]\n'.repeat(20_000));
  expect(performance.now() - before).toBeLessThan(5000);
});
