import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * The proportional set size in bytes of `/proc/PID/smaps_rollup` (Linux ≥ 4.14): shared pages are divided among
 * those that share them, so the sizes of forked workers may be added up. Sample: `Pss:                1150 kB`.
 */
export function parsePss(text: string): number | undefined {
  for (const line of linesOf(text, 100)) {
    if (!line.startsWith('Pss:')) continue;
    const value = wholeNumber(wordsOf(line.slice(4))[0]);
    return value === undefined ? undefined : value * 1024;
  }
  return undefined;
}
