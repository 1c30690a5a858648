/**
 * Finds where a time window starts in a log, by bisection: a log is in time order, so the start of the last
 * fifteen minutes of 50 GB costs some forty small reads.
 */
import { ask, type Request } from '../model/collector.ts';
import type { Known } from '../model/fact.ts';

export interface WindowSearch {
  readonly path: string;
  readonly size: number;
  readonly sinceMs: number;
  /** A line later than this was written with a wrong clock and says nothing about its place. */
  readonly latestMs: number;
  /** Time of the line in `bytes[start, end)`; NaN where it has none. */
  timeOf(bytes: Uint8Array, start: number, end: number): number;
}

export type Asking<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** Lines of several workers, and of a buffered log, are out of order by less than this. */
export const slackMs = 60_000;
export const sliceBytes = 65_536;
const neighbours = 4;

type Place = 'inside' | 'before' | 'hole' | 'unknown';

/**
 * An offset from which on every line of the window is found; lines before the window may follow it too. It lies inside
 * a line unless it is 0. Where a clock was set back, the newest stretch of the window counts. Regions of NUL
 * bytes (a sparse start) and rubbish at the start are taken as before the window.
 */
export function* findWindowStart(search: WindowSearch): Asking<number> {
  let high = search.size;
  let low = 0;
  for (let step = sliceBytes; ; step *= 4) {
    const at = Math.max(0, search.size - step);
    const place = yield* placeOf(search, at, high);
    if (place === 'inside') high = at;
    if (at === 0) {
      if (place === 'inside') return 0;
      break;
    }
    if (place === 'before' || place === 'hole') {
      low = at;
      break;
    }
  }
  // A file of nothing but rubbish is not searched again and again.
  let searches = 0;
  while (high - low > sliceBytes) {
    const middle = Math.floor((low + high) / 2);
    const place = yield* placeOf(search, middle, high);
    if (place === 'inside') high = middle;
    else if (place === 'unknown') {
      searches += 1;
      const inside = searches > 3 ? undefined : yield* insideBefore(search, low, middle);
      if (inside === undefined) low = middle;
      else high = inside;
    } else low = middle;
  }
  return low;
}

/** Rubbish in the middle: the readable lines that end where it begins decide. An offset in them, where they lie in the window. */
function* insideBefore(search: WindowSearch, from: number, to: number): Asking<number | undefined> {
  let low = from;
  let high = to;
  while (high - low > sliceBytes) {
    const middle = Math.floor((low + high) / 2);
    const place = yield* placeOf(search, middle, high);
    if (place === 'inside') return middle;
    if (place === 'unknown') high = middle;
    else low = middle;
  }
  return undefined;
}

/** What the first line with a time says that starts behind `at`. */
function* placeOf(search: WindowSearch, at: number, limit: number): Asking<Place> {
  const first = yield* readSlices(search.path, [at]);
  const head = first[0];
  if (head === undefined || head.length === 0) return 'unknown';
  const seen = judge(search, head, at === 0);
  if (seen !== undefined) return seen;
  if (isHole(head)) return 'hole';
  const next: number[] = [];
  for (let index = 1; index <= neighbours && at + index * sliceBytes < limit; index += 1) next.push(at + index * sliceBytes);
  if (next.length === 0) return 'unknown';
  // Slices overlap by nothing, so a line on their border is passed over; the next one is as good.
  for (const slice of yield* readSlices(search.path, next)) {
    const place = slice === undefined ? undefined : judge(search, slice, false);
    if (place !== undefined) return place;
  }
  return 'unknown';
}

function* readSlices(path: string, offsets: readonly number[]): Asking<readonly (Uint8Array | undefined)[]> {
  const slices: (Uint8Array | undefined)[] = [];
  const answers = yield* ask(...offsets.map(offset => ({ kind: 'read', path, options: { offset, limit: sliceBytes } }) as const));
  for (const answer of answers) slices.push(answer.state === 'known' ? answer.value.bytes : undefined);
  return slices;
}

function judge(search: WindowSearch, slice: Uint8Array, fromStart: boolean): Place | undefined {
  let start = fromStart ? 0 : slice.indexOf(10) + 1;
  if (start === 0 && !fromStart) return undefined;
  for (let end = slice.indexOf(10, start); end !== -1; end = slice.indexOf(10, start)) {
    const timeMs = search.timeOf(slice, start, end);
    if (timeMs <= search.latestMs) return timeMs >= search.sinceMs - slackMs ? 'inside' : 'before';
    start = end + 1;
  }
  return undefined;
}

function isHole(slice: Uint8Array): boolean {
  return slice.every(byte => byte === 0);
}
