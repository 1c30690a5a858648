/** The threads that read logs. Imports little of ours: it is loaded before all else, so that they start beside the rest of the program. */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { endedByItself, startThread, whyFailed } from './start-thread.ts';

const mebibyte = 1024 * 1024;
const mostThreads = 4;
/** A file of less is one job. */
const wholeBytes = 24 * mebibyte;
const compressedName = /\.(?:gz|zst|bz2|xz)$/iu;

/** How logs are shared among threads. */
export const sharing = { mostThreads, wholeBytes, compressedName } as const;

export interface StartedWorker {
  readonly worker: Worker;
  /** Why it ended; it may have before anybody gave it work. */
  readonly ended: Promise<string>;
}

let early: StartedWorker[] = [];

/** Threads that read, the main one among them, of as many as were asked for. */
export function threadCount(asked: number | undefined): number {
  return Math.max(1, Math.min(mostThreads, Math.floor(asked ?? availableParallelism())));
}

/** A file of this size and name is cut into ranges for several threads, where all of it is read. */
export function isShared(size: number, path: string): boolean {
  return size >= wholeBytes && !compressedName.test(path);
}

/** Starts the threads that `takeWorkers` will give, as many as there are by default. They do not keep the process alive. */
export function startEarly(): void {
  while (early.length < threadCount(undefined) - 1) {
    const started = startWorker();
    started.worker.unref();
    early.push(started);
  }
}

/** Those that were started early, as far as there are, and new ones. They begin to load what they need at once. */
export function takeWorkers(count: number): readonly StartedWorker[] {
  const taken = early.slice(0, count);
  early = early.slice(count);
  for (const { worker } of taken) worker.ref();
  while (taken.length < count) taken.push(startWorker());
  return taken;
}

/** Ends those that nobody took. */
export async function stopEarly(): Promise<void> {
  const left = early;
  early = [];
  await Promise.all(left.map(({ worker }) => worker.terminate()));
}

function startWorker(): StartedWorker {
  const worker = startThread('log-worker');
  const ended = new Promise<string>(resolve => {
    worker.on('error', error => resolve(whyFailed(error)));
    worker.on('exit', () => resolve(endedByItself));
  });
  return { worker, ended };
}
