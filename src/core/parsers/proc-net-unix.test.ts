import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseProcNetUnix } from './proc-net-unix.ts';

const text = readFileSync(new URL('./proc-net-unix.fixtures/linux-6.18.txt', import.meta.url), 'utf8');

it('finds listeners, and connections that wait to be accepted, at paths with blanks', () => {
  const found = parseProcNetUnix(text).filter(socket => socket.path === '/run/with blank.sock');
  expect(found.map(socket => socket.state)).toEqual(['waiting', 'waiting', 'listening']);
  expect(found[2]?.inode).toBe(161_390);
});

it('leaves out datagram sockets and those without a path', () => {
  const paths = parseProcNetUnix(text).map(socket => socket.path);
  expect(paths).toContain('/run/php/php8.2-fpm.sock');
  expect(paths).not.toContain('/run/systemd/notify');
  expect(paths).not.toContain('');
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), rubbish => parseProcNetUnix(rubbish).length >= 0));
});
