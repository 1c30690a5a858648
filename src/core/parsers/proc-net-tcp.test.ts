import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { hexAddress, scanProcNetTcp } from './proc-net-tcp.ts';
import type { TcpSocket } from './proc-net-tcp.ts';

const sample = (name: string): string => readFileSync(new URL(`./proc-net-tcp.fixtures/${name}`, import.meta.url), 'utf8');

function sockets(text: string): TcpSocket[] {
  const found: TcpSocket[] = [];
  scanProcNetTcp(text, socket => found.push(socket));
  return found;
}

it('reads listeners with their accept queues and established connections', () => {
  const found = sockets(sample('tcp-linux-6.18.txt'));
  expect(found).toHaveLength(10);
  expect(found[0]).toEqual({ localHost: '0.0.0.0', localPort: 80, remoteHost: '0.0.0.0', remotePort: 0, state: 'LISTEN', rxQueue: 0, inode: 21_585 });
  expect(found[1]).toMatchObject({ localHost: '127.0.0.1', localPort: 8100, state: 'LISTEN', rxQueue: 3 });
  expect(found.filter(socket => socket.state === 'ESTAB')).toHaveLength(8);
});

it('reads IPv6', () => {
  const found = sockets(sample('tcp6-linux-6.18.txt'));
  expect(found.map(socket => `${socket.state} ${socket.localHost} ${socket.localPort}`)).toEqual([
    'LISTEN :: 80',
    'LISTEN :: 8101',
    'ESTAB ::1 80',
    expect.stringMatching(/^ESTAB ::1 \d+$/),
  ]);
});

it.each([
  ['0100007F', '127.0.0.1'],
  ['0A0200C0', '192.0.2.10'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['B80D01200000000000000000010000FE', '2001:db8::fe00:1'],
  ['xyz', undefined],
  ['00', undefined],
])('%s is %s', (hex, address) => {
  expect(hexAddress(hex)).toBe(address);
});

it('counts lines it cannot read, never throws, and reads 20,000 connections at once', () => {
  expect(scanProcNetTcp('heading\nrubbish\n', () => undefined)).toBe(1);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => scanProcNetTcp(text, () => undefined) >= 0));
  const line = sample('tcp-linux-6.18.txt').split('\n')[3] ?? '';
  const started = performance.now();
  expect(sockets(`heading\n${`${line}\n`.repeat(20_000)}`)).toHaveLength(20_000);
  expect(performance.now() - started).toBeLessThan(1000);
});
