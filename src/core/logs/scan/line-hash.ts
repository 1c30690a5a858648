/** Bytes after which the multipliers begin anew. */
const stripeBytes = 256;
const first = 0x9e3779b1;
const between = 0x85ebca77;

/** An odd number for each of the 64 words of a stripe. */
export const multipliers: Int32Array = Int32Array.from({ length: stripeBytes / 4 }, (_, index) => mixed(Math.imul(index + 1, first)) | 1);

/**
 * The hash by which lines are chosen as samples, an unsigned number of 32 bits. It can be worked out sixteen bytes at a time:
 * the line is cut into words of 32 bits (little-endian, the last filled up with zeros), which are summed in four lanes, each
 * word times an odd number of its place in the stripe. What was summed is scrambled after each whole stripe. The sums and
 * the length in bytes then give the hash.
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
  if (at < to) a = (a + term(wordUpTo(view, from, at, to), factors[place])) | 0;
  if (at + 4 < to) b = (b + term(wordUpTo(view, from, at + 4, to), factors[place + 1])) | 0;
  if (at + 8 < to) c = (c + term(wordUpTo(view, from, at + 8, to), factors[place + 2])) | 0;
  if (at + 12 < to) d = (d + term(wordUpTo(view, from, at + 12, to), factors[place + 3])) | 0;
  let hash = mixed((a + Math.imul(to - from, first)) | 0);
  hash = mixed((hash + b) | 0);
  hash = mixed((hash + c) | 0);
  return mixed((hash + d) | 0) >>> 0;
}

function term(word: number, factor: number | undefined): number {
  const spread = Math.imul(word, first);
  return Math.imul(spread ^ (spread >>> 15), factor ?? 1);
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
