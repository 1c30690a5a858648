/** Numbers in whole microseconds. */
import { isDigit } from './find';

export const NO_NUMBER: u64 = u64.MAX_VALUE;
/** 50 days, as in `program.ts`. */
const MOST: u64 = ((<u64>1) << 42) - 1;
/** Digits beyond this change nothing: it is above `MOST`, and six places more still fit into 64 bits. */
const ENOUGH: u64 = 10_000_000_000_000;

/** Of eight bytes, the first in the lowest, each 0 to 9: their number. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function eightDigits(digits: u64): u64 {
  digits = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
  digits = (digits * 100 + (digits >> 16)) & 0x0000_ffff_0000_ffff;
  return (digits * 10000 + (digits >> 32)) & 0xffff_ffff;
}

/** The sum of the pieces of a field, `shift` being how far the decimal point moves; `NO_NUMBER` where there is none. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function numberOf(from: usize, to: usize, shift: u32): u64 {
  const length = to - from;
  if (length - 1 < 8) {
    // What stands before the field makes way for zeros.
    const blank = <u64>(8 - length) * 8;
    const bytes = ((load<u64>(to - 8) >> blank) << blank) | (0x3030_3030_3030_3030 & (((<u64>1) << blank) - 1));
    if (shift == 6) {
      // Three places, as nginx writes them: `dddd.ddd`.
      const digits = bytes ^ 0x3030_302e_3030_3030;
      if (length > 4 && (((digits + 0x7676_767f_7676_7676) | digits) & 0x8080_8080_8080_8080) == 0) {
        return eightDigits(((digits << 8) & 0x0000_00ff_ffff_ff00) | (digits & 0xffff_ff00_0000_0000)) * 1000;
      }
    } else {
      const digits = bytes ^ 0x3030_3030_3030_3030;
      if ((((digits + 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080) == 0) return eightDigits(digits) * (shift == 3 ? 1000 : 1);
    }
    if (length == 1 && load<u8>(from) == 0x2d) return NO_NUMBER;
  }
  return sumOf(from, to, shift);
}

function sumOf(from: usize, to: usize, shift: u32): u64 {
  let sum: u64 = NO_NUMBER;
  for (; from <= to; from++) {
    const start = from;
    while (from < to && !isSeparator(load<u8>(from))) from++;
    const value = pieceOf(start, from, shift);
    if (value == NO_NUMBER) continue;
    sum = sum == NO_NUMBER ? value : sum + value;
    if (sum > MOST) sum = MOST;
  }
  return sum;
}

function pieceOf(from: usize, to: usize, shift: u32): u64 {
  let value: u64 = 0;
  let at = from;
  for (; at < to && isDigit(<u32>load<u8>(at)); at++) {
    value = value * 10 + <u64>(load<u8>(at) - 0x30);
    if (value > ENOUGH) value = ENOUGH;
  }
  if (at == from) return NO_NUMBER;
  let places = shift;
  if (at < to) {
    if (load<u8>(at) != 0x2e) return NO_NUMBER;
    const point = ++at;
    for (; at < to && isDigit(<u32>load<u8>(at)); at++) {
      if (places == 0) continue;
      places--;
      value = value * 10 + <u64>(load<u8>(at) - 0x30);
    }
    if (at < to || at == point) return NO_NUMBER;
  }
  for (; places > 0; places--) value *= 10;
  return value > MOST ? MOST : value;
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function isSeparator(byte: u32): bool {
  return byte == 0x20 || byte == 0x2c || byte == 0x3a;
}
