/** What is used of the Encoding standard's decoder, which Node and browsers both have. */
interface Decoder {
  decode(bytes: Uint8Array): string;
}
declare const TextDecoder: (new (label: string, options: { readonly fatal: boolean; readonly ignoreBOM: boolean }) => Decoder) | undefined;

// The platform's decoder is ten times as quick. It refuses what is not valid, and the loop below takes over.
const platform: Decoder | undefined = typeof TextDecoder === 'undefined' ? undefined : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const worthCallingBytes = 24;

/** Bytes as UTF-8 text; each byte that is no part of a valid sequence becomes U+FFFD. Never throws, linear. */
export function decodeUtf8(bytes: Uint8Array): string {
  if (platform === undefined || bytes.length < worthCallingBytes) return decodeLeniently(bytes);
  try {
    return platform.decode(bytes);
  } catch {
    return decodeLeniently(bytes);
  }
}

/** The same byte by byte, for what is short or not valid. */
export function decodeLeniently(bytes: Uint8Array): string {
  let out = '';
  let units: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      units.push(lead);
      at += 1;
    } else {
      const point = sequenceAt(bytes, at, lead);
      if (point === undefined) {
        units.push(0xfffd);
        at += 1;
      } else {
        at += point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        if (point < 0x10000) units.push(point);
        else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
      }
    }
    if (units.length > 8000) {
      out += String.fromCharCode(...units);
      units = [];
    }
  }
  return out + String.fromCharCode(...units);
}

/** The lines of a text without their ends, at most `limit` of them; an unfinished last line counts, an empty one does not. */
export function* linesOf(text: string, limit = Number.POSITIVE_INFINITY): Generator<string> {
  let start = 0;
  for (let count = 0; start < text.length && count < limit; count += 1) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    yield text.charCodeAt(stop - 1) === 13 && stop > start ? text.slice(start, stop - 1) : text.slice(start, stop);
    start = stop + 1;
  }
}

/** The words between blanks and tabs, at most `limit` of them. */
export function wordsOf(line: string, limit = 1000): readonly string[] {
  const words: string[] = [];
  let start = -1;
  for (let at = 0; at <= line.length && words.length < limit; at += 1) {
    const code = at < line.length ? line.charCodeAt(at) : 32;
    const blank = code === 32 || code === 9;
    if (blank && start >= 0) {
      words.push(line.slice(start, at));
      start = -1;
    } else if (!blank && start < 0) {
      start = at;
    }
  }
  return words;
}

/** A whole decimal number of at most 15 digits (exact in a double), else `undefined`. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The code point of the sequence that starts here, or `undefined` where it is cut, overlong, a surrogate or too big. */
function sequenceAt(bytes: Uint8Array, at: number, lead: number): number | undefined {
  const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0;
  if (length === 0) return undefined;
  let point = lead & (0xff >> (length + 1));
  for (let index = 1; index < length; index += 1) {
    const next = bytes[at + index];
    if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (next & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  return point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? undefined : point;
}
