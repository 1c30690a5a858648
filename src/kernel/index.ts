/**
 * Counts lines. `scan` walks through them until the input ends or something is needed that JavaScript knows better; `node/logs/kernel.ts`
 * says what that is, writes the programs and takes the counts away. A line is counted as a whole or not at all, so that it can be walked again.
 */
import { behind, intoHour, readClock, readEpoch, TOO_MUCH } from './clock';
import { giveColumn } from './columns';
import { bareEnd, find, findText, isEscaped, isInList } from './find';
import { addAuthority, addCollapsed, addFirstWord, addKey, addShape } from './keys';
import { endAndHash } from './lines';
import {
  COARSE,
  COARSE_STEPS,
  COLUMNS,
  COMBINATIONS,
  COUNTS,
  HISTOGRAMS,
  LATENCY,
  LATENCY_SUMS,
  LINES,
  MOST_COMBINATIONS,
  MOST_SAMPLES,
  PROGRAM,
  SAMPLES,
  SEEDS,
  SINCE,
  STATE,
  STEPS,
  TABLE,
  TABLE_SLOTS,
  UNTIL,
} from './memory';
import { NO_NUMBER, numberOf } from './numbers';

export * from './columns';
export * from './memory';
export * from './walk';

/** Walks the line as the first program does; 0: it is not of the usual kind, or does not fit. Else its key, and the numbers are at `WALKED`. */
declare function walk(line: usize, end: usize): u64;

/** Why `scan` came back. */
export const DONE: i32 = 0;
/** The combination with the hash at `KEY_HASH` is new. */
export const NEW_COMBINATION: i32 = 1;
/** The clock at `CLOCK_AT`, whose record is at `CLOCK`, has another hour or zone than its record. */
export const NEW_HOUR: i32 = 2;
/** The line's column counts another bucket, and there is no room for what it counted. */
export const NO_ROOM: i32 = 3;
export const SAMPLES_FULL: i32 = 4;
/** The line is not for the kernel. */
export const LINE: i32 = 5;

/** The line where it came back: its first byte, its end, and where the next begins. */
export const LINE_FROM: usize = STATE;
export const LINE_TO: usize = STATE + 4;
export const LINE_NEXT: usize = STATE + 8;
export const CLOCK: usize = STATE + 20;
export const CLOCK_AT: usize = STATE + 24;
export const SAMPLE_COUNT: usize = STATE + 28;
/** 1 where the last line that fitted was of an error log. */
export const LAST_IS_ERROR: usize = STATE + 32;
export const CONTINUED: usize = STATE + 36;
/** Highest hash of a line that is a sample: of good lines, and of failed ones. -1 as i64: none. */
export const THRESHOLDS: usize = STATE + 40;
export const FORMAT: usize = STATE + 56;
export const KEY_HASH: usize = STATE + 80;
/** What `walk` read: the time (f64) and both numbers (u64). */
export const WALKED: usize = STATE + 120;
/** 1 where there is a `walk`. */
export const HAS_WALK: usize = STATE + 144;
/** Lines that it did not walk. */
export const NOT_WALKED: usize = STATE + 148;

/** Longest line, as in `scanner.ts`. */
const LONGEST_LINE: usize = 1 << 20;

/*
 * An instruction: u8 operation, u8 use, u8 length of the text that must follow, u8 flags (and, from bit 4 on, how far the decimal point moves),
 * u8 `until`, u8 slot, prefix length or shift, u16 length of a text, u64 the text that must follow and u64 its mask, u32 where to go
 * on, a clock's record or where a text lies, u32 where the text of a `SEEK` or `MAYBE` lies or what tells a key from others.
 */
// Operations.
/** Begins a program. Goes on at the next one where it does not fit. Its texts' place is the number of its format. */
const HEAD: u8 = 0;
const END: u8 = 1;
const LITERAL: u8 = 2;
const MAYBE: u8 = 3;
const FIELD: u8 = 4;
const LIST: u8 = 5;
const ESCAPED: u8 = 6;
const TO_END: u8 = 7;
const TEXT: u8 = 8;
const SEEK: u8 = 9;
const CLOCK_TIME: u8 = 10;
const EPOCH: u8 = 11;
const BARE: u8 = 12;
const HAND_OVER_JSON: u8 = 13;
const HAND_OVER: u8 = 14;

// Uses, as in `program.ts`.
const KEY: u8 = 1;
const FIRST_WORD: u8 = 2;
const SHAPE: u8 = 3;
const COLLAPSED: u8 = 4;
const AUTHORITY: u8 = 5;

