import { statSync } from 'node:fs';
import { isShared, sharing, startEarly, threadCount } from '../node/logs/early-workers.ts';
import { leastTextBytes, startText } from '../node/logs/text-thread.ts';

/** Options with which there may be nothing to share: a part of the log is read, or it is followed; or as many threads as are asked for. */
const doubtful = /^(?:--(?:since|until|threads|follow|help)(?:=|$)|-[a-z]*[fh])/iu;

/**
 * Starts the threads of `badhop logs` where its command line names a large log, or no other than a compressed one: they take as long to
 * start as the program takes to load. Never throws; what is wrong with the command line is told by the command.
 */
export function startThreadsEarly(argv: readonly string[]): void {
  if (argv.some(word => doubtful.test(word))) return;
  try {
    const files = argv.flatMap(path => fileAt(path));
    const [only] = files;
    if (files.some(({ path, size }) => isShared(size, path))) startEarly();
    else if (files.length === 1 && only !== undefined && isLongText(only)) startText(only.path);
  } catch {
    // Then they are started when they are needed, and it is told what is wrong.
  }
}

interface NamedFile {
  readonly path: string;
  readonly size: number;
}

function fileAt(path: string): readonly NamedFile[] {
  const stats = path.startsWith('-') ? undefined : statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? [{ path, size: stats.size }] : [];
}

function isLongText({ path, size }: NamedFile): boolean {
  return sharing.compressedName.test(path) && size >= leastTextBytes && threadCount(undefined) > 1;
}
