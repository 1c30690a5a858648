import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDf, parseDfErrors } from './df.ts';
import { parseGetentAhosts } from './getent.ts';
import { parseLoadavg, parseMeminfo, parsePressure } from './meminfo.ts';
import { parseNetCounters } from './netstat.ts';
import { parseOsName } from './os-release.ts';
import { socketInode } from './socket-link.ts';

const sample = (path: string): string => readFileSync(new URL(`./${path}`, import.meta.url), 'utf8');

it('reads memory, and counts what is free where the kernel does not', () => {
  expect(parseMeminfo(sample('meminfo.fixtures/meminfo-linux-6.18.txt'))).toMatchObject({ totalBytes: 24_684_092 * 1024, swapTotalBytes: 0 });
  expect(parseMeminfo('MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n')?.availableBytes).toBe(35 * 1024);
  expect(parseMeminfo('rubbish')).toBeUndefined();
});

it('reads load and pressure', () => {
  expect(parseLoadavg(sample('meminfo.fixtures/loadavg-linux-6.18.txt'))).toHaveLength(3);
  expect(parseLoadavg('a b c')).toBeUndefined();
  expect(parsePressure(sample('meminfo.fixtures/pressure-linux-6.18.txt'))).toEqual({ someAvg10: 0, fullAvg10: 0 });
  expect(parsePressure('some avg10=3.06 avg60=3.41 avg300=1.48 total=16525558\n')).toEqual({ someAvg10: 3.06, fullAvg10: 0 });
  expect(parsePressure('')).toBeUndefined();
});

it('reads counters by name', () => {
  const counters = parseNetCounters(sample('netstat.fixtures/linux-6.18.txt'));
  expect(counters).toMatchObject({ ListenOverflows: expect.any(Number), ListenDrops: expect.any(Number), 'Tcp.AttemptFails': expect.any(Number) });
  expect(parseNetCounters('TcpExt: A B\nTcpExt: 1 2\nTcp: C\nTcp: -1\n')).toEqual({ A: 1, B: 2, 'Tcp.C': -1 });
});

it('reads df for bytes and inodes', () => {
  const bytes = parseDf(sample('df.fixtures/bytes-coreutils-9.1.txt'));
  expect(bytes.map(line => line.mount)).toEqual(['/', '/', '/run', '/tmp']);
  expect(bytes[0]?.total).toBe(12_638_253_056);
  expect(parseDf(sample('df.fixtures/inodes-coreutils-9.1.txt'))[0]).toEqual({ total: 3_085_511, available: expect.any(Number), mount: '/' });
  expect(parseDf('//nas/my share 100 40 60 40% /mnt/my share\n/dev/x - - - - /boot/efi\n')).toEqual([
    { total: 100, available: 60, mount: '/mnt/my share' },
    { total: 0, available: 0, mount: '/boot/efi' },
  ]);
  expect(parseDfErrors('df: /nosuch: No such file or directory\n')).toEqual(['/nosuch: No such file or directory']);
});

it('reads addresses in the order of getaddrinfo', () => {
  expect(parseGetentAhosts(sample('getent.fixtures/glibc-2.36.txt'))).toEqual(['127.0.0.1']);
  expect(parseGetentAhosts('::1 STREAM localhost\n::1 DGRAM\n127.0.0.1 STREAM\n<b>x STREAM\n')).toEqual(['::1', '127.0.0.1']);
});

it('reads the name of the system', () => {
  expect(parseOsName(sample('os-release.fixtures/debian-12.txt'))).toBe('Debian GNU/Linux 12 (bookworm)');
  expect(parseOsName("NAME='A \\$ b'\n")).toBe('A $ b');
});

it('reads the inode of a socket link', () => {
  expect([socketInode('socket:[21585]'), socketInode('/dev/null'), socketInode(undefined)]).toEqual([21_585, undefined, undefined]);
});

it('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      for (const parse of [parseMeminfo, parseLoadavg, parsePressure, parseNetCounters, parseDf, parseGetentAhosts, parseOsName]) parse(text);
    }),
  );
});
