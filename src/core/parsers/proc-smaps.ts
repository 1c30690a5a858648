import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * The proportional set size in bytes of `/proc/PID/smaps_rollup` (Linux ≥ 4.14): shared pages are divided among
 * those that share them, so the sizes of forked workers may be added up. Sample: `Pss:                1150 kB`.
 */
export function parsePss(text: string): number | undefined {
  return bytesOf(text, 'Pss:');
}

/** The share of the process in swapped pages, in bytes, of the same file: it comes back into memory when it is used. Sample: `SwapPss:        0 kB`. */
export function parseSwapPss(text: string): number | undefined {
  return bytesOf(text, 'SwapPss:');
}

function bytesOf(text: string, name: string): number | undefined {
  for (const line of linesOf(text, 100)) {
    if (!line.startsWith(name)) continue;
    const value = wholeNumber(wordsOf(line.slice(name.length))[0]);
    return value === undefined ? undefined : value * 1024;
  }
  return undefined;
}
