import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** What a process may have now, and up to what it may raise that itself. */
export interface SoftAndHard {
  /** `undefined` where there is none (`unlimited`). */
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/**
 * The limit on open files in `/proc/PID/limits`. Sample (Linux 6.18):
 * `Max open files            1024                 20000                files     `
 */
export function parseOpenFilesLimit(text: string): SoftAndHard {
  return limitOf(text, 'Max open files ');
}

/** The soft limit on processes and threads of the process's user; `undefined` where there is none. */
export function parseProcessesLimit(text: string): number | undefined {
  return limitOf(text, 'Max processes ').soft;
}

function limitOf(text: string, name: string): SoftAndHard {
  for (const line of linesOf(text, 100)) {
    if (!line.startsWith(name)) continue;
    const [soft, hard] = wordsOf(line.slice(name.length));
    return { soft: wholeNumber(soft), hard: wholeNumber(hard) };
  }
  return { soft: undefined, hard: undefined };
}
