/** The end of a line and its hash (`core/logs/scan/line-hash.ts`) in one pass. */
import { MASKS, MULTIPLIERS } from './memory';

const FIRST: i32 = 0x9e3779b1;
const BETWEEN: i32 = 0x85ebca77;
const STRIPE: usize = 256;

/**
 * Where the newline stands (the upper half), and the hash of the line without it and a carriage return before it. A newline must
 * stand somewhere behind `from`.
 */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function endAndHash(from: usize): u64 {
  let at = from;
  let place: usize = MULTIPLIERS;
  let sums = i32x4.splat(0);
  let bytes = v128.load(at);
  let newline = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x0a)));
  while (newline == 0) {
    sums = i32x4.add(sums, terms(bytes, place));
    at += 16;
    place += 16;
    bytes = v128.load(at);
    newline = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x0a)));
    if (place == MULTIPLIERS + STRIPE) {
      place = MULTIPLIERS;
      sums = scrambled(sums);
    }
  }
  const end = at + <usize>ctz(newline);
  let stop = end;
  if (end > from && load<u8>(end - 1) == 0x0d) stop--;
  if (stop < at) return ((<u64>end) << 32) | <u64>hashSlowly(from, stop);
  return ((<u64>end) << 32) | <u64>finished(i32x4.add(sums, terms(v128.and(bytes, v128.load(MASKS + 16 - (stop - at))), place)), stop - from);
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
  const spread = i32x4.mul(words, i32x4.splat(FIRST));
  return i32x4.mul(v128.xor(spread, i32x4.shr_u(spread, 15)), v128.load(place));
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function scrambled(sums: v128): v128 {
  return i32x4.mul(v128.xor(sums, i32x4.shr_u(sums, 15)), i32x4.splat(BETWEEN));
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function finished(sums: v128, length: usize): u32 {
  let hash = mixed(<u32>i32x4.extract_lane(sums, 0) + <u32>length * <u32>FIRST);
  hash = mixed(hash + <u32>i32x4.extract_lane(sums, 1));
  hash = mixed(hash + <u32>i32x4.extract_lane(sums, 2));
  return mixed(hash + <u32>i32x4.extract_lane(sums, 3));
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function mixed(number: u32): u32 {
  let hash = (number ^ (number >> 16)) * <u32>BETWEEN;
  hash = (hash ^ (hash >> 13)) * 0xc2b2_ae3d;
  return hash ^ (hash >> 16);
}
