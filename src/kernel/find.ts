/** Searches of 16 bytes at a time. They read beyond `end`, where what they find is discarded. */

/** The first byte of the kind at or behind `at`; anything >= end: none. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function find(at: usize, end: usize, kind: v128): usize {
  const mask = i8x16.bitmask(i8x16.eq(v128.load(at), kind));
  return mask != 0 ? at + <usize>ctz(mask) : findFurther(at + 16, end, kind);
}

/** Most fields are short. What is longer is read 64 bytes at a time, so that its length is seldom a surprise to the processor. */
export function findFurther(at: usize, end: usize, kind: v128): usize {
  while (at < end) {
    const mask = bitsOf(at, kind);
    if (mask != 0) return at + <usize>ctz(mask);
    at += 64;
  }
  return usize.MAX_VALUE;
}

/** A bit for each of 64 bytes that is of the kind. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function bitsOf(at: usize, kind: v128): u64 {
  const first = <u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at), kind)) | (<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 16), kind)) << 16));
  const second = <u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 32), kind)) | (<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 48), kind)) << 16));
  return first | (second << 32);
}

/** The first place at or behind `at` where the text (not empty) stands before `end`; anything > end - length: none. */
export function findText(at: usize, end: usize, text: usize, length: usize): usize {
  if (at + length > end) return usize.MAX_VALUE;
  const first = v128.load8_splat(text);
  const last = v128.load8_splat(text + length - 1);
  const stop = end - length;
  while (at <= stop) {
    let mask = i8x16.bitmask(v128.and(i8x16.eq(v128.load(at), first), i8x16.eq(v128.load(at + length - 1), last)));
    while (mask != 0) {
      const found = at + <usize>ctz(mask);
      if (found > stop) return usize.MAX_VALUE;
      // Of two bytes both were compared.
      if (length <= 2 || isSame(found, text, length)) return found;
      mask &= mask - 1;
    }
    at += 16;
  }
  return usize.MAX_VALUE;
}

export function isSame(at: usize, text: usize, length: usize): bool {
  let index: usize = 0;
  for (; index + 8 <= length; index += 8) if (load<u64>(at + index) != load<u64>(text + index)) return false;
  for (; index < length; index++) if (load<u8>(at + index) != load<u8>(text + index)) return false;
  return true;
}

/** Whether an odd number of backslashes stands before `at`, back to `from` at most. */
export function isEscaped(from: usize, at: usize): bool {
  let back = at;
  while (back > from && load<u8>(back - 1) == 0x5c) back--;
  return ((at - back) & 1) == 1;
}

/** Whether the space or comma at `at` stands between items of a list that began at `from`. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function isInList(from: usize, at: usize, end: usize): bool {
  if (load<u8>(at) == 0x2c) return load<u8>(at + 1) == 0x20 && at + 1 < end;
  if (at > from && load<u8>(at - 1) == 0x2c) return true;
  if (load<u8>(at + 1) == 0x3a && load<u8>(at + 2) == 0x20 && at + 2 < end) return true;
  return at >= from + 2 && load<u8>(at - 1) == 0x3a && load<u8>(at - 2) == 0x20;
}

/** The first byte of 0–9 or the quote at or behind `at`, or `end`. */
export function findDigitOrQuote(at: usize, end: usize): usize {
  while (at < end) {
    const bytes = v128.load(at);
    const digits = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
    const mask = i8x16.bitmask(v128.or(digits, i8x16.eq(bytes, i8x16.splat(0x22))));
    if (mask != 0) {
      at += <usize>ctz(mask);
      break;
    }
    at += 16;
  }
  return at < end ? at : end;
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

/** The first space, tab, comma, closing bracket or quote at or behind `at`, or `end`. */
export function bareEnd(at: usize, end: usize): usize {
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 0x20 || byte == 0x09 || byte == 0x2c || byte == 0x7d || byte == 0x5d || byte == 0x22) break;
  }
  return at;
}
