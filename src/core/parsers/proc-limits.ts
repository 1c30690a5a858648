import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * The soft limit on open files in `/proc/PID/limits`; `undefined` where there is none (`unlimited`). Sample (Linux 6.18):
 * `Max open files            1024                 20000                files     `
 */
export function parseOpenFilesLimit(text: string): number | undefined {
  const name = 'Max open files ';
  for (const line of linesOf(text, 100)) {
    if (line.startsWith(name)) return wholeNumber(wordsOf(line.slice(name.length))[0]);
  }
  return undefined;
}
