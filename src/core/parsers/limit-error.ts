/**
 * "I may open no more files" and "I may start no more processes or threads", as runtimes say it. Captured: Python 3.11,
 * Node 20.20; php-fpm, the JVM, Ruby, Go and uWSGI from their sources. Samples:
 *
 *   OSError: [Errno 24] Too many open files: '/etc/hostname'
 *   [Error: EMFILE: too many open files, open '/etc/hostname'] {
 *   RuntimeError: can't start new thread
 *   ERROR: fork() failed: Resource temporarily unavailable (11)
 */

/** The words of an errno 11 that is about a process or a thread and not about a socket. */
const starters = ['fork', 'thread', 'spawn', 'clone', 'process'];
const noThread = ["can't start new thread", "can't create thread", 'unable to create native thread', 'unable to create new native thread'];

/** The limit that the line names; `undefined` for other lines. ENFILE is the whole host's limit and no process's. */
export function findLimitError(text: string): 'too-many-open-files' | 'fork-failed' | undefined {
  // Deeper lines of a stack and of a dumped error repeat what its first line said.
  if (text.startsWith(' ') || text.startsWith('\t')) return undefined;
  const line = text.slice(0, 2000).toLowerCase();
  if (line.includes('too many open files in system')) return undefined;
  if (line.includes('too many open files') || line.includes('emfile: ')) return 'too-many-open-files';
  if (noThread.some(words => line.includes(words)) || line.includes('failed to create new os thread')) return 'fork-failed';
  if (line.includes('spawn') && line.includes(' eagain')) return 'fork-failed';
  if (line.startsWith('blockingioerror: [errno 11] resource temporarily unavailable')) return 'fork-failed';
  return line.includes('resource temporarily unavailable') && starters.some(word => line.includes(word)) ? 'fork-failed' : undefined;
}
