import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseOpenFilesLimit, parseProcessesLimit } from './proc-limits.ts';

it('reads the soft limit', () => {
  expect(parseOpenFilesLimit(readFileSync(new URL('./proc-limits.fixtures/linux-6.18.txt', import.meta.url), 'utf8'))).toBe(1024);
});

it('knows no limit where there is none', () => {
  expect(parseOpenFilesLimit('Max open files            unlimited            unlimited            files     \n')).toBeUndefined();
  expect(parseOpenFilesLimit('')).toBeUndefined();
});

it('reads the limit on processes', () => {
  expect(parseProcessesLimit('Max processes             96365                96365                processes \n')).toBe(96_365);
  expect(parseProcessesLimit('Max processes             unlimited            unlimited            processes \n')).toBeUndefined();
});
