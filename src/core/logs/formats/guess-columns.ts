/**
 * Takes lines of an unknown access format apart into columns, by what people put between values: spaces with quotes and
 * brackets, bars or tabs.
 *
 *     10.0.0.1 - [21/Nov/2026:01:55:14 +0000] "GET / HTTP/1.1" 502 157 rt=0.001 us="502, 200"
 */

export interface Cell {
  /** What stands before the value since the one before it. */
  readonly before: string;
  readonly value: string;
  /** The character that ends it; '' at the end of the line. */
  readonly until: string;
}

export interface Column {
  readonly before: string;
  readonly until: string;
  /** `rt` of `rt=0.001`. */
  readonly label?: string;
  /** One a line. */
  readonly values: readonly string[];
}

export interface Columns {
  readonly columns: readonly Column[];
  /** Lines that have this layout. */
  readonly lines: number;
}

const mostColumns = 64;
/** Of the lines, those that the commonest layout must have. */
const leastShare = 0.95;

/** The layout that nearly all lines have, if there is one. */
export function findColumns(lines: readonly string[]): Columns | undefined {
  const delimiter = delimiterOf(lines);
  const layouts = new Map<string, Cell[][]>();
  for (const line of lines) {
    const cells = delimiter === undefined ? spacedCells(line) : delimitedCells(line, delimiter);
    if (cells === undefined) continue;
    const key = JSON.stringify(cells.map(({ before, until }) => [before, until]));
    const list = layouts.get(key);
    if (list === undefined) layouts.set(key, [cells]);
    else list.push(cells);
  }
  const [rows] = [...layouts.values()].sort((a, b) => b.length - a.length);
  const first = rows?.[0];
  if (rows === undefined || first === undefined || rows.length < lines.length * leastShare) return undefined;
  const columns = first.map(({ before, until }, index): Column => {
    const label = /([A-Za-z_][\w.-]{0,40})=["[]?$/u.exec(before)?.[1];
    return { before, until, values: rows.map(row => row[index]?.value ?? ''), ...(label === undefined ? {} : { label: label.toLowerCase() }) };
  });
  return { columns: withZones(columns), lines: rows.length };
}

/** A time and the zone behind its space are one value. */
function withZones(columns: readonly Column[]): readonly Column[] {
  return columns.flatMap((column, index): readonly Column[] => {
    const [previous, next] = [columns[index - 1], columns[index + 1]];
    if (previous !== undefined && isClock(previous) && isZone(column)) return [];
    if (next === undefined || !isClock(column) || !isZone(next)) return [column];
    return [{ ...column, until: next.until, values: column.values.map((value, row) => `${value} ${next.values[row] ?? ''}`) }];
  });
}

function isClock({ values, until }: Column): boolean {
  return until === ' ' && values.every(value => /^(?:\d\d\/[A-Z][a-z]{2}\/|\d{4}-\d\d-\d\d[T ])?[\d:]{8,13}(?:[.,]\d{1,9})?$/u.test(value));
}

function isZone({ values, before }: Column): boolean {
  return before === ' ' && values.every(value => /^[+-]\d\d:?\d\d$/u.test(value));
}

/** A bar or a tab that stands equally often, and more than three times, in all of the lines. */
function delimiterOf(lines: readonly string[]): string | undefined {
  return ['\t', '|', ';'].find(one => {
    const counts = lines.map(line => line.split(one).length);
    const [count = 0] = counts;
    const same = counts.filter(each => each === count).length;
    return count > 4 && same >= lines.length * leastShare;
  });
}

function delimitedCells(line: string, delimiter: string): Cell[] | undefined {
  const parts = line.split(delimiter);
  if (parts.length > mostColumns) return undefined;
  let open = '';
  return parts.map((part, index): Cell => {
    const isLast = index === parts.length - 1;
    const quote = /^ ?(?:[A-Za-z_][\w.-]{0,40}=)?"/u.exec(part)?.[0];
    const isQuoted = quote !== undefined && part.length > quote.length && /" ?$/u.test(part);
    const label = isQuoted ? quote : (/^ ?(?:[A-Za-z_][\w.-]{0,40}=)?/u.exec(part)?.[0] ?? '');
    const before = `${open}${label}`;
    if (!isQuoted) {
      open = delimiter;
      return { before, value: part.slice(label.length), until: isLast ? '' : delimiter };
    }
    const end = part.lastIndexOf('"');
    open = `${part.slice(end)}${isLast ? '' : delimiter}`;
    return { before, value: part.slice(label.length, end), until: '"' };
  });
}

const isAddressWithPort = /^\[[0-9a-fA-F:.]{2,39}\]:\d/u;

/** Values between spaces; those in quotes or brackets may hold spaces, and so may lists. */
function spacedCells(line: string): Cell[] | undefined {
  const cells: Cell[] = [];
  let before = '';
  for (let at = 0; at <= line.length;) {
    if (cells.length === mostColumns) return undefined;
    const label = /^[A-Za-z_][\w.-]{0,40}=/u.exec(line.slice(at, at + 48))?.[0] ?? '';
    before += label;
    at += label.length;
    // `[::1]:8080` is one value, that of `[::1]` another.
    const opening = line[at] === '[' && isAddressWithPort.test(line.slice(at, at + 48)) ? '' : line[at];
    const closing = opening === '"' ? '"' : opening === '[' ? ']' : '';
    const from = closing === '' ? at : at + 1;
    const to = closing === '' ? bareEnd(line, from) : closedEnd(line, from, closing);
    if (to === -1) return undefined;
    if (closing !== '') before += opening;
    const until = closing === '' ? (to === line.length ? '' : ' ') : closing;
    cells.push({ before, value: line.slice(from, to), until });
    const next = to + closing.length;
    if (next === line.length) return cells;
    if (line[next] !== ' ') return undefined;
    before = `${closing} `;
    at = next + 1;
  }
  return undefined;
}

function closedEnd(line: string, from: number, closing: string): number {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === '\\' && closing === '"') at += 1;
    // `[[::1]:80]`: the bracket that ends it has a space or nothing behind it.
    else if (line[at] === closing && (closing === '"' || at + 1 === line.length || line[at + 1] === ' ')) return at;
  }
  return -1;
}

/** As a plan's `list` is read: a space behind a comma, or around ` : `, ends nothing. */
function bareEnd(line: string, from: number): number {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] !== ' ') continue;
    const isInside = (at > from && line[at - 1] === ',') || line.startsWith(': ', at + 1) || (at - 2 >= from && line.startsWith(' :', at - 2));
    if (!isInside) return at;
  }
  return line.length;
}
