import { wholeNumber, wordsOf } from './text.ts';

/** What is used of `/proc/PID/status`. */
export interface ProcStatus {
  /** The effective ids, which decide about file rights. */
  readonly uid?: number;
  /** The effective group and the supplementary ones, each once. */
  readonly gids: readonly number[];
  readonly rssBytes?: number;
  readonly threads?: number;
}

/**
 * Reads `/proc/PID/status` (proc_pid_status(5)). Sample (Linux 6.18):
 * ```
 * Uid:	33	33	33	33
 * Gid:	33	33	33	33
 * Groups:	33
 * VmRSS:	    4160 kB
 * ```
 */
export function parseProcStatus(text: string): ProcStatus {
  const gids = new Set<number>();
  addNumber(gids, wordsOf(fieldOf(text, 'Gid'))[1]);
  for (const word of wordsOf(fieldOf(text, 'Groups'), 70_000)) addNumber(gids, word);
  const uid = wholeNumber(wordsOf(fieldOf(text, 'Uid'))[1]);
  const rssBytes = kilobytes(wordsOf(fieldOf(text, 'VmRSS'))[0]);
  const threads = wholeNumber(wordsOf(fieldOf(text, 'Threads'))[0]);
  return {
    gids: [...gids],
    ...(uid === undefined ? {} : { uid }),
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(threads === undefined ? {} : { threads }),
  };
}

/**
 * How much larger the process's resident set once was than it is now, in bytes, of the same file. A worker that gives memory back after
 * each request needs so much more while it works on one. Sample: `VmHWM:	   17400 kB` beside `VmRSS:	    4160 kB`.
 */
export function parseShrunk(text: string): number | undefined {
  const peak = kilobytes(wordsOf(fieldOf(text, 'VmHWM'))[0]);
  const now = kilobytes(wordsOf(fieldOf(text, 'VmRSS'))[0]);
  return peak === undefined || now === undefined ? undefined : Math.max(0, peak - now);
}

/** In the order of capabilities(7), from 0. */
const resourceBit = 24n;

/**
 * Whether the process may raise its limits above the hard ones (CAP_SYS_RESOURCE in effect); `undefined` where its capabilities do not stand
 * there. Sample of a root process on a machine without that capability: `CapEff:	000001fffeffffff`.
 */
export function parseMayExceedLimits(text: string): boolean | undefined {
  const word = wordsOf(fieldOf(text, 'CapEff'))[0] ?? '';
  return /^[0-9a-f]{1,16}$/i.test(word) ? ((BigInt(`0x${word}`) >> resourceBit) & 1n) === 1n : undefined;
}

/** What stands behind a name at the start of a line. There may be thousands of processes: their other fifty lines are not looked at. */
function fieldOf(text: string, name: string): string {
  const start = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1;
  if (start === 0 && !text.startsWith(`${name}:`)) return '';
  const from = start + name.length + 1;
  const end = text.indexOf('\n', from);
  return text.slice(from, end < 0 ? text.length : end);
}

function addNumber(into: Set<number>, word: string | undefined): void {
  const value = wholeNumber(word);
  if (value !== undefined) into.add(value);
}

function kilobytes(word: string | undefined): number | undefined {
  const value = wholeNumber(word);
  return value === undefined ? undefined : value * 1024;
}
