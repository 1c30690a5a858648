import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseProcStat, parseSystemStat } from './proc-stat.ts';

const sample = (name: string): string => readFileSync(new URL(`./proc-stat.fixtures/${name}`, import.meta.url), 'utf8');

it('reads the stat line of a running nginx worker', () => {
  expect(parseProcStat(sample('pid-stat-linux-6.18.txt'))).toEqual({
    pid: 50,
    comm: 'nginx',
    state: 'S',
    ppid: 48,
    kernelThread: false,
    cpuTicks: expect.any(Number),
    threads: 1,
    startTicks: 121_295,
    rssPages: 1014,
  });
});

it('ends a name at its last bracket, so that a name cannot forge fields', () => {
  const stat = parseProcStat('7 (x) R 1 (y) S 1 7 7 0 -1 2129984 0 0 0 0 3 4 0 0 20 0 2 0 99 0 5 0');
  expect(stat).toMatchObject({ pid: 7, comm: 'x) R 1 (y', state: 'S', ppid: 1, kernelThread: true, cpuTicks: 7, threads: 2, startTicks: 99, rssPages: 5 });
});

it('reads boot time and processors', () => {
  expect(parseSystemStat(sample('stat-linux-6.18.txt'))).toEqual({ bootMs: 1_795_244_991_000, cpus: 2 });
  expect(parseSystemStat('')).toEqual({ cpus: 0 });
});

it('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      parseProcStat(text);
      parseSystemStat(text);
    }),
  );
});
