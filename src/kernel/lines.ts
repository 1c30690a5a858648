/** The end of a line and its hash (`core/logs/scan/line-hash.ts`) in one pass. */
import { MASKS, MULTIPLIERS } from './memory';

const FIRST: i32 = 0x9e3779b1;
const BETWEEN: i32 = 0x85ebca77;
const STRIPE: usize = 256;
/** Read from the memory, as V8 makes a constant of 16 bytes anew each time it is used. */
const NEWLINES: usize = memory.data<u8>([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], 16);

/**
 * Where the newline stands (the upper half), and the hash of the line without it and a carriage return before it. A newline must
 * stand somewhere behind `from`.
 */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function endAndHash(from: usize): u64 {
  let at = from;
  let place: usize = MULTIPLIERS;
  const kind = v128.load(NEWLINES);
  let sums = i32x4.splat(0);
  let first = v128.load(at);
  let second = v128.load(at, 16);
  let third = v128.load(at, 32);
  let fourth = v128.load(at, 48);
  while (!hasAny(kind, first, second, third, fourth)) {
    sums = i32x4.add(
      i32x4.add(sums, i32x4.add(terms(first, place), terms(second, place + 16))),
      i32x4.add(terms(third, place + 32), terms(fourth, place + 48)),
    );
    at += 64;
    place += 64;
    first = v128.load(at);
    second = v128.load(at, 16);
    third = v128.load(at, 32);
    fourth = v128.load(at, 48);
    if (place == MULTIPLIERS + STRIPE) {
      place = MULTIPLIERS;
      sums = scrambled(sums);
    }
  }
  const end = at + <usize>ctz(<u64>bitsOf(kind, first, second) | (<u64>bitsOf(kind, third, fourth) << 32));
  let stop = end;
  if (end > from && load<u8>(end - 1) == 0x0d) stop--;
  if (stop < at) return ((<u64>end) << 32) | <u64>hashSlowly(from, stop);
  const mask = MASKS + 16 - (stop - at);
  sums = i32x4.add(
    i32x4.add(sums, i32x4.add(terms(v128.and(first, v128.load(mask)), place), terms(v128.and(second, v128.load(mask, 16)), place + 16))),
    i32x4.add(terms(v128.and(third, v128.load(mask, 32)), place + 32), terms(v128.and(fourth, v128.load(mask, 48)), place + 48)),
  );
  return ((<u64>end) << 32) | <u64>finished(sums, stop - from);
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function hasAny(kind: v128, first: v128, second: v128, third: v128, fourth: v128): bool {
  return (
    i8x16.bitmask(v128.or(v128.or(i8x16.eq(first, kind), i8x16.eq(second, kind)), v128.or(i8x16.eq(third, kind), i8x16.eq(fourth, kind)))) != 0
  );
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function bitsOf(kind: v128, low: v128, high: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.eq(low, kind)) | (<u32>i8x16.bitmask(i8x16.eq(high, kind)) << 16);
}

/** The carriage return lies in the block before the newline's. */
function hashSlowly(from: usize, to: usize): u32 {
  let sums = i32x4.splat(0);
  let place: usize = MULTIPLIERS;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    sums = i32x4.add(sums, terms(v128.load(at), place));
    place += 16;
    if (place == MULTIPLIERS + STRIPE) {
      place = MULTIPLIERS;
      sums = scrambled(sums);
    }
  }
  return finished(i32x4.add(sums, terms(v128.and(v128.load(at), v128.load(MASKS + 16 - (to - at))), place)), to - from);
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function terms(words: v128, place: usize): v128 {
  return i32x4.dot_i16x8_s(words, v128.load(place));
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function scrambled(sums: v128): v128 {
  return i32x4.mul(v128.xor(sums, i32x4.shr_u(sums, 15)), i32x4.splat(BETWEEN));
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function finished(sums: v128, length: usize): u32 {
  const lanes = i32x4.mul(sums, i32x4(1, 0x27d4_eb2f, 0x1656_67b1, 0x9e37_79b1));
  const folded = i32x4.add(lanes, i8x16.shuffle(lanes, lanes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return mixed(<u32>i32x4.extract_lane(folded, 0) + <u32>i32x4.extract_lane(folded, 1) + <u32>length * <u32>FIRST);
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function mixed(number: u32): u32 {
  let hash = (number ^ (number >> 16)) * <u32>BETWEEN;
  hash = (hash ^ (hash >> 13)) * 0xc2b2_ae3d;
  return hash ^ (hash >> 16);
}
