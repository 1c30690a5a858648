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
    // A device's name and a mount point may hold blanks: the columns are counted from the percentage on.
    const words = wordsOf(line.slice(0, 4096));
    const at = words.findIndex((word, index) => index > 4 && word.startsWith('/') && /^(?:\d{1,3}%|-)$/.test(words[index - 1] ?? ''));
    if (at < 0) continue;
    const [total, available, mount] = [words[at - 4], words[at - 2], words.slice(at).join(' ')];
    found.push({ total: wholeNumber(total) ?? 0, available: wholeNumber(available) ?? 0, mount });
  }
  return found;
}

/** The words after `df: ` of its complaints, by path: `df: /nosuch: No such file or directory`. */
export function parseDfErrors(text: string): readonly string[] {
  return [...linesOf(text, 100)].filter(line => wordsOf(line, 1)[0] === 'df:').map(line => line.slice(4));
}
