import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * The soft limit on open files in `/proc/PID/limits`; `undefined` where there is none (`unlimited`). Sample (Linux 6.18):
 * `Max open files            1024                 20000                files     `
 */
export function parseOpenFilesLimit(text: string): number | undefined {
  return softLimit(text, 'Max open files ');
}

/** The soft limit on processes and threads of the process's user; `undefined` where there is none. */
export function parseProcessesLimit(text: string): number | undefined {
  return softLimit(text, 'Max processes ');
}

function softLimit(text: string, name: string): number | undefined {
  for (const line of linesOf(text, 100)) {
    if (line.startsWith(name)) return wholeNumber(wordsOf(line.slice(name.length))[0]);
  }
  return undefined;
}
