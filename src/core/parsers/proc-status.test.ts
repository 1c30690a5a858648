import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseMayExceedLimits, parseProcStatus, parseShrunk } from './proc-status.ts';

it('reads ids, memory and threads', () => {
  const text = readFileSync(new URL('./proc-status.fixtures/linux-6.18.txt', import.meta.url), 'utf8');
  expect(parseProcStatus(text)).toEqual({ uid: 33, gids: [33], rssBytes: expect.any(Number), threads: 1 });
});

it('takes the effective ids and every supplementary group once', () => {
  expect(parseProcStatus('Uid:\t0\t33\t33\t33\nGid:\t0\t33\t33\t33\nGroups:\t4 33 1000 \n')).toEqual({ uid: 33, gids: [33, 4, 1000] });
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parseProcStatus(text).gids.length >= 0));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => [true, false, undefined].includes(parseMayExceedLimits(`CapEff:${text}`))));
});

it('tells how much larger a process once was', () => {
  expect(parseShrunk('Name:\tphp-fpm\nVmHWM:\t   17400 kB\nVmRSS:\t    4160 kB\n')).toBe(13_240 * 1024);
  expect(parseShrunk('VmHWM:\t 4160 kB\nVmRSS:\t 4200 kB\n')).toBe(0);
  expect(parseShrunk('VmRSS:\t 4200 kB\n')).toBeUndefined();
});

it.each([
  ['000001ffffffffff', true],
  ['0000000001000000', true],
  ['000001fffeffffff', false],
  ['0000000000000000', false],
  ['none', undefined],
  ['', undefined],
])('tells of the capabilities %s whether limits hold', (mask, may) => {
  expect(parseMayExceedLimits(`CapPrm:\t0000000000000000\nCapEff:\t${mask}\nCapBnd:\t000001ffffffffff\n`)).toBe(may);
});
