import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseOpenFilesLimit, parseProcessesLimit } from './proc-limits.ts';

it('reads both limits on open files', () => {
  const text = readFileSync(new URL('./proc-limits.fixtures/linux-6.18.txt', import.meta.url), 'utf8');
  expect(parseOpenFilesLimit(text)).toEqual({ soft: 1024, hard: 20_000 });
});

it('knows no limit where there is none', () => {
  const none = { soft: undefined, hard: undefined };
  expect(parseOpenFilesLimit('Max open files            unlimited            unlimited            files     \n')).toEqual(none);
  expect(parseOpenFilesLimit('')).toEqual(none);
});

it('reads the limit on processes', () => {
  expect(parseProcessesLimit('Max processes             96365                96365                processes \n')).toBe(96_365);
  expect(parseProcessesLimit('Max processes             unlimited            unlimited            processes \n')).toBeUndefined();
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parseOpenFilesLimit(`Max open files ${text}`).soft !== -1));
});
