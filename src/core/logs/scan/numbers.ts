import { mostMicros } from './program.ts';

const dot = 0x2e;
const space = 0x20;
const comma = 0x2c;
const colon = 0x3a;

/** The sum of the numbers in [from, to) in whole microseconds, as `program.ts` says; -1 where none counts. `shift` is 6, 3 or 0. */
export function microsOf(bytes: Uint8Array, from: number, to: number, shift: number): number {
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
