import { constants } from 'node:os';
import { endProcess } from './output.ts';

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let onFirstInterrupt: (() => void) | undefined;
let onAnyEnding: (() => void) | undefined;

/**
 * Ends badhop at once on Ctrl-C and its like, with the exit code that a shell gives to the signal. Left to itself the
 * signal would end badhop alone: the programs that it asks run in process groups of their own and would stay behind.
 */
export function endOnSignals(): void {
  for (const signal of ending) {
    // Once: whoever presses Ctrl-C again gets the system's own way.
    process.once(signal, function end() {
      if (onAnyEnding !== undefined) {
        // What is being changed must come to its end; a lost connection sends its signals only once.
        process.once(signal, end);
        onAnyEnding();
        return;
      }
      if (signal === 'SIGINT' && onFirstInterrupt !== undefined) {
        process.once(signal, end);
        const tell = onFirstInterrupt;
        onFirstInterrupt = undefined;
        tell();
        return;
      }
      process.exitCode = 128 + constants.signals[signal];
      endProcess(signal);
    });
  }
}

/** The exit code that a shell gives to a program that Ctrl-C ended. */
export const interruptedCode = 128 + constants.signals.SIGINT;

/** The first Ctrl-C calls this instead of ending badhop; the second ends it. The result takes it back. */
export function onInterrupt(tell: () => void): () => void {
  onFirstInterrupt = tell;
  return () => {
    onFirstInterrupt = undefined;
  };
}

/** Until the result is called, no signal of these ends badhop: each of them calls this instead, which has to bring it to its end. */
export function holdSignals(tell: () => void): () => void {
  onAnyEnding = tell;
  return () => {
    onAnyEnding = undefined;
  };
}
