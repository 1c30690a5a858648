/**
 * Of what a column counted, what is not 0 is written behind what other columns gave: u32 bucket, u32 cells, u32 latency steps, 4 bytes
 * nothing, f64 sum; then for each cell u32 combination and u32 lines, and for each step u32 step and u32 lines.
 */
import { COARSE_STEPS, COLUMNS, COUNTS, GIVEN_END, LATENCY, LATENCY_SUMS, MOST_COMBINATIONS, STATE } from './memory';

/** Where the next column is written, and how many combinations are known. */
export const GIVEN_AT: usize = STATE + 88;
export const KNOWN: usize = STATE + 92;

const HEAD: usize = 24;

/** Lets a column count another bucket (-1: none). False where there is no room for what it has counted: nothing is changed. */
export function giveColumn(column: usize, next: i32): bool {
  const place = COLUMNS + (column << 2);
  const bucket = load<i32>(place);
  if (bucket >= 0) {
    const head = <usize>load<u32>(GIVEN_AT);
    const known = <usize>load<u32>(KNOWN);
    if (head + HEAD + ((known + COARSE_STEPS) << 3) > GIVEN_END) return false;
    const cells = give(COUNTS + ((column * MOST_COMBINATIONS) << 2), known, head + HEAD);
    const steps = give(LATENCY + ((column * COARSE_STEPS) << 2), COARSE_STEPS, cells);
    const sum = LATENCY_SUMS + (column << 3);
    store<i32>(head, bucket);
    store<u32>(head, <u32>((cells - head - HEAD) >> 3), 4);
    store<u32>(head, <u32>((steps - cells) >> 3), 8);
    store<f64>(head, load<f64>(sum), 16);
    store<f64>(sum, 0);
    store<u32>(GIVEN_AT, <u32>steps);
  }
  store<i32>(place, next);
  return true;
}

/** Writes the numbers and values of what is not 0 of `count` counters, and makes them 0. Returns where it ends. */
function give(counters: usize, count: usize, to: usize): usize {
  let index: usize = 0;
  for (; index + 4 <= count; index += 4) {
    const four = counters + (index << 2);
    if (!v128.any_true(v128.load(four))) continue;
    for (let each = index; each < index + 4; each++) to = giveOne(counters, each, to);
  }
  for (; index < count; index++) to = giveOne(counters, index, to);
  return to;
}

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function giveOne(counters: usize, index: usize, to: usize): usize {
  const counter = counters + (index << 2);
  const value = load<u32>(counter);
  if (value == 0) return to;
  store<u32>(counter, 0);
  store<u32>(to, <u32>index);
  store<u32>(to, value, 4);
  return to + 8;
}
