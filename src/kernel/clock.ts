/**
 * A clock whose text around minutes and seconds was seen before. Its record, which JavaScript writes:
 * 0 f64 start of the hour (below 0: the text names none), 8 u32 length of the suffix, 16 prefix, 32 its mask, 48 suffix and the byte that ends it, 64 their mask.
 */
import { isDigit } from './find';

/** Behind the clock and its fraction; 0: it is none. */
export let behind: usize = 0;
/** Milliseconds since the hour began. */
export let intoHour: i32 = 0;

/** `:MM:SS` and maybe a fraction, at `at`. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function readClock(at: usize, end: usize): bool {
  const digits = (load<u64>(at) & 0xffff_ffff_ffff) ^ 0x3030_3a30_303a;
  if ((((digits + 0x7676_7f76_767f) | digits) & 0x8080_8080_8080) != 0) return false;
  const minutes = (<i32>(digits >> 8) & 15) * 10 + (<i32>(digits >> 16) & 15);
  const seconds = (<i32>(digits >> 32) & 15) * 10 + (<i32>(digits >> 40) & 15);
  if (minutes >= 60 || seconds > 60 || at + 6 > end) return false;
  behind = at + 6;
  intoHour = (minutes * 60 + seconds) * 1000;
  const point = load<u8>(at + 6);
  if ((point == 0x2e || point == 0x2c) && isDigit(<u32>load<u8>(at + 7))) readFraction(at + 7);
  return true;
}

function readFraction(at: usize): void {
  let weight: i32 = 100;
  for (; isDigit(<u32>load<u8>(at)); at++) {
    intoHour += <i32>(load<u8>(at) - 0x30) * weight;
    weight = weight == 100 ? 10 : weight == 10 ? 1 : 0;
  }
  behind = at;
}

/** A number since 1970 at `at`, in milliseconds; a negative number: none. Sets `behind`. */
export function readEpoch(at: usize, shift: i32): f64 {
  const start = at;
  let value: u64 = 0;
  for (; isDigit(<u32>load<u8>(at)); at++) {
    if (value > 100_000_000_000_000_000) return TOO_MUCH;
    value = value * 10 + <u64>(load<u8>(at) - 0x30);
  }
  if (at == start) return -1;
  let places = shift;
  if (load<u8>(at) == 0x2e && isDigit(<u32>load<u8>(at + 1))) {
    for (at++; isDigit(<u32>load<u8>(at)); at++) {
      if (places <= 0) continue;
      places--;
      if (value > LATEST) return -1;
      value = value * 10 + <u64>(load<u8>(at) - 0x30);
    }
  }
  for (; places > 0; places--) {
    if (value > LATEST) return -1;
    value *= 10;
  }
  for (; places < 0; places++) value /= 10;
  behind = at;
  return value < LATEST ? <f64>value : -1;
}

/** Of more digits than are read here. */
export const TOO_MUCH: f64 = -2;
/** As in `program.ts`. */
const LATEST: u64 = (<u64>10_000) << 31;
