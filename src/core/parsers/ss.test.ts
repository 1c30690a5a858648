import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSsTcpListeners, parseSsUnixListeners, scanSsConnections, type SsConnection } from './ss.ts';

const sample = (name: string): string => readFileSync(new URL(`./ss.fixtures/${name}`, import.meta.url), 'utf8');
const line = (socket: SsConnection): string => `${socket.state} ${socket.local()} ${socket.remote()}`;

it('reads tcp listeners with queue, backlog, owners and family', () => {
  expect(parseSsTcpListeners(sample('tcp-iproute2-6.1.0.txt'))).toEqual([
    { kind: 'tcp', host: '0.0.0.0', port: 80, queue: 0, backlog: 511, inode: 21_585, pids: [48, 49, 50] },
    { kind: 'tcp', host: '127.0.0.1', port: 8100, queue: 3, backlog: 2, inode: 161_388, pids: [1036] },
    { kind: 'tcp', host: '::', port: 80, queue: 0, backlog: 511, inode: 21_586, pids: [48, 49, 50], v6only: true },
    { kind: 'tcp', host: '*', port: 8101, queue: 0, backlog: 5, inode: 161_389, pids: [1036], v6only: false },
  ]);
});

it('reads unix listeners, their paths with blanks too', () => {
  const found = parseSsUnixListeners(sample('unix-iproute2-6.1.0.txt'));
  expect(found).toContainEqual({ kind: 'unix', host: '', port: 0, path: '/run/with blank.sock', queue: 2, backlog: 3, inode: 161_390, pids: [1036] });
  expect(found).toContainEqual(expect.objectContaining({ path: '/run/php/php8.2-fpm.sock', backlog: 4096, pids: [46, 51, 52] }));
  expect(found).toHaveLength(8);
});

it('reads both kinds from one run', () => {
  const text = sample('tcp-unix-iproute2-6.1.0.txt');
  expect(parseSsTcpListeners(text)).toEqual([
    { kind: 'tcp', host: '0.0.0.0', port: 80, queue: 0, backlog: 511, inode: 635_230, pids: [729, 730, 731, 732, 798] },
    { kind: 'tcp', host: '127.0.0.1', port: 8100, queue: 3, backlog: 2, inode: 970_360, pids: [2478] },
    { kind: 'tcp', host: '*', port: 8101, queue: 0, backlog: 5, inode: 970_364, pids: [2478], v6only: false },
    { kind: 'tcp', host: '::', port: 8102, queue: 0, backlog: 5, inode: 970_365, pids: [2478], v6only: true },
    { kind: 'tcp', host: '127.0.0.1', port: 8103, queue: 0, backlog: 5, inode: 970_366, pids: [2478], v6only: false },
  ]);
  const unix = parseSsUnixListeners(text);
  expect(unix).toHaveLength(7);
  expect(unix).toContainEqual({ kind: 'unix', host: '', port: 0, path: '/run/with blank.sock', queue: 2, backlog: 2, inode: 970_367, pids: [2478] });
});

it('reads connections, and of one state alone', () => {
  const text = sample('connections-iproute2-6.1.0.txt');
  const found: string[] = [];
  expect(scanSsConnections(text, socket => found.push(line(socket)))).toBe(0);
  expect(found).toHaveLength(text.trim().split('\n').length);
  expect(found).toContain('TIME-WAIT 127.0.0.1:80 127.0.0.1:43030');
  expect(found).toContain('LISTEN 127.0.0.1:8103 *:*');
  const listening: string[] = [];
  scanSsConnections(text, socket => listening.push(`${socket.local()} ${socket.localPort}`), 'LISTEN');
  expect(listening).toEqual(['0.0.0.0:80 80', '127.0.0.1:8100 8100', '*:8101 8101', '[::]:8102 8102', '127.0.0.1:8103 8103']);
  expect(scanSsConnections('ESTAB 0 0 [fe80::1%eth0]:80 [fe80::2%eth0]:4000\nESTAB 0 0 127.0.0.1:80\n', socket => listening.push(line(socket)))).toBe(1);
  expect(listening.at(-1)).toBe('ESTAB [fe80::1]:80 [fe80::2]:4000');
});

it('reads what ss prints without rights: no owners', () => {
  expect(parseSsTcpListeners('LISTEN 0 128 127.0.0.1%lo:8080 0.0.0.0:* ino:5 sk:1 <->\n')).toEqual([
    { kind: 'tcp', host: '127.0.0.1', port: 8080, queue: 0, backlog: 128, inode: 5, pids: [] },
  ]);
});

it('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      parseSsTcpListeners(`LISTEN 0 1 ${text}`);
      parseSsUnixListeners(`u_str LISTEN 0 1 ${text} 5 * 0`);
      scanSsConnections(`ESTAB 0 ${text}`, socket => line(socket));
    }),
  );
});
