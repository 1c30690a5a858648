import { Worker } from 'node:worker_threads';

/** A thread that runs a file of this folder, named without its ending; in the bundle all files lie in one folder. */
export function startThread(name: string, workerData?: unknown): Worker {
  return new Worker(new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url), {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 },
    // Nothing of the main thread's flags (an inspector, a loader) is for it.
    execArgv: [],
  });
}

/** Why a thread ended by an error, as a part of a sentence. */
export function whyFailed(error: unknown): string {
  return `a thread failed: ${error instanceof Error ? error.message : String(error)}`;
}

export const endedByItself = 'a thread ended by itself';
