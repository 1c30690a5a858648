import type { ConfigFile } from '../model/facts/nginx.ts';
import type { LintSpan } from '../model/lint.ts';
import { LineIndex } from '../model/line-index.ts';
import { textFromLatin1 } from '../parsers/latin1.ts';
import type { Spot } from './rule.ts';

/** Longer lines are cut in what is shown: a minified file has one line. */
const longestShown = 400;

/** Counts lines and columns of byte ranges, each file's line starts once. */
export class Places {
  private readonly texts: ReadonlyMap<string, string>;
  private readonly indexes = new Map<string, LineIndex>();
  private readonly shownPath: (path: string) => string;

  constructor(files: readonly ConfigFile[], shownPath: (path: string) => string) {
    this.texts = new Map(files.map(file => [file.path, file.text]));
    this.shownPath = shownPath;
  }

  /** 1-based line of a byte. */
  lineOf(path: string, at: number): number {
    return this.indexOf(path).lineOf(at);
  }

  /** A line without its end, one character a byte. */
  rawLine(path: string, line: number): string {
    const text = this.texts.get(path) ?? '';
    const { starts } = this.indexOf(path);
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
    const start = this.indexOf(path).starts[line - 1] ?? this.texts.get(path)?.length ?? 0;
    const raw = this.rawLine(path, line);
    const indent = raw.trim() === '' ? 0 : raw.length - raw.trimStart().length;
    return { path, start: start + indent, end: start + raw.trimEnd().length };
  }

  private columnOf(path: string, line: number, at: number): number {
    const from = this.indexOf(path).starts[line - 1] ?? 0;
    const before = (this.texts.get(path) ?? '').slice(from, Math.min(at, from + 65_536));
    return Array.from(textFromLatin1(before)).length + 1;
  }

  private indexOf(path: string): LineIndex {
    const index = this.indexes.get(path) ?? new LineIndex(this.texts.get(path) ?? '');
    this.indexes.set(path, index);
    return index;
  }
}
