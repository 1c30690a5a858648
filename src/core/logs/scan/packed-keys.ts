import type { LineWalk } from './interpreter.ts';
import { isDigit } from './numbers.ts';
import { longestKey, notFilled, packedKeysMost, uses } from './program.ts';
import { findByte } from './words.ts';

const space = 0x20;
const quote = 0x22;
const parenthesis = 0x28;
const dot = 0x2e;
const slash = 0x2f;
const zero = 0x30;
const colon = 0x3a;
/** Words are copied and cleared beyond the end; a multiple of four with what it follows. */
const slack = 16;

/** Packs the keys of the line that a walk has taken, as `program.ts` says. */
export class KeyPacker {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(packedKeysMost + slack);
  /** The packed bytes by fours, filled up with zeros. */
  readonly words: Int32Array = new Int32Array(this.bytes.buffer);
  length = 0;
  /** Of the packed bytes. */
  hash = 0;
  readonly #view = new DataView(this.bytes.buffer);

  /** `view` is of the same bytes as `line`. */
  pack(walk: LineWalk, line: Uint8Array, view: DataView): void {
    const { keyFrom, keyTo, keyUse } = walk;
    const out = this.bytes;
    let length = 0;
    for (let slot = 0; slot < keyTo.length; slot += 1) {
      const from = keyFrom[slot] ?? 0;
      const to = keyTo[slot] ?? 0;
      const start = length + 2;
      let end = start;
      if (to !== -1) {
        const use = keyUse[slot] ?? 0;
        if (use === uses.collapsed) end = writeCollapsed(line, from, to, out, start);
        else if (use === uses.shape) end = writeShape(line, from, to, out, start);
        else if (use === uses.authority) end = this.#writeAuthority(view, from, to, start);
        else end = this.#copy(view, from, use === uses['first-word'] ? placeOf(space, view, from, to) : to, start);
      }
      const size = to === -1 ? notFilled : end - start;
      out[length] = size & 0xff;
      out[length + 1] = size >> 8;
      length = end;
    }
    this.length = length;
    this.#view.setInt32(length, 0, true);
    this.hash = hashOf(this.words, (length + 3) >> 2);
  }

  #copy(view: DataView, from: number, to: number, start: number): number {
    const size = Math.min(to - from, longestKey);
    let at = 0;
    if (from + size + 4 <= view.byteLength) for (; at < size; at += 4) this.#view.setInt32(start + at, view.getInt32(from + at, true), true);
    else for (; at < size; at += 1) this.bytes[start + at] = view.getUint8(from + at);
    return start + size;
  }

  #writeAuthority(view: DataView, from: number, to: number, start: number): number {
    for (let at = findByte(view, colon, from, to); at !== -1 && at + 3 <= to; at = findByte(view, colon, at + 1, to)) {
      if (view.getUint8(at + 1) !== slash || view.getUint8(at + 2) !== slash) continue;
      const host = at + 3;
      return this.#copy(view, host, isUnix(view, host, to) ? placeOf(colon, view, host + 5, to) : placeOf(slash, view, host, to), start);
    }
    return this.#copy(view, from, to, start);
  }
}

function hashOf(words: Int32Array, count: number): number {
  let hash = 0;
  for (let index = 0; index < count; index += 1) {
    hash = Math.imul(hash ^ (words[index] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
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
      while (at < to && line[at] !== quote) at += 1;
      if (at < to && end < stop) out[end++] = quote;
      at += 1;
    }
  }
  return end;
}

/** `unix:` */
function isUnix(view: DataView, at: number, to: number): boolean {
  return at + 5 <= to && view.getInt32(at, true) === 0x78696e75 && view.getUint8(at + 4) === colon;
}

function placeOf(byte: number, view: DataView, from: number, to: number): number {
  const at = findByte(view, byte, from, to);
  return at === -1 ? to : at;
}
