import { findByte } from './words.ts';

/** Bytes after which the multipliers begin anew. */
const stripeBytes = 256;
const first = 0x9e3779b1;
const between = 0x85ebca77;

/** For each of the 64 words of a stripe two odd numbers of 16 bits with a sign, one for each half of the word. */
export const multipliers: Int32Array = Int32Array.from({ length: stripeBytes / 4 }, (_, index) => mixed(Math.imul(index + 1, first)) | 0x00010001);

/**
 * The hash by which lines are chosen as samples, an unsigned number of 32 bits. It can be worked out sixteen bytes at a time:
 * the line is cut into words of 32 bits (little-endian, the last filled up with zeros), which are summed in four lanes, each half
 * of a word, as a number with a sign, times an odd number of its place in the stripe. What was summed is scrambled after each
 * whole stripe. The sums and the length in bytes then give the hash.
 *
 * No secret goes into it: parts of a log that are counted on different machines must keep the same lines.
 */
export function lineHash(view: DataView, from: number, to: number): number {
  const factors = multipliers;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let at = from;
  let place = 0;
  for (; at + 16 <= to; at += 16) {
    a = (a + term(view.getInt32(at, true), factors[place])) | 0;
    b = (b + term(view.getInt32(at + 4, true), factors[place + 1])) | 0;
    c = (c + term(view.getInt32(at + 8, true), factors[place + 2])) | 0;
    d = (d + term(view.getInt32(at + 12, true), factors[place + 3])) | 0;
    place += 4;
    if (place < 64) continue;
    place = 0;
    a = scrambled(a);
    b = scrambled(b);
    c = scrambled(c);
    d = scrambled(d);
  }
  return finished(view, from, at, to, place, a, b, c, d);
}

/** Finds the end of a line and its hash in one go. */
export class LineReader {
  /** Where the newline stands. */
  newline = -1;
  /** The end of the line: before the newline, and before a carriage return that stands before that. */
  end = -1;
  /** As `lineHash` gives it. */
  hash = 0;

  /** Reads the line from `from` on; false where no newline stands before `limit`. */
  read(view: DataView, from: number, limit: number): boolean {
    const factors = multipliers;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let at = from;
    let place = 0;
    for (; at + 16 <= limit; at += 16) {
      const first4 = view.getInt32(at, true);
      const second4 = view.getInt32(at + 4, true);
      const third4 = view.getInt32(at + 8, true);
      const fourth4 = view.getInt32(at + 12, true);
      if (((newlineIn(first4) | newlineIn(second4) | newlineIn(third4) | newlineIn(fourth4)) & 0x80808080) !== 0) break;
      a = (a + term(first4, factors[place])) | 0;
      b = (b + term(second4, factors[place + 1])) | 0;
      c = (c + term(third4, factors[place + 2])) | 0;
      d = (d + term(fourth4, factors[place + 3])) | 0;
      place += 4;
      if (place < 64) continue;
      place = 0;
      a = scrambled(a);
      b = scrambled(b);
      c = scrambled(c);
      d = scrambled(d);
    }
    const found = findByte(view, 0x0a, at, limit);
    if (found === -1) return false;
    const end = found > from && view.getUint8(found - 1) === 0x0d ? found - 1 : found;
    this.newline = found;
    this.end = end;
    // The carriage return may have been taken in with the block before.
    this.hash = end < at ? lineHash(view, from, end) : finished(view, from, at, end, place, a, b, c, d);
    return true;
  }
}

/** High bits of the bytes that are newlines, and maybe of others behind the first. */
function newlineIn(word: number): number {
  const other = word ^ 0x0a0a0a0a;
  return (other - 0x01010101) & ~other;
}

/** Adds what is left of the line, less than 16 bytes, and makes the hash of the sums. */
function finished(
  view: DataView,
  from: number,
  at: number,
  to: number,
  place: number,
  first4: number,
  second4: number,
  third4: number,
  fourth4: number,
): number {
  let a = first4;
  let b = second4;
  let c = third4;
  let d = fourth4;
  if (at < to) a = (a + term(wordUpTo(view, from, at, to), multipliers[place])) | 0;
  if (at + 4 < to) b = (b + term(wordUpTo(view, from, at + 4, to), multipliers[place + 1])) | 0;
  if (at + 8 < to) c = (c + term(wordUpTo(view, from, at + 8, to), multipliers[place + 2])) | 0;
  if (at + 12 < to) d = (d + term(wordUpTo(view, from, at + 12, to), multipliers[place + 3])) | 0;
  const lanes = (a + Math.imul(b, 0x27d4eb2f) + Math.imul(c, 0x165667b1) + Math.imul(d, first)) | 0;
  return mixed((lanes + Math.imul(to - from, first)) | 0) >>> 0;
}

/** A hash of a short text, an unsigned number of 32 bits. It too stays what it is. */
export function textHash(text: string): number {
  let hash = text.length;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), first);
    hash ^= hash >>> 15;
  }
  return mixed(hash) >>> 0;
}

function term(word: number, factor: number | undefined): number {
  const both = factor ?? 1;
  return Math.imul((word << 16) >> 16, (both << 16) >> 16) + Math.imul(word >> 16, both >> 16);
}

function scrambled(sum: number): number {
  return Math.imul(sum ^ (sum >>> 15), between);
}

/** The bytes of a word as far as the line reaches, zeros behind it. */
function wordUpTo(view: DataView, from: number, at: number, to: number): number {
  if (at + 4 <= to) return view.getInt32(at, true);
  // The last four bytes of the line, without those that belong to the word before.
  if (to - from >= 4) return view.getInt32(to - 4, true) >>> ((at + 4 - to) * 8);
  let word = 0;
  for (let index = to - 1; index >= at; index -= 1) word = (word << 8) | view.getUint8(index);
  return word;
}

/** Every bit of the result hangs on every bit of the number (the last step of MurmurHash3). */
function mixed(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), between);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d);
  return hash ^ (hash >>> 16);
}
