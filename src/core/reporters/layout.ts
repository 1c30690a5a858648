import { charWidth, escapeText } from './text.ts';

/** What a piece of text is, never which colour: `render` alone knows colours. */
export type Style = 'strong' | 'quiet' | 'bad' | 'warn' | 'good' | 'code';

export type Span = string | { readonly text: string; readonly style: Style };

/** A paragraph: wrapped at spaces within the width, its later rows hanging at `hang`. */
export interface Line {
  readonly spans: readonly Span[];
  readonly indent: number;
  readonly hang: number;
  /** Rows that it may take; the rest is cut with an ellipsis. */
  readonly maxRows?: number;
  /** Never broken or cut: a command to copy. */
  readonly whole?: true;
}

export interface Look {
  readonly width: number;
  readonly colour: boolean;
  readonly unicode: boolean;
}

interface Cell {
  readonly char: string;
  readonly width: number;
  readonly style: Style | undefined;
}

/** A space at which no row ends. */
export const glue = '\u00A0';

// A text longer than this is cut before it is laid out, so that no log line costs more than a screen.
const longestText = 8192;

const colours: Readonly<Record<Style, readonly [string, string]>> = {
  strong: ['\u001B[1m', '\u001B[22m'],
  quiet: ['\u001B[2m', '\u001B[22m'],
  bad: ['\u001B[1;31m', '\u001B[22;39m'],
  warn: ['\u001B[33m', '\u001B[39m'],
  good: ['\u001B[32m', '\u001B[39m'],
  code: ['\u001B[36m', '\u001B[39m'],
};

/** A paragraph at an indent. */
export function line(indent: number, spans: readonly Span[] | Span, options: { readonly hang?: number; readonly maxRows?: number } = {}): Line {
  const { hang = indent, ...rest } = options;
  return { spans: isList(spans) ? spans : [spans], indent, hang, ...rest };
}

/** A command to copy: on one line, however long. */
export function wholeLine(indent: number, spans: readonly Span[] | Span): Line {
  return { spans: isList(spans) ? spans : [spans], indent, hang: indent, whole: true };
}

export function styled(style: Style, text: string): Span {
  return { text, style };
}

/** The lines as terminal text, without a final newline. Every character is escaped here, whoever wrote it. */
export function render(lines: readonly Line[], look: Look): string {
  return lines
    .flatMap(each => rowsOf(each, look))
    .map(row => row.trimEnd())
    .join('\n');
}

/** Rows that the lines take on a screen of this width. */
export function countRows(lines: readonly Line[], look: Look): number {
  const plain = { ...look, colour: false };
  return lines.reduce((sum, each) => sum + (each.whole ? screenRows(each, plain) : rowsOf(each, plain).length), 0);
}

function screenRows(whole: Line, look: Look): number {
  const width = cellsOf(whole.spans, look).reduce((sum, cell) => sum + cell.width, whole.indent);
  return Math.max(1, Math.ceil(width / look.width));
}

function rowsOf(each: Line, look: Look): string[] {
  const cells = cellsOf(each.spans, look);
  if (each.whole) return [' '.repeat(each.indent) + paint(cells, look)];
  const rows: string[] = [];
  let start = 0;
  do {
    const indent = rows.length === 0 ? each.indent : each.hang;
    const room = Math.max(8, look.width - indent);
    const isLast = rows.length + 1 === each.maxRows;
    const end = isLast && !fits(cells, start, room) ? cutEnd(cells, start, room - 1) : rowEnd(cells, start, room);
    const isCut = isLast && end < cells.length;
    rows.push(' '.repeat(indent) + paint(cells.slice(start, end), look) + (isCut ? ellipsis(look) : ''));
    if (isCut) return rows;
    start = end;
    while (cells[start]?.char === ' ') start++;
  } while (start < cells.length);
  return rows;
}

/** Where a row that starts at `start` ends: behind the last word that fits, or amid a word longer than the row. */
function rowEnd(cells: readonly Cell[], start: number, room: number): number {
  if (fits(cells, start, room)) return cells.length;
  const end = cutEnd(cells, start, room);
  for (let at = end; at > start; at--) {
    if (cells[at]?.char === ' ') return at;
    // A long path or URL breaks behind a separator before it breaks anywhere.
    if (end - at < 24 && at < end && /[/,;&?]/u.test(cells[at]?.char ?? '') && !hasSpace(cells, Math.max(start, end - 24), end)) return at + 1;
  }
  return end;
}

function hasSpace(cells: readonly Cell[], from: number, to: number): boolean {
  return cells.slice(from, to + 1).some(cell => cell.char === ' ');
}

function cutEnd(cells: readonly Cell[], start: number, room: number): number {
  let used = 0;
  let at = start;
  for (; at < cells.length; at++) {
    used += cells[at]?.width ?? 0;
    if (used > room) break;
  }
  return Math.max(at, start + 1);
}

function fits(cells: readonly Cell[], start: number, room: number): boolean {
  let used = 0;
  for (let at = start; at < cells.length; at++) {
    used += cells[at]?.width ?? 0;
    if (used > room) return false;
  }
  return true;
}

function cellsOf(spans: readonly Span[], look: Look): Cell[] {
  return spans.flatMap(span => {
    const { text, style } = typeof span === 'string' ? { text: span, style: undefined } : span;
    const short = text.length > longestText ? `${text.slice(0, longestText)} … (${text.length} characters)` : text;
    const escaped = (look.unicode ? short : plainMarks(short)).split(glue).map(part => escapeText(part, !look.unicode));
    return Array.from(escaped.join(glue), char => ({ char, width: charWidth(char), style }));
  });
}

function paint(cells: readonly Cell[], look: Look): string {
  let text = '';
  let current: Style | undefined;
  for (const cell of cells) {
    if (look.colour && cell.style !== current) {
      text += (current ? colours[current][1] : '') + (cell.style ? colours[cell.style][0] : '');
      current = cell.style;
    }
    text += cell.char === glue ? ' ' : cell.char;
  }
  return look.colour && current ? text + colours[current][1] : text;
}

function ellipsis(look: Look): string {
  return look.unicode ? '…' : '~';
}

const asciiMarks: Readonly<Record<string, string>> = {
  '✗': 'x',
  '✓': '+',
  '→': '->',
  '…': '...',
  '·': '-',
  '–': '-',
  '—': '-',
  '’': "'",
  '“': '"',
  '”': '"',
  '≥': '>=',
  '≤': '<=',
  '×': 'x',
};

/** badhop's own marks in ASCII, for terminals that have nothing else. */
function plainMarks(text: string): string {
  return text.replace(/[✗✓→…·–—’“”≥≤×]/gu, mark => asciiMarks[mark] ?? mark);
}

function isList(spans: readonly Span[] | Span): spans is readonly Span[] {
  return Array.isArray(spans);
}
