/**
 * Text as one character a byte, so that offsets in it are byte offsets: what a lossless parser works on.
 */

const chunkBytes = 8192;

/** Bytes as text with one character (U+0000 to U+00FF) a byte. */
export function latin1FromBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(String.fromCharCode(...bytes.subarray(at, at + chunkBytes)));
  return parts.join('');
}

/** The bytes of such a text. Characters above U+00FF keep their low byte. */
export function bytesFromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Ordinary text as its UTF-8 bytes, one character each. Lone surrogates become U+FFFD. */
export function latin1FromText(text: string): string {
  if (isAscii(text)) return text;
  const codes: number[] = [];
  const parts: string[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0xfffd;
    const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
    if (code < 0x80) codes.push(code);
    else if (code < 0x800) codes.push(0xc0 | (code >> 6), tail(code, 0));
    else if (code < 0x10000) codes.push(0xe0 | (code >> 12), tail(code, 6), tail(code, 0));
    else codes.push(0xf0 | (code >> 18), tail(code, 12), tail(code, 6), tail(code, 0));
    if (codes.length >= chunkBytes) parts.push(String.fromCharCode(...codes.splice(0)));
  }
  parts.push(String.fromCharCode(...codes));
  return parts.join('');
}

/** The bytes read as UTF-8. What is not valid UTF-8 becomes U+FFFD, one a byte. */
export function textFromLatin1(bytes: string): string {
  if (isAscii(bytes)) return bytes;
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < bytes.length;) {
    if (bytes.charCodeAt(i) < 0x80) {
      i += 1;
      continue;
    }
    parts.push(bytes.slice(from, i));
    const { code, length } = codePointAt(bytes, i);
    parts.push(String.fromCodePoint(code));
    i += length;
    from = i;
  }
  parts.push(bytes.slice(from));
  return parts.join('');
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** RFC 3629: the shortest form only, no surrogates, nothing above U+10FFFF. */
function codePointAt(bytes: string, at: number): { readonly code: number; readonly length: number } {
  const invalid = { code: 0xfffd, length: 1 };
  const lead = bytes.charCodeAt(at);
  const length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length === 0) return invalid;
  let code = lead & (0x7f >> length);
  for (let i = 1; i < length; i += 1) {
    const next = bytes.charCodeAt(at + i);
    if ((next & 0xc0) !== 0x80) return invalid;
    code = (code << 6) | (next & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return invalid;
  return { code, length };
}
