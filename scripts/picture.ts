import { join } from 'node:path';
import { renderTerminal } from '../src/core/reporters/terminal.ts';
import { textWidth } from '../src/core/reporters/text.ts';
import { diagnoseBundle } from '../src/cli/compose.ts';

const columns = 80;
const cell = { width: 8.4, height: 18 };
const margin = 16;

/** SGR codes that the terminal reporter uses, as CSS classes of the picture. */
const classes: Readonly<Record<string, string>> = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 36: 'c' };
const ends: Readonly<Record<string, readonly string[]>> = { 0: ['b', 'd', 'r', 'g', 'y', 'c'], 22: ['b', 'd'], 39: ['r', 'g', 'y', 'c'] };

/** The first screen of a recorded host's diagnosis as an SVG: what a terminal of 80 columns shows. */
export async function terminalPicture(root: string, bundle: string): Promise<string> {
  const report = await diagnoseBundle(join(root, bundle), { since: undefined, probing: true, version: '', onProgress: () => {} });
  // The version stands in the first line and changes with every release; the picture should not.
  const text = renderTerminal({ ...report, tool: { ...report.tool, version: '' } }, { width: columns, colour: true, unicode: true, verbose: false });
  const rows = ['$ badhop', ...text.trimEnd().replace('badhop  ·', 'badhop ·').split('\n')];
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = rows.length * cell.height + 2 * margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="badhop in a terminal">`,
    '<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d4d4d4;white-space:pre}.b{font-weight:700}.d{opacity:.7}.r{fill:#f14c4c}.g{fill:#4ec98f}.y{fill:#e5c07b}.c{fill:#56b6c2}</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#1e1e1e"/>`,
    ...rows.map((row, index) => `<text x="${margin}" y="${margin + 13 + index * cell.height}" xml:space="preserve"${stretch(row)}>${spans(row)}</text>`),
    '</svg>',
    '',
  ].join('\n');
}

/** Holds a row at the width of its columns, whatever monospaced font the reader has. */
function stretch(row: string): string {
  const length = textWidth(row.replaceAll(/\u001B\[[\d;]*m/g, ''));
  return length === 0 ? '' : ` textLength="${(length * cell.width).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
}

/** One row with its colours as spans. */
function spans(row: string): string {
  const active = new Set<string>();
  let out = '';
  for (const [, codes, text = ''] of row.matchAll(/\u001B\[([\d;]*)m|([^\u001B]+)/g)) {
    for (const code of codes?.split(';') ?? []) {
      for (const ended of ends[code] ?? []) active.delete(ended);
      const started = classes[code];
      if (started !== undefined) active.add(started);
    }
    if (text !== '') out += active.size === 0 ? escape(text) : `<tspan class="${[...active].join(' ')}">${escape(text)}</tspan>`;
  }
  return out;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

if (import.meta.main) process.stdout.write(await terminalPicture(process.cwd(), process.argv[2] ?? ''));
