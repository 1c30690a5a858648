/**
 * Comments that silence a rule on their own line, or on the next line that holds a directive where they stand alone:
 *
 *     proxy_pass http://localhost:3000;   # badhop-ignore localhost-ipv6-mismatch: the app listens on both
 *     # badhop-ignore resolver-missing, proxy-loop: the name is an upstream's
 */
import type { ConfigFile } from '../model/facts/nginx.ts';
import { nginxConfPieces } from '../parsers/nginx-conf-lexer.ts';
import { textFromLatin1 } from '../parsers/latin1.ts';
import type { Spot } from './rule.ts';

export interface IgnoreComment {
  readonly at: Spot;
  readonly ids: readonly string[];
  /** Empty where none is given. */
  readonly reason: string;
  /** The line that it silences. */
  readonly line: number;
}

const word = 'badhop-ignore';

/** The comments of one file. Only files that hold the word at all are taken apart. */
export function ignoresIn({ path, text }: ConfigFile): readonly IgnoreComment[] {
  if (!text.includes(word)) return [];
  const found: { comment: Omit<IgnoreComment, 'line'>; own: number; standsAlone: boolean }[] = [];
  /** Lines on which a word stands, in order; a comment alone on its line is for the first of them behind it. */
  const lines: number[] = [];
  for (const piece of nginxConfPieces(text)) {
    if (piece.kind === 'comment') {
      const comment = textFromLatin1(text.slice(piece.start, piece.end)).replace(/\r$/, '');
      const match = /^#+\s*badhop-ignore\b\s*([^:]*)(?::(.*))?$/u.exec(comment);
      if (match === null) continue;
      const ids = (match[1] ?? '').split(/[\s,]+/).filter(id => id !== '');
      const end = piece.start + text.slice(piece.start, piece.end).trimEnd().length;
      const comments = { at: { path, start: piece.start, end }, ids, reason: (match[2] ?? '').trim() };
      found.push({ comment: comments, own: piece.line, standsAlone: lines.at(-1) !== piece.line });
    } else if (piece.kind !== 'space' && piece.kind !== 'bom' && lines.at(-1) !== piece.line) lines.push(piece.line);
  }
  return found.map(({ comment, own, standsAlone }) => ({ ...comment, line: standsAlone ? (firstAfter(lines, own) ?? own) : own }));
}

function firstAfter(lines: readonly number[], line: number): number | undefined {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? 0) > line) high = middle;
    else low = middle + 1;
  }
  return lines[low];
}
