/**
 * Text for a terminal. Everything that a host says is hostile: a log line may hold escape sequences that
 * recolour, move or answer for the person at the keyboard, and bidi marks that show one command and paste another.
 */

/** A character that must not reach a terminal as itself: it moves, hides or reorders what stands around it. */
function isUnsafe(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0xad ||
    code === 0x34f ||
    code === 0x61c ||
    code === 0x115f ||
    code === 0x1160 ||
    code === 0x17b4 ||
    code === 0x17b5 ||
    (code >= 0x180b && code <= 0x180f) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0x3164 ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0xe000 && code <= 0xf8ff) ||
    code === 0xfeff ||
    code === 0xffa0 ||
    (code >= 0xfff0 && code <= 0xfffb) ||
    (code & 0xfffe) === 0xfffe ||
    code >= 0xe0000
  );
}

/** Ranges that stand on the character before them, as far as they turn up in real logs. */
const combiningRanges: readonly (readonly [number, number])[] = [
  [0x300, 0x36f],
  [0x483, 0x489],
  [0x591, 0x5bd],
  [0x610, 0x61a],
  [0x64b, 0x65f],
  [0x6d6, 0x6dc],
  [0x900, 0x902],
  [0x93c, 0x93c],
  [0x941, 0x948],
  [0x94d, 0x94d],
  [0xe31, 0xe31],
  [0xe34, 0xe3a],
  [0xe47, 0xe4e],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20f0],
  [0x302a, 0x302d],
  [0x3099, 0x309a],
  [0xfe00, 0xfe0f],
  [0xfe20, 0xfe2f],
  [0x1f3fb, 0x1f3ff],
];

/** East Asian Width W and F, and emoji that terminals draw over two columns. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x2614, 0x2615],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x274c, 0x274c],
  [0x2753, 0x2755],
  [0x2795, 0x2797],
  [0x2b1b, 0x2b1c],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f200, 0x1f320],
  [0x1f32d, 0x1f64f],
  [0x1f680, 0x1f6fc],
  [0x1f7e0, 0x1f7eb],
  [0x1f90c, 0x1faff],
  [0x20000, 0x3fffd],
];

/**
 * The text with every unsafe character written out: `\n`, `\t`, `\x1b`, `\u202e`. With `ascii` everything
 * outside ASCII is written out too. Marks that pile up on one character are written out after the second.
 */
export function escapeText(text: string, ascii = false): string {
  let escaped = '';
  let marks = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    marks = isIn(combiningRanges, code) ? marks + 1 : 0;
    escaped += isUnsafe(code) || marks > 2 || (ascii && code > 0x7e) ? escapeOf(code) : char;
  }
  return escaped;
}

/** Columns that one character takes, after escaping: 0, 1 or 2. */
export function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (isIn(combiningRanges, code)) return 0;
  return isIn(wideRanges, code) ? 2 : 1;
}

/** Columns that an escaped text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/**
 * An argv as one line that a shell reads back as the same argv, with nothing in it that a terminal would act on.
 * With `ascii` the line holds nothing else.
 */
export function shellLine(argv: readonly string[], ascii = false): string {
  return argv.map(word => quoteWord(word, ascii)).join(' ');
}

function quoteWord(word: string, ascii: boolean): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (escapeText(word, ascii) === word) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  // $'…' is how bash, zsh and ksh write characters that cannot be typed.
  const escaped = Array.from(word, char => {
    const code = char.codePointAt(0) ?? 0;
    if (char === '\\' || char === "'") return `\\${char}`;
    if (code >= 0x20 && code < 0x7f) return char;
    return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `$'${escaped.join('')}'`;
}

function escapeOf(code: number): string {
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}

function isIn(ranges: readonly (readonly [number, number])[], code: number): boolean {
  if (code < 0x300) return false;
  return ranges.some(([from, to]) => code >= from && code <= to);
}
