import { decodeUtf8 } from './text.ts';

/** What takes the escapes of a field out: those of JSON; `\x22` alone (nginx); or also `\"`, `\\`, `\n` (Apache), where a backslash passes over a quote. */
export type Escapes = 'json' | 'hex' | 'backslash';

const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' };

/** The text of a field without its escapes. What is no escape stays as it stands. */
export function fieldText(bytes: Uint8Array, escapes: Escapes): string {
  return withoutEscapes(decodeUtf8(bytes), escapes);
}

/** The same of a text. */
export function withoutEscapes(text: string, escapes: Escapes): string {
  if (!text.includes('\\')) return text;
  if (escapes === 'json')
    return text.replace(/\\(?:u([0-9a-f]{4})|(["\\/bfnrt]))/giu, (whole, code: string | undefined, letter: string | undefined) =>
      code === undefined ? (letter === undefined ? whole : (letters[letter.toLowerCase()] ?? letter)) : String.fromCharCode(Number.parseInt(code, 16)),
    );
  const pattern = escapes === 'hex' ? /(?:\\x[0-9a-f]{2})+/giu : /(?:\\x[0-9a-f]{2})+|\\[^x]/giu;
  return text.replace(pattern, whole => (/^\\x/iu.test(whole) ? bytesOf(whole) : (letters[whole.slice(1)] ?? whole.slice(1))));
}

/** Of `\xc3\xa9`: é. */
function bytesOf(escapes: string): string {
  return decodeUtf8(Uint8Array.from(escapes.match(/[0-9a-f]{2}/giu) ?? [], digits => Number.parseInt(digits, 16)));
}
