import type { ConfigFile } from '../model/facts/nginx.ts';
import type { LintSpan } from '../model/lint.ts';
import { textFromLatin1 } from '../parsers/latin1.ts';
import type { Spot } from './rule.ts';

/** Longer lines are cut in what is shown: a minified file has one line. */
const longestShown = 400;

/** Counts lines and columns of byte ranges, each file's line starts once. */
export class Places {
  private readonly texts: ReadonlyMap<string, string>;
  private readonly starts = new Map<string, readonly number[]>();
  private readonly shownPath: (path: string) => string;

  constructor(files: readonly ConfigFile[], shownPath: (path: string) => string) {
    this.texts = new Map(files.map(file => [file.path, file.text]));
    this.shownPath = shownPath;
  }

  /** 1-based line of a byte. */
  lineOf(path: string, at: number): number {
    const starts = this.startsOf(path);
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** A line without its end, one character a byte. */
  rawLine(path: string, line: number): string {
    const text = this.texts.get(path) ?? '';
    const starts = this.startsOf(path);
    const from = starts[line - 1];
    if (from === undefined) return '';
    return text.slice(from, (starts[line] ?? text.length + 1) - 1).replace(/\r$/, '');
  }

  span({ path, start, end }: Spot): LintSpan {
    const line = this.lineOf(path, start);
    const endLine = this.lineOf(path, Math.max(start, end - 1));
    const raw = this.rawLine(path, line);
    return {
      path: this.shownPath(path),
      line,
      column: this.columnOf(path, line, start),
      endLine,
      endColumn: this.columnOf(path, endLine, end),
      source: textFromLatin1(raw.length > longestShown ? `${raw.slice(0, longestShown)}...` : raw),
    };
  }

  /** A whole line, for what has no range of its own. */
  wholeLine(path: string, line: number): Spot {
    const start = this.startsOf(path)[line - 1] ?? this.texts.get(path)?.length ?? 0;
    const raw = this.rawLine(path, line);
    const indent = raw.trim() === '' ? 0 : raw.length - raw.trimStart().length;
    return { path, start: start + indent, end: start + raw.trimEnd().length };
  }

  private columnOf(path: string, line: number, at: number): number {
    const from = this.startsOf(path)[line - 1] ?? 0;
    const before = (this.texts.get(path) ?? '').slice(from, Math.min(at, from + 65_536));
    return Array.from(textFromLatin1(before)).length + 1;
  }

  private startsOf(path: string): readonly number[] {
    const known = this.starts.get(path);
    if (known !== undefined) return known;
    const text = this.texts.get(path) ?? '';
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.starts.set(path, starts);
    return starts;
  }
}
