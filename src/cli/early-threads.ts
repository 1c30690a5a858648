import { statSync } from 'node:fs';
import { isShared, startEarly } from '../node/logs/early-workers.ts';

/** Options with which there may be nothing to share: a part of the log is read, or it is followed; or as many threads as are asked for. */
const doubtful = /^(?:--(?:since|until|threads|follow|help)(?:=|$)|-[a-z]*[fh])/iu;

/**
 * Starts the threads of `badhop logs` where its command line names a large log: they take as long to start as the program
 * takes to load. Never throws; what is wrong with the command line is told by the command.
 */
export function startThreadsEarly(argv: readonly string[]): void {
  if (argv.some(word => doubtful.test(word))) return;
  try {
    if (argv.some(word => isLargeFile(word))) startEarly();
  } catch {
    // Then they are started when they are needed, and it is told what is wrong.
  }
}

function isLargeFile(path: string): boolean {
  const stats = path.startsWith('-') ? undefined : statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.isFile() && isShared(stats.size, path);
}
