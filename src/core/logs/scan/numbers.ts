import { mostMicros } from './program.ts';

/** What is so short fits into 31 bits. */
const fewBytes = 9;
const powers = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const dot = 0x2e;
const space = 0x20;
const comma = 0x2c;
const colon = 0x3a;

/** The sum of the numbers in [from, to) in whole microseconds, as `program.ts` says; -1 where none counts. `shift` is 6, 3 or 0. */
export function microsOf(bytes: Uint8Array, from: number, to: number, shift: number): number {
  if (to - from <= fewBytes) {
    const micros = shortNumber(bytes, from, to, shift);
    if (micros >= 0) return micros;
  }
  let sum = -1;
  let at = from;
  for (;;) {
    const start = at;
    let places = shift;
    let value = 0;
    while (at < to && isDigit(bytes[at])) value = withDigit(value, bytes[at++]);
    let counts = at > start;
    if (counts && at < to && bytes[at] === dot) {
      at += 1;
      counts = at < to && isDigit(bytes[at]);
      for (; at < to && isDigit(bytes[at]); at += 1) {
        if (places === 0) continue;
        places -= 1;
        value = withDigit(value, bytes[at]);
      }
    }
    for (; at < to && !isSeparator(bytes[at]); at += 1) counts = false;
    if (counts) {
      for (; places > 0; places -= 1) value = withDigit(value, 0x30);
      sum = Math.min(mostMicros, Math.max(0, sum) + value);
    }
    if (at >= to) return sum;
    at += 1;
  }
}

/** One number of few bytes, as nearly all are; -1 where it is no such. */
function shortNumber(bytes: Uint8Array, from: number, to: number, shift: number): number {
  let value = 0;
  let at = from;
  let places = -1;
  for (; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      if (places >= 0) places += 1;
    } else if (digit === dot - 0x30 && places < 0 && at > from) places = 0;
    else return -1;
  }
  if (places < 0) return to > from ? Math.min(mostMicros, value * (powers[shift] ?? 1)) : -1;
  return places > 0 && places <= shift ? Math.min(mostMicros, value * (powers[shift - places] ?? 1)) : -1;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** What is too big anyway stays so. */
function withDigit(value: number, digit: number | undefined): number {
  return value > mostMicros ? value : value * 10 + (digit ?? 0x30) - 0x30;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === space || byte === comma || byte === colon;
}
