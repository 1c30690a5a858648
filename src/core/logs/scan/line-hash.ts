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
  let [a, b, c, d] = [0, 0, 0, 0];
  let at = from;
  let place = 0;
  for (; at + 16 <= to; at += 16) {
    a = (a + term(view.getInt32(at, true), place)) | 0;
    b = (b + term(view.getInt32(at + 4, true), place + 1)) | 0;
    c = (c + term(view.getInt32(at + 8, true), place + 2)) | 0;
    d = (d + term(view.getInt32(at + 12, true), place + 3)) | 0;
    place += 4;
    if (place < multipliers.length) continue;
    place = 0;
    a = scrambled(a);
    b = scrambled(b);
    c = scrambled(c);
    d = scrambled(d);
  }
  if (at < to) {
    a = (a + term(lastWord(view, at, to), place)) | 0;
    b = (b + term(lastWord(view, at + 4, to), place + 1)) | 0;
    c = (c + term(lastWord(view, at + 8, to), place + 2)) | 0;
    d = (d + term(lastWord(view, at + 12, to), place + 3)) | 0;
  }
  let hash = mixed((a + Math.imul(to - from, first)) | 0);
  hash = mixed((hash + b) | 0);
  hash = mixed((hash + c) | 0);
  return mixed((hash + d) | 0) >>> 0;
}

function term(word: number, place: number): number {
  const spread = Math.imul(word, first);
  return Math.imul(spread ^ (spread >>> 15), multipliers[place] ?? 1);
}

function scrambled(sum: number): number {
  return Math.imul(sum ^ (sum >>> 15), between);
}

/** The bytes of a word as far as the line reaches, zeros behind it. */
function lastWord(view: DataView, at: number, to: number): number {
  let word = 0;
  for (let index = Math.min(at + 4, to) - 1; index >= at; index--) word = (word << 8) | view.getUint8(index);
  return word;
}

/** Every bit of the result hangs on every bit of the number (the last step of MurmurHash3). */
function mixed(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), between);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d);
  return hash ^ (hash >>> 16);
}
