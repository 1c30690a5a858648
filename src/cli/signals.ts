import { constants } from 'node:os';
import { endProcess } from './output.ts';

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ends badhop at once on Ctrl-C and its like, with the exit code that a shell gives to the signal. Left to itself the
 * signal would end badhop alone: the programs that it asks run in process groups of their own and would stay behind.
 */
export function endOnSignals(): void {
  for (const signal of ending) {
    // Once: whoever presses Ctrl-C again gets the system's own way.
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      endProcess(signal);
    });
  }
}
