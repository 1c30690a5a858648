/** What a compiled walk (`src/node/logs/kernel-walk.ts`) calls where a line is not of the usual kind, or the work is not worth being compiled. */
import { behind, intoHour, readClock } from './clock';
import { find, findFurther, isInList } from './find';
import { addAuthority, addCollapsed, addFirstWord, addKey, addShape } from './keys';
import { numberOf } from './numbers';

export { bareEnd, findText } from './find';

export function keyOf(hash: u64, from: usize, to: usize, slot: u64): u64 {
  return addKey(hash, from, to, slot);
}

export function firstWordOf(hash: u64, from: usize, to: usize, slot: u64): u64 {
  return addFirstWord(hash, from, to, slot);
}

export function shapeOf(hash: u64, from: usize, to: usize, slot: u64): u64 {
  return addShape(hash, from, to, slot);
}

export function collapsedOf(hash: u64, from: usize, to: usize, slot: u64): u64 {
  return addCollapsed(hash, from, to, slot);
}

export function authorityOf(hash: u64, from: usize, to: usize, slot: u64): u64 {
  return addAuthority(hash, from, to, slot);
}

export function numberIn(from: usize, to: usize, shift: u32): u64 {
  return numberOf(from, to, shift);
}

/** The first byte of the kind at or behind `at`; anything >= end: none. */
export function findByte(at: usize, end: usize, byte: u32): usize {
  return findFurther(at, end, i8x16.splat(<i8>byte));
}

/** Where the list ends; anything >= end: nowhere. */
export function listEnd(at: usize, end: usize, until: u32): usize {
  const kind = i8x16.splat(<i8>until);
  let found = at;
  while (true) {
    found = find(found, end, kind);
    if (found >= end || !isInList(at, found, end)) return found;
    found++;
  }
}

/** Where the clock at `at` ends (the upper half), and its milliseconds since the hour began; 0: it is none. */
export function clockAt(at: usize, end: usize): u64 {
  return readClock(at, end) ? ((<u64>behind) << 32) | <u64>intoHour : 0;
}
