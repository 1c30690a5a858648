import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseOpenFilesLimit } from './proc-limits.ts';

it('reads the soft limit', () => {
  expect(parseOpenFilesLimit(readFileSync(new URL('./proc-limits.fixtures/linux-6.18.txt', import.meta.url), 'utf8'))).toBe(1024);
});

it('knows no limit where there is none', () => {
  expect(parseOpenFilesLimit('Max open files            unlimited            unlimited            files     \n')).toBeUndefined();
  expect(parseOpenFilesLimit('')).toBeUndefined();
});
