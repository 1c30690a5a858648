import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parsePss } from './proc-smaps.ts';

it('reads the proportional size and not its parts', () => {
  const text = readFileSync(new URL('./proc-smaps.fixtures/linux-6.18.txt', import.meta.url), 'utf8');
  const printed = /^Pss: +(\d+) kB$/m.exec(text)?.[1];
  expect(parsePss(text)).toBe(Number(printed) * 1024);
  expect(parsePss('Pss_Anon: 4 kB\n')).toBeUndefined();
});
