import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSsTcpListeners, parseSsUnixListeners } from './ss.ts';

const sample = (name: string): string => readFileSync(new URL(`./ss.fixtures/${name}`, import.meta.url), 'utf8');

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
    }),
  );
});
