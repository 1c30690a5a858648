/** Looks for bytes four at a time. `end` lies in the view; -1 where there is none. */

/** The first of `byte` in [from, end). `from` may lie behind the end. */
export function findByte(view: DataView, byte: number, from: number, end: number): number {
  const pattern = Math.imul(byte, 0x01010101);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    // A byte that is equal becomes 0, of which the subtraction makes a high bit; it may set others only behind the first.
    const word = view.getInt32(at, true) ^ pattern;
    const hit = (word - 0x01010101) & ~word & 0x80808080;
    if (hit !== 0) return at + placeOf(hit);
  }
  for (; at < end; at += 1) if (view.getUint8(at) === byte) return at;
  return -1;
}

/** The first of either byte in [from, end). */
export function findEither(view: DataView, byte: number, other: number, from: number, end: number): number {
  const pattern = Math.imul(byte, 0x01010101);
  const otherPattern = Math.imul(other, 0x01010101);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const both = view.getInt32(at, true);
    const word = both ^ pattern;
    const otherWord = both ^ otherPattern;
    const hit = (((word - 0x01010101) & ~word) | ((otherWord - 0x01010101) & ~otherWord)) & 0x80808080;
    if (hit !== 0) return at + placeOf(hit);
  }
  for (; at < end; at += 1) {
    const one = view.getUint8(at);
    if (one === byte || one === other) return at;
  }
  return -1;
}

/** Whether the `length` bytes of both are the same. */
export function isSame(view: DataView, at: number, other: DataView, otherAt: number, length: number): boolean {
  if (length >= 4) {
    const last = length - 4;
    for (let index = 0; index < last; index += 4) if (view.getInt32(at + index, true) !== other.getInt32(otherAt + index, true)) return false;
    return view.getInt32(at + last, true) === other.getInt32(otherAt + last, true);
  }
  for (let index = 0; index < length; index += 1) if (view.getUint8(at + index) !== other.getUint8(otherAt + index)) return false;
  return true;
}

/** The byte that the lowest bit is in. */
function placeOf(hit: number): number {
  return (31 - Math.clz32(hit & -hit)) >> 3;
}
