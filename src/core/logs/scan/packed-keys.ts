import type { LineWalk } from './interpreter.ts';
import { isDigit } from './numbers.ts';
import { longestKey, notFilled, packedKeysMost, uses } from './program.ts';

const space = 0x20;
const quote = 0x22;
const parenthesis = 0x28;
const dot = 0x2e;
const slash = 0x2f;
const zero = 0x30;
const colon = 0x3a;

/** Packs the keys of the line that a walk has taken, as `program.ts` says. */
export class KeyPacker {
  readonly bytes: Uint8Array = new Uint8Array(packedKeysMost);
  length = 0;
  /** Of the packed bytes. */
  hash = 0;

  pack(walk: LineWalk, line: Uint8Array): void {
    const { keyFrom, keyTo, keyUse } = walk;
    const out = this.bytes;
    let length = 0;
    let hash = 0;
    for (let slot = 0; slot < keyTo.length; slot += 1) {
      const from = keyFrom[slot] ?? 0;
      const to = keyTo[slot] ?? 0;
      const start = length + 2;
      const end = to === -1 ? start : write(line, from, to, keyUse[slot] ?? 0, out, start);
      const size = to === -1 ? notFilled : end - start;
      out[length] = size & 0xff;
      out[length + 1] = size >> 8;
      hash = Math.imul(hash ^ size, 0x01000193);
      for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (out[at] ?? 0), 0x01000193);
      length = end;
    }
    this.length = length;
    this.hash = hash ^ (hash >>> 15);
  }
}

/** Writes what the use makes of the field to `start`, and returns where it ends. */
function write(line: Uint8Array, from: number, to: number, use: number, out: Uint8Array, start: number): number {
  if (use === uses.collapsed) return writeCollapsed(line, from, to, out, start);
  if (use === uses.shape) return writeShape(line, from, to, out, start);
  if (use === uses.authority) return writeAuthority(line, from, to, out, start);
  return copy(line, from, use === uses['first-word'] ? placeOf(space, line, from, to) : to, out, start);
}

function copy(line: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  const stop = Math.min(to, from + longestKey);
  let end = start;
  for (let at = from; at < stop; at += 1) {
    out[end] = line[at] ?? 0;
    end += 1;
  }
  return end;
}

function writeShape(line: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  let end = start;
  let isRun = false;
  for (let at = from; at < to && end - start < longestKey; at += 1) {
    const byte = line[at] ?? 0;
    const isOne = isDigit(byte) || byte === dot;
    if (!isOne || !isRun) {
      out[end] = isOne ? zero : byte;
      end += 1;
    }
    isRun = isOne;
  }
  return end;
}

function writeCollapsed(line: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  const stop = start + longestKey;
  let end = start;
  for (let at = from; at < to && end < stop;) {
    const byte = line[at] ?? 0;
    if (isDigit(byte)) {
      let after = at + 1;
      while (after < to && isDigit(line[after])) after += 1;
      if (after - at <= 3 && at > from && line[at - 1] === parenthesis) {
        for (; at < after && end < stop; at += 1) out[end++] = line[at] ?? 0;
      } else out[end++] = zero;
      at = after;
    } else {
      out[end++] = byte;
      at += 1;
      if (byte !== quote) continue;
      at = placeOf(quote, line, at, to);
      if (at < to && end < stop) out[end++] = quote;
      at += 1;
    }
  }
  return end;
}

function writeAuthority(line: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  for (let at = from; at + 3 <= to; at += 1) {
    if (line[at] !== colon || line[at + 1] !== slash || line[at + 2] !== slash) continue;
    const host = at + 3;
    return copy(line, host, isUnix(line, host, to) ? placeOf(colon, line, host + 5, to) : placeOf(slash, line, host, to), out, start);
  }
  return copy(line, from, to, out, start);
}

/** `unix:` */
function isUnix(line: Uint8Array, at: number, to: number): boolean {
  return at + 5 <= to && line[at] === 0x75 && line[at + 1] === 0x6e && line[at + 2] === 0x69 && line[at + 3] === 0x78 && line[at + 4] === colon;
}

function placeOf(byte: number, line: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && line[at] !== byte) at += 1;
  return at;
}
