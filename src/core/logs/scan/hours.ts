import { isDigit } from './numbers.ts';
import { latestMs, longestSuffix, timeStyles } from './program.ts';
import type { ScanTask } from './scanner.ts';
import { latin1 } from './text.ts';

const space = 0x20;
const dot = 0x2e;
const comma = 0x2c;
const colon = 0x3a;
const none = -1;
/** No byte, and no end either. */
const never = -2;
/** Hours remembered beside the last: more than that many are only in a log that is not in order. */
const mostHours = 4096;

/** Reads times of lines; the hour is asked for only where it is another than that of the line before. */
export class HourReader {
  /** Of the last clock or epoch that was read. */
  timeMs = none;
  readonly #hourMs: ScanTask['hourMs'];
  readonly #hours = new Map<string, number>();
  // The text around the last clock: its prefix, and from `suffixAt` on its suffix.
  #around = new Uint8Array(0);
  #prefixLength = none;
  #suffixLength = none;
  #style = none;
  #until = never;
  #isSpaced = false;
  #hour = Number.NaN;

  constructor(hourMs: ScanTask['hourMs']) {
    this.#hourMs = hourMs;
  }

  /** Where the clock at `at` ends, or -1 where none stands there. */
  clock(bytes: Uint8Array, at: number, end: number, until: number, style: number, isSpaced: boolean, prefixLength: number): number {
    const known = this.#knownClock(bytes, at, end, until, style, isSpaced, prefixLength);
    if (known !== none) return known;
    const start = at + prefixLength;
    if (start + 6 > end || bytes[start] !== colon || bytes[start + 3] !== colon) return none;
    const minutes = twoDigits(bytes, start + 1);
    const seconds = twoDigits(bytes, start + 4);
    if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) return none;
    let suffix = start + 6;
    let milliseconds = 0;
    if (suffix + 1 < end && (bytes[suffix] === dot || bytes[suffix] === comma) && isDigit(bytes[suffix + 1])) {
      suffix += 1;
      for (let unit = 100; suffix < end && isDigit(bytes[suffix]); suffix += 1) {
        milliseconds += ((bytes[suffix] ?? 0) - 0x30) * unit;
        unit = unit === 100 ? 10 : unit === 10 ? 1 : 0;
      }
    }
    let to = isSpaced && suffix < end && bytes[suffix] === space ? suffix + 1 : suffix;
    if (until === none) to = end;
    else while (to < end && bytes[to] !== until) to += 1;
    if ((to === end && until !== none) || to - suffix > longestSuffix) return none;
    const timeMs = this.#hourOf(bytes, at, start, suffix, to, style) + (minutes * 60 + seconds) * 1000 + milliseconds;
    if (!(timeMs >= 0 && timeMs < latestMs)) return none;
    this.timeMs = timeMs;
    // Where a fraction ends the clock, each has to be looked at.
    this.#until = until === dot || until === comma ? never : until;
    this.#isSpaced = isSpaced;
    return to;
  }

  /** Where a clock without a fraction ends, if the text around it is that of the last, and that was up to the same byte. Else -1. */
  #knownClock(bytes: Uint8Array, at: number, end: number, until: number, style: number, isSpaced: boolean, prefixLength: number): number {
    const start = at + prefixLength;
    const to = start + 6 + this.#suffixLength;
    if (style !== this.#style || until !== this.#until || isSpaced !== this.#isSpaced || prefixLength !== this.#prefixLength || to > end) return none;
    if (until === none ? to !== end : to === end || bytes[to] !== until) return none;
    if (bytes[start] !== colon || bytes[start + 3] !== colon || !this.#isAround(bytes, at, start, start + 6, to)) return none;
    const minutes = twoDigits(bytes, start + 1);
    const seconds = twoDigits(bytes, start + 4);
    if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) return none;
    const timeMs = this.#hour + (minutes * 60 + seconds) * 1000;
    if (!(timeMs >= 0 && timeMs < latestMs)) return none;
    this.timeMs = timeMs;
    return to;
  }

  /** Where the number at `at`, and what follows it, end; -1 where none stands there. */
  epoch(bytes: Uint8Array, at: number, end: number, until: number, shift: number): number {
    let whole = at;
    while (whole < end && isDigit(bytes[whole])) whole += 1;
    if (whole === at) return none;
    let after = whole;
    if (whole + 1 < end && bytes[whole] === dot && isDigit(bytes[whole + 1])) {
      after += 1;
      while (after < end && isDigit(bytes[after])) after += 1;
    }
    let value = 0;
    for (let index = at; index < whole + Math.min(0, shift) && value < latestMs; index += 1) value = value * 10 + (bytes[index] ?? 0) - 0x30;
    for (let place = 1; place <= shift && value < latestMs; place += 1) {
      value = value * 10 + (whole + place < after ? (bytes[whole + place] ?? 0) - 0x30 : 0);
    }
    let to = after;
    if (until === none) to = end;
    else while (to < end && bytes[to] !== until) to += 1;
    if ((to === end && until !== none) || value >= latestMs) return none;
    this.timeMs = value;
    return to;
  }

  #hourOf(bytes: Uint8Array, prefix: number, prefixEnd: number, suffix: number, suffixEnd: number, style: number): number {
    if (style === this.#style && this.#isAround(bytes, prefix, prefixEnd, suffix, suffixEnd)) return this.#hour;
    const before = latin1(bytes, prefix, prefixEnd);
    const behind = latin1(bytes, suffix, suffixEnd);
    const key = `${style} ${before.length} ${before}${behind}`;
    let hour = this.#hours.get(key);
    if (hour === undefined) {
      hour = Math.floor(this.#hourMs(timeStyles[style] ?? 'iso', before, behind));
      if (this.#hours.size >= mostHours) this.#hours.clear();
      this.#hours.set(key, hour);
    }
    if (this.#around.length < key.length) this.#around = new Uint8Array(key.length);
    this.#around.set(bytes.subarray(prefix, prefixEnd));
    this.#around.set(bytes.subarray(suffix, suffixEnd), prefixEnd - prefix);
    this.#prefixLength = prefixEnd - prefix;
    this.#suffixLength = suffixEnd - suffix;
    this.#style = style;
    this.#hour = hour;
    return hour;
  }

  #isAround(bytes: Uint8Array, prefix: number, prefixEnd: number, suffix: number, suffixEnd: number): boolean {
    const around = this.#around;
    const length = this.#prefixLength;
    if (prefixEnd - prefix !== length || suffixEnd - suffix !== this.#suffixLength) return false;
    // The hour is at the end of the prefix, and is what differs first.
    for (let index = length - 1; index >= 0; index -= 1) if (bytes[prefix + index] !== around[index]) return false;
    for (let index = 0; suffix + index < suffixEnd; index += 1) if (bytes[suffix + index] !== around[length + index]) return false;
    return true;
  }
}

/** -1 where they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30;
  const ones = (bytes[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : none;
}
