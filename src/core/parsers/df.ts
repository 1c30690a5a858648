import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** One line of `df -P`: counts of bytes (`-B1`) or of inodes (`-i`), as df was asked. */
export interface DfLine {
  readonly total: number;
  readonly available: number;
  readonly mount: string;
}

/**
 * Reads `df -P -B1 PATH…` or `df -P -i PATH…`: one line an argument in their order; paths that df could not read have
 * none. File systems without inodes print `-`, taken as 0. Sample (coreutils 9.1):
 * ```
 * Filesystem        1-blocks    Used   Available Capacity Mounted on
 * overlay        12638253056 8462336 12629790720       1% /
 * ```
 */
export function parseDf(text: string): readonly DfLine[] {
  const found: DfLine[] = [];
  for (const line of linesOf(text, 1000)) {
    // A device name may hold blanks: the columns are counted from the percentage on.
    const match = / +(\d+|-) +(\d+|-) +(-?\d+|-) +(\d+%|-) +(\/.*)$/.exec(line.slice(0, 4096));
    const mount = match?.[5];
    if (match === null || mount === undefined) continue;
    found.push({ total: wholeNumber(match[1]) ?? 0, available: wholeNumber(match[3]) ?? 0, mount });
  }
  return found;
}

/** The words after `df: ` of its complaints, by path: `df: /nosuch: No such file or directory`. */
export function parseDfErrors(text: string): readonly string[] {
  return [...linesOf(text, 100)].filter(line => wordsOf(line, 1)[0] === 'df:').map(line => line.slice(4));
}
