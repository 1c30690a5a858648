/** Where in a plain file to look: samples for its format, the window that was asked for, borders of ranges. */
import { readSync } from 'node:fs';
import { longestLine } from '../../core/logs/scan/scanner.ts';
import { findWindowStart, slackMs, sliceBytes, type WindowSearch } from '../../core/logs/window.ts';
import { known } from '../../core/model/fact.ts';
import type { LineReader } from './format-choice.ts';

const newline = 10;
const sampleBytes = 65_536;
/** Nearly every line ends within so many. */
const lineBytes = 2048;
const dayMs = 86_400_000;
/** How far the head of a message may lie behind a border before the border is given up. */
const farthest = 4 * longestLine;

/** Pieces of a file that start at a line: its start, and of a larger one also the places between and its end. Errors are thrown. */
export function samplesOf(fd: number, size: number): readonly Uint8Array[] {
  const places = size <= 8 * sampleBytes ? [0] : [0, Math.floor(size / 3), Math.floor((2 * size) / 3), size - sampleBytes];
  return places.map(place => sampleAt(fd, place, Math.min(sampleBytes, size - place))).filter((sample, index) => index === 0 || sample.length > 0);
}

function sampleAt(fd: number, place: number, length: number): Uint8Array {
  const bytes = readAt(fd, place, length);
  if (place > 0) return bytes.subarray(bytes.indexOf(newline) + 1);
  // A hole at the start, left by a log that was emptied under its writer.
  const text = bytes.findIndex(byte => byte !== 0);
  return text <= 0 ? bytes : bytes.subarray(text);
}

/** As many bytes as there are, at most `length`. */
export function readAt(fd: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const count = readSync(fd, bytes, got, length - got, offset + got);
    if (count === 0) break;
    got += count;
  }
  return bytes.subarray(0, got);
}

export interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
}

/** [start, end) in which all lines of the window lie; start is that of a line. Found with some forty reads of 64 KiB. */
export function windowOf(fd: number, size: number, window: Window, lines: LineReader): { readonly start: number; readonly end: number } {
  const timeOf: WindowSearch['timeOf'] = (bytes, from, to) => lines.timeMs(bytes, from, to);
  const search = (sinceMs: number): number => {
    // A line of tomorrow was written with a wrong clock.
    const latestMs = Math.max(window.nowMs + dayMs, sinceMs + dayMs);
    const asking = findWindowStart({ path: '', size, sinceMs, latestMs, timeOf });
    let step = asking.next();
    while (step.done !== true) {
      const answers = step.value.map(request => {
        const { offset = 0, limit = sliceBytes } = request.kind === 'read' ? (request.options ?? {}) : {};
        return known({ bytes: readAt(fd, offset, limit), size, atEnd: offset + limit >= size });
      });
      step = asking.next(answers);
    }
    return step.value;
  };
  // Lines are out of order by less than the slack, on either side.
  const end = Number.isFinite(window.untilMs) ? Math.min(size, search(window.untilMs + 2 * slackMs) + 8 * sliceBytes) : size;
  const found = Number.isFinite(window.sinceMs) ? search(window.sinceMs) : 0;
  const start = found === 0 ? 0 : nextLine(fd, found, size);
  return { start, end: end === size ? size : Math.max(start, nextLine(fd, end, size)) };
}

/** The first line that starts behind `at`; `size` where none does. */
export function nextLine(fd: number, at: number, size: number): number {
  for (let place = at, length = lineBytes; place < size; place += length, length = sampleBytes) {
    const bytes = readAt(fd, place, length);
    if (bytes.length === 0) return size;
    const found = bytes.indexOf(newline);
    if (found !== -1) return Math.min(size, place + found + 1);
  }
  return size;
}

/**
 * Borders that cut [start, end) into ranges of about `length` bytes. Each is the start of a line; where `lines` is given, of one
 * that fits a format, so that no message is cut from the lines that continue it.
 */
export function bordersOf(fd: number, start: number, end: number, length: number, lines: LineReader | undefined): readonly number[] {
  const borders = [start];
  let at = start + length;
  while (at < end - length / 2) {
    const line = nextLine(fd, at - 1, end);
    const border = lines === undefined ? line : nextHead(fd, line, end, lines);
    // All that is near belongs to one message: then this range is longer.
    if (border !== undefined && border < end) borders.push(border);
    at = Math.max(at, border ?? line) + length;
  }
  return [...borders, end];
}

function nextHead(fd: number, line: number, end: number, lines: LineReader): number | undefined {
  let place = line;
  let bytes = readAt(fd, place, sampleBytes);
  let from = 0;
  while (place + from < end && place + from - line < farthest && bytes.length > 0) {
    const to = bytes.indexOf(newline, from);
    if (to !== -1) {
      if (lines.fits(bytes, from, to)) return place + from;
      from = to + 1;
    } else if (from > 0) {
      place += from;
      from = 0;
      bytes = readAt(fd, place, sampleBytes);
    } else {
      const longer = bytes.length < longestLine ? readAt(fd, place, longestLine + sampleBytes) : bytes;
      if (longer.length === bytes.length) return undefined;
      bytes = longer;
    }
  }
  return undefined;
}