// Flags.
/** Another instruction may fill the same slot. */
const SHARED: u8 = 1;
/** The value of a JSON line that must not be missing. */
const REQUIRED: u8 = 2;
/** A clock at the end of the line. */
const AT_END: u8 = 4;
/** A number of a JSON line. */
const IS_BARE: u8 = 8;
/** A space right behind a clock ends nothing. */
const SPACED: u8 = 8;
/** Of a clock, as in `program.ts`. */
const LONGEST_SUFFIX: usize = 64;

const NOWHERE: usize = usize.MAX_VALUE;
const NO_TIME: f64 = -1;

export function scan(line: usize, to: usize): i32 {
  let lastIsError = load<u32>(LAST_IS_ERROR);
  const hasWalk = load<u32>(HAS_WALK) != 0;
  let reason = DONE;
  while (line < to) {
    const found = endAndHash(line);
    const hash = <u32>found;
    let end = <usize>(found >> 32);
    const next = end + 1;
    if (end > line && load<u8>(end - 1) == 0x0d) end--;
    if (end == line) {
      line = next;
      continue;
    }

    let op: usize = PROGRAM;
    let alternative: usize = 0;
    let format: usize = 0;
    let at = line;
    let time: f64 = NO_TIME;
    let first: u64 = NO_NUMBER;
    let second: u64 = NO_NUMBER;
    let filled: u32 = 0;
    let key: u64 = 0;
    let isError: u32 = 0;
    let fits = false;
    if (next - 1 - line > LONGEST_LINE) reason = LINE;
    else if (hasWalk) {
      key = walk(line, end);
      if (key != 0) {
        time = load<f64>(WALKED);
        first = load<u64>(WALKED, 8);
        second = load<u64>(WALKED, 16);
        format = load<u32>(PROGRAM, 28);
        isError = load<u8>(PROGRAM, 3);
        fits = true;
      } else addTo(NOT_WALKED);
    }
    if (!fits && reason == DONE)
      while (true) {
        let stop = NOWHERE;
        switch (load<u8>(op)) {
          case HEAD: {
            alternative = load<u32>(op, 24);
            format = load<u32>(op, 28);
            isError = load<u8>(op, 3);
            key = load<u64>(op, 8);
            at = line;
            time = NO_TIME;
            first = NO_NUMBER;
            second = NO_NUMBER;
            filled = 0;
            op += 32;
            continue;
          }
          case END: {
            fits = at == end;
            break;
          }
          case LITERAL: {
            stop = at;
            break;
          }
          case MAYBE: {
            const length = <usize>load<u16>(op, 6);
            if (findText(at, min(at + length, end), load<u32>(op, 28), length) == at) at += length;
            op += 32;
            continue;
          }
          case FIELD: {
            const found = find(at, end, v128.load8_splat(op, 4));
            if (found >= end) break;
            stop = found;
            // Most fields are only passed over.
            if (load<u8>(op, 1) == 0 && ((load<u64>(found) ^ load<u64>(op, 8)) & load<u64>(op, 16)) == 0) {
              at = found + <usize>load<u8>(op, 2);
              op += 32;
              continue;
            }
            break;
          }
          case LIST: {
            let found = at;
            while (true) {
              found = find(found, end, v128.load8_splat(op, 4));
              if (found >= end || !isInList(at, found, end)) break;
              found++;
            }
            if (found < end) stop = found;
            break;
          }
          case ESCAPED: {
            let found = at;
            while (true) {
              found = find(found, end, v128.load8_splat(op, 4));
              if (found >= end || load<u8>(found - 1) != 0x5c || !isEscaped(at, found)) break;
              found++;
            }
            if (found < end) stop = found;
            break;
          }
          case TO_END: {
            stop = end;
            break;
          }
          case TEXT: {
            const found = findText(at, end, load<u32>(op, 24), <usize>load<u16>(op, 6));
            stop = found < end ? found : end;
            break;
          }
          case SEEK: {
            const length = <usize>load<u16>(op, 6);
            const found = findText(at, end, load<u32>(op, 28), length);
            if (found >= end) {
              op = load<u32>(op, 24);
              continue;
            }
            at = found + length;
            op += 32;
            continue;
          }
          case CLOCK_TIME: {
            const clock = at + <usize>load<u8>(op, 5);
            if (clock + 6 > end || !readClock(clock, end)) break;
            const record = <usize>load<u32>(op, 24);
            const wrong = v128.or(
              v128.and(v128.xor(v128.load(at), v128.load(record, 16)), v128.load(record, 32)),
              v128.and(v128.xor(v128.load(behind), v128.load(record, 48)), v128.load(record, 64)),
            );
            stop = behind + <usize>load<u32>(record, 8);
            if (v128.any_true(wrong) || ((load<u8>(op, 3) & AT_END) != 0 && stop != end)) {
              stop = NOWHERE;
              if (!hasSuffix(op, end)) break;
              store<u32>(CLOCK, <u32>record);
              store<u32>(CLOCK_AT, <u32>at);
              reason = NEW_HOUR;
              break;
            }
            const hour = load<f64>(record);
            if (hour < 0) stop = NOWHERE;
            else if (time < 0) time = hour + <f64>intoHour;
            break;
          }
          case EPOCH: {
            const read = readEpoch(at, <i32>load<i8>(op, 5));
            if (read < 0) {
              if (read == TOO_MUCH) reason = LINE;
              break;
            }
            if (time < 0) time = read;
            if ((load<u8>(op, 3) & AT_END) != 0) stop = end;
            else if ((load<u8>(op, 3) & IS_BARE) != 0) stop = bareEnd(behind, end);
            else {
              const found = find(behind, end, v128.load8_splat(op, 4));
              // A backslash may make the byte one that ends nothing.
              if (found < end && load<u8>(found - 1) == 0x5c) reason = LINE;
              else if (found < end) stop = found;
            }
            break;
          }
          case BARE: {
            stop = bareEnd(at, end);
            if (stop == at || (stop - at == 4 && load<u32>(at) == 0x6c6c_756e)) {
              // `null` and nothing are no value: what follows must fit all the same.
              if ((load<u8>(op, 3) & REQUIRED) != 0) {
                reason = LINE;
                stop = NOWHERE;
                break;
              }
              if (((load<u64>(stop) ^ load<u64>(op, 8)) & load<u64>(op, 16)) != 0) {
                stop = NOWHERE;
                break;
              }
              at = stop + <usize>load<u8>(op, 2);
              op += 32;
              continue;
            }
            break;
          }
          case HAND_OVER_JSON: {
            const byte = load<u8>(line);
            if (byte == 0x7b || byte == 0x20 || byte == 0x09) reason = LINE;
            break;
          }
          default: {
            reason = LINE;
            break;
          }
        }

        if (stop <= end) {
          const use = load<u8>(op, 1);
          if (use != 0) {
            let isFree = true;
            if (use <= AUTHORITY && (load<u8>(op, 3) & SHARED) != 0) {
              const bit = (<u32>1) << <u32>load<u8>(op, 5);
              isFree = (filled & bit) == 0;
              filled |= bit;
            }
            if (isFree)
              switch (use) {
                case KEY: {
                  key = addKey(key, at, stop, <u64>load<u32>(op, 28));
                  break;
                }
                case FIRST_WORD: {
                  key = addFirstWord(key, at, stop, <u64>load<u32>(op, 28));
                  break;
                }
                case SHAPE: {
                  key = addShape(key, at, stop, <u64>load<u32>(op, 28));
                  break;
                }
                case COLLAPSED: {
                  key = addCollapsed(key, at, stop, <u64>load<u32>(op, 28));
                  break;
                }
                case AUTHORITY: {
                  key = addAuthority(key, at, stop, <u64>load<u32>(op, 28));
                  break;
                }
                default: {
                  const number = numberOf(at, stop, <u32>load<u8>(op, 3) >> 4);
                  if (load<u8>(op, 5) == 0) {
                    if (first == NO_NUMBER) first = number;
                  } else if (second == NO_NUMBER) second = number;
                  break;
                }
              }
          }
          if (((load<u64>(stop) ^ load<u64>(op, 8)) & load<u64>(op, 16)) == 0) {
            at = stop + <usize>load<u8>(op, 2);
            op += 32;
            continue;
          }
        }
        if (fits || reason != DONE || alternative == 0) break;
        op = alternative;
      }

    if (!fits) {
      if (reason == DONE) {
        // It fits none of the formats.
        if (lastIsError != 0) {
          store<u32>(CONTINUED, load<u32>(CONTINUED) + 1);
          line = next;
          continue;
        }
        reason = LINE;
      }
    } else if (time >= 0 && (time < load<f64>(SINCE) || time >= load<f64>(UNTIL))) {
      const outside = LINES + (format << 3) + 4;
      store<u32>(outside, load<u32>(outside) + 1);
      lastIsError = isError;
      line = next;
      continue;
    } else {
      key |= 1;
      let slot: usize = <usize>(key >> 40) & (TABLE_SLOTS - 1);
      let known = load<u64>(TABLE + (slot << 4));
      while (known != key && known != 0) {
        slot = (slot + 1) & (TABLE_SLOTS - 1);
        known = load<u64>(TABLE + (slot << 4));
      }
      if (known == 0) {
        store<u64>(KEY_HASH, key);
        store<u32>(FORMAT, <u32>format);
        reason = NEW_COMBINATION;
      } else {
        const id = <usize>load<u32>(TABLE + (slot << 4), 8);
        const combination = COMBINATIONS + (id << 6);
        const threshold = load<i64>(THRESHOLDS + (<usize>load<u32>(combination, 36) << 3));
        const samples = <usize>load<u32>(SAMPLE_COUNT);
        const isSample = <i64>hash <= threshold;
        const bucket = time >= 0 ? <i32>(time / 10_000.0) : 0;
        const column = <usize>(bucket & 63);
        if (isSample && samples == MOST_SAMPLES) reason = SAMPLES_FULL;
        else if (time >= 0 && load<i32>(COLUMNS + (column << 2)) != bucket && !giveColumn(column, bucket)) reason = NO_ROOM;
        else {
          if (isSample) {
            const sample = SAMPLES + (samples << 5);
            store<u32>(sample, <u32>line);
            store<u32>(sample, <u32>(end - line), 4);
            store<u32>(sample, hash, 8);
            store<u32>(sample, <u32>id, 12);
            store<f64>(sample, time, 16);
            store<u32>(SAMPLE_COUNT, <u32>samples + 1);
          }
          if (time >= 0) {
            const cell = COUNTS + (((column * MOST_COMBINATIONS) + id) << 2);
            store<u32>(cell, load<u32>(cell) + 1);
            if (time < load<f64>(combination)) store<f64>(combination, time);
            if (time > load<f64>(combination, 8)) store<f64>(combination, time, 8);
          } else store<u32>(combination, load<u32>(combination, 32) + 1, 32);
          if (first != NO_NUMBER) {
            const step = stepOf(first);
            addTo(HISTOGRAMS + ((id * 2 * STEPS) << 2) + (step << 2));
            store<f64>(combination, load<f64>(combination, 16) + <f64>first, 16);
            if (time >= 0) {
              addTo(LATENCY + ((column * COARSE_STEPS + <usize>load<u8>(COARSE + step)) << 2));
              const sum = LATENCY_SUMS + (column << 3);
              store<f64>(sum, load<f64>(sum) + <f64>first);
            }
          }
          if (second != NO_NUMBER) {
            addTo(HISTOGRAMS + (((id * 2 + 1) * STEPS) << 2) + (stepOf(second) << 2));
            store<f64>(combination, load<f64>(combination, 24) + <f64>second, 24);
          }
          const inside = LINES + (format << 3);
          store<u32>(inside, load<u32>(inside) + 1);
          lastIsError = isError;
          line = next;
          continue;
        }
      }
    }
    store<u32>(LINE_FROM, <u32>line);
    store<u32>(LINE_TO, <u32>end);
    store<u32>(LINE_NEXT, <u32>next);
    break;
  }
  store<u32>(LAST_IS_ERROR, lastIsError);
  return reason;
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function addTo(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** As in `histogram.ts`. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function stepOf(micros: u64): usize {
  const octave = 63 - <i32>clz(micros);
  if (octave < 10) return <usize>(octave + 1);
  return <usize>(11 + ((octave - 10) << 4) + (<i32>(micros >> <u64>(octave - 4)) & 15));
}

/** Whether what stands behind the clock that was read ends as the instruction says. */
function hasSuffix(op: usize, end: usize): bool {
  if ((load<u8>(op, 3) & AT_END) != 0) return end - behind <= LONGEST_SUFFIX;
  const from = (load<u8>(op, 3) & SPACED) != 0 && load<u8>(behind) == 0x20 ? behind + 1 : behind;
  const found = find(from, end, v128.load8_splat(op, 4));
  return found < end && found - behind <= LONGEST_SUFFIX;
}

// The seeds are read by `keys.ts` from where this points.
export const SEED_PLACE: usize = SEEDS;
