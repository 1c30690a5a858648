/**
 * Text as one character a byte, so that offsets in it are byte offsets: what a lossless parser works on.
 */

import { decodeUtf8 } from './text.ts';

const chunkBytes = 8192;

/** Bytes as text with one character (U+0000 to U+00FF) a byte. */
export function latin1FromBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(charactersOf(bytes.subarray(at, at + chunkBytes)));
  return parts.join('');
}

/** Without spreading the bytes into a list first, which takes eight times as long. */
function charactersOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes) as string;
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
  return isAscii(bytes) ? bytes : decodeUtf8(bytesFromLatin1(bytes));
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}
