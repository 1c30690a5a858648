import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** What is used of `/proc/PID/status`. */
export interface ProcStatus {
  /** The effective ids, which decide about file rights. */
  readonly uid?: number;
  /** The effective group and the supplementary ones, each once. */
  readonly gids: readonly number[];
  readonly rssBytes?: number;
  readonly threads?: number;
}

/** Of `Uid`, `Gid`, `Groups`, `VmRSS` and `Threads`. */
const wantedInitials = 'UGVT';

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
  let uid: number | undefined;
  let rssBytes: number | undefined;
  let threads: number | undefined;
  const gids = new Set<number>();
  for (const line of linesOf(text, 200)) {
    // Of some fifty lines five are wanted, and there may be thousands of processes.
    if (!wantedInitials.includes(line.slice(0, 1))) continue;
    const colon = line.indexOf(':');
    const words = wordsOf(line.slice(colon + 1), 70_000);
    switch (line.slice(0, Math.max(0, colon))) {
      case 'Uid':
        uid = wholeNumber(words[1]);
        break;
      case 'Gid':
        addNumber(gids, words[1]);
        break;
      case 'Groups':
        for (const word of words) addNumber(gids, word);
        break;
      case 'VmRSS':
        rssBytes = kilobytes(words[0]);
        break;
      case 'Threads':
        threads = wholeNumber(words[0]);
        break;
      default:
    }
  }
  return {
    gids: [...gids],
    ...(uid === undefined ? {} : { uid }),
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(threads === undefined ? {} : { threads }),
  };
}

function addNumber(into: Set<number>, word: string | undefined): void {
  const value = wholeNumber(word);
  if (value !== undefined) into.add(value);
}

function kilobytes(word: string | undefined): number | undefined {
  const value = wholeNumber(word);
  return value === undefined ? undefined : value * 1024;
}
