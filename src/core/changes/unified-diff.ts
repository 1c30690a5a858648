import { textFromLatin1 } from '../parsers/latin1.ts';

const context = 3;
// Two texts that differ in more lines than this are shown as one block that goes and one that comes.
const mostDifferences = 400;

/** A line of the old text that goes, one that comes, or one of both. */
type Row = readonly [mark: ' ' | '-' | '+', text: string];

/**
 * A unified diff of two files, empty where they are the same. Texts have one character a byte; `undefined` is no file. The
 * result is for showing: bytes that are no UTF-8 become U+FFFD, and a carriage return stays in its line.
 */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  const rows = rowsOf(linesOf(before), linesOf(after));
  const hunks = hunksOf(rows);
  if (hunks.length === 0) return '';
  const head = [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${after === undefined ? '/dev/null' : path}`];
  return [...head, ...hunks].join('\n');
}

function linesOf(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines.push('\\ No newline at end of file');
  return lines;
}

function rowsOf(old: readonly string[], next: readonly string[]): readonly Row[] {
  let same = 0;
  while (same < old.length && same < next.length && old[same] === next[same]) same++;
  let tail = 0;
  while (tail < old.length - same && tail < next.length - same && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail++;
  const middle = shortest(old.slice(same, old.length - tail), next.slice(same, next.length - tail));
  const both = (lines: readonly string[]): Row[] => lines.map(text => [' ', text] as const);
  return [...both(old.slice(0, same)), ...middle, ...both(old.slice(old.length - tail))];
}

/** The shortest way from one to the other. Source: E. W. Myers, An O(ND) difference algorithm, 1986. */
function shortest(old: readonly string[], next: readonly string[]): readonly Row[] {
  const most = Math.min(old.length + next.length, mostDifferences);
  const trails: Int32Array[] = [];
  const reach = new Int32Array(2 * most + 3);
  for (let cost = 0; cost <= most; cost++) {
    trails.push(reach.slice());
    for (let k = -cost; k <= cost; k += 2) {
      const isDown = k === -cost || (k !== cost && at(reach, most + k) < at(reach, most + k + 2));
      let x = isDown ? at(reach, most + k + 2) : at(reach, most + k) + 1;
      while (x < old.length && x - k < next.length && old[x] === next[x - k]) x++;
      reach[most + 1 + k] = x;
      if (x >= old.length && x - k >= next.length) return walkBack(trails, old, next, most);
    }
  }
  return [...old.map(text => ['-', text] as const), ...next.map(text => ['+', text] as const)];
}

function walkBack(trails: readonly Int32Array[], old: readonly string[], next: readonly string[], most: number): readonly Row[] {
  const rows: Row[] = [];
  let x = old.length;
  let y = next.length;
  for (let cost = trails.length - 1; cost >= 0; cost--) {
    const reach = trails[cost] ?? new Int32Array();
    const k = x - y;
    const isDown = k === -cost || (k !== cost && at(reach, most + k) < at(reach, most + k + 2));
    const fromX = cost === 0 ? 0 : isDown ? at(reach, most + k + 2) : at(reach, most + k);
    const fromY = cost === 0 ? 0 : fromX - (isDown ? k + 1 : k - 1);
    while (x > fromX && y > fromY && old[x - 1] === next[y - 1]) {
      rows.push([' ', old[x - 1] ?? '']);
      x--;
      y--;
    }
    if (x > fromX) rows.push(['-', old[--x] ?? '']);
    else if (y > fromY) rows.push(['+', next[--y] ?? '']);
  }
  return rows.toReversed();
}

function at(reach: Int32Array, index: number): number {
  return reach[index] ?? 0;
}

function hunksOf(rows: readonly Row[]): readonly string[] {
  const hunks: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  let index = 0;
  while (index < rows.length) {
    const first = rows.findIndex(([mark], place) => place >= index && mark !== ' ');
    if (first === -1) break;
    let last = first;
    for (let place = first; place < rows.length && place - last <= 2 * context; place++) if (rows[place]?.[0] !== ' ') last = place;
    const from = Math.max(index, first - context);
    const to = Math.min(rows.length, last + context + 1);
    oldLine += from - index;
    newLine += from - index;
    const part = rows.slice(from, to);
    const olds = part.filter(([mark]) => mark !== '+').length;
    const news = part.filter(([mark]) => mark !== '-').length;
    hunks.push(`@@ -${olds === 0 ? 0 : oldLine},${olds} +${news === 0 ? 0 : newLine},${news} @@`, ...part.map(([mark, text]) => mark + textFromLatin1(text)));
    oldLine += olds;
    newLine += news;
    index = to;
  }
  return hunks;
}
