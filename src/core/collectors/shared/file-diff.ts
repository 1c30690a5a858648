const maxSide = 400;
const maxRows = 40;
const maxColumns = 200;
const context = 2;

interface Row {
  readonly tag: ' ' | '-' | '+';
  readonly text: string;
}

/** A unified diff of two texts, cut at 40 rows; empty where they are the same. */
export function unifiedDiff(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  if (before === after) return '';
  const rows = editScript(before.split('\n'), after.split('\n'));
  const lines = [`--- ${names.before}`, `+++ ${names.after}`, ...hunks(rows)].map(line => (line.length > maxColumns ? `${line.slice(0, maxColumns)}…` : line));
  return lines.length <= maxRows ? lines.join('\n') : [...lines.slice(0, maxRows - 1), `… and ${lines.length - maxRows + 1} more lines`].join('\n');
}

/** What is equal at both ends is taken off first; a middle longer than 400 lines is replaced as a whole. */
function editScript(a: readonly string[], b: readonly string[]): readonly Row[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const middle =
    left.length > maxSide || right.length > maxSide ? [...left.map(text => row('-', text)), ...right.map(text => row('+', text))] : longestCommon(left, right);
  return [...a.slice(0, start).map(text => row(' ', text)), ...middle, ...a.slice(a.length - end).map(text => row(' ', text))];
}

function longestCommon(a: readonly string[], b: readonly string[]): readonly Row[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1) lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      rows.push(row(' ', left));
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      rows.push(row('-', left));
      i += 1;
    } else {
      rows.push(row('+', right ?? ''));
      j += 1;
    }
  }
  return rows;
}

/** The changed rows with two rows around them, and the line numbers of both sides. */
function hunks(rows: readonly Row[]): readonly string[] {
  const shown = new Uint8Array(rows.length);
  for (const [index, { tag }] of rows.entries()) if (tag !== ' ') shown.fill(1, Math.max(0, index - context), index + context + 1);
  const lines: string[] = [];
  let [oldLine, newLine] = [1, 1];
  for (const [index, { tag, text }] of rows.entries()) {
    if (shown[index] === 1) {
      if (index === 0 || shown[index - 1] === 0) {
        const stop = shown.indexOf(0, index);
        const part = rows.slice(index, stop === -1 ? rows.length : stop);
        const count = (other: Row['tag']): number => part.filter(each => each.tag !== other).length;
        lines.push(`@@ -${oldLine},${count('+')} +${newLine},${count('-')} @@`);
      }
      lines.push(`${tag}${text}`);
    }
    if (tag !== '+') oldLine += 1;
    if (tag !== '-') newLine += 1;
  }
  return lines;
}

function row(tag: Row['tag'], text: string): Row {
  return { tag, text };
}
