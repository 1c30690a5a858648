import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCpuMax, parseCpuQuota, parseInactiveFile, parseMemoryLimit } from './cgroup-files.ts';

it.each([
  ['536870912\n', 536_870_912],
  ['1024\n', 1024],
  ['max\n', undefined],
  ['9223372036854771712\n', undefined],
  ['-1\n', undefined],
  ['', undefined],
])('%j is a limit of %s bytes', (text, bytes) => {
  expect(parseMemoryLimit(text)).toBe(bytes);
});

it('counts the files of groups below on v1, and has one number on v2', () => {
  const v1 = readFileSync(new URL('./cgroup-files.fixtures/memory-stat-v1-linux-6.18.txt', import.meta.url), 'utf8');
  expect(parseInactiveFile(v1)).toBe(Number(/^total_inactive_file (\d+)$/m.exec(v1)?.[1]));
  expect(parseInactiveFile('anon 1000\nfile 9000\ninactive_file 7000\n')).toBe(7000);
  expect(parseInactiveFile('rubbish')).toBe(0);
});

it('reads the processors of both versions', () => {
  expect(parseCpuMax('150000 100000\n')).toBe(1.5);
  expect(parseCpuMax('max 100000\n')).toBeUndefined();
  expect(parseCpuQuota('200000\n', '100000\n')).toBe(2);
  expect(parseCpuQuota('-1\n', '100000\n')).toBeUndefined();
});

it('takes any text, and gives no number below zero', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const numbers = [parseMemoryLimit(text), parseInactiveFile(text), parseCpuMax(text), parseCpuQuota(text, text)];
      return numbers.every(number => number === undefined || (Number.isFinite(number) && number >= 0));
    }),
  );
});
