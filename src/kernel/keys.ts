/**
 * Keys go into a hash of 64 bits that says which combination a line is of. Two keys that the engine takes for the same give the same hash
 * almost always, and must where they differ from line to line; two that it tells apart give different ones.
 */
import { find, findDigitOrQuote, findText, isDigit, isSame } from './find';
import { MASKS, SEEDS } from './memory';

/** What stands for a run that is left out. */
const DIGITS: u64 = 0x9f3c_11d5_77a1_0b43;
const QUOTED: u64 = 0x6a09_e667_f3bc_c909;
const UNCLOSED: u64 = 0x3c6e_f372_fe94_f82b;
/** Bytes of a key that count. */
const LONGEST: usize = 256;

/** `://` and `unix:` */
const AUTHORITY: usize = memory.data<u8>([0x3a, 0x2f, 0x2f]);
const UNIX: usize = memory.data<u8>([0x75, 0x6e, 0x69, 0x78, 0x3a]);

// @ts-expect-error: AssemblyScript's decorator of a function
@inline
function mix(hash: u64, word: u64): u64 {
  const mixed = (hash ^ word) * load<u64>(SEEDS);
  return mixed ^ (mixed >> 32);
}

/** `slot`: whatever else tells this key from the others. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function addKey(hash: u64, from: usize, to: usize, slot: u64): u64 {
  let length = to - from;
  hash += slot;
  if (length > 16) {
    if (length > LONGEST) length = LONGEST;
    return addLong(hash, from, length);
  }
  const first = load<u64>(from) & load<u64>(MASKS + 16 - length);
  const second = load<u64>(from + 8) & load<u64>(MASKS + 24 - length);
  let mixed = (hash ^ first) * load<u64>(SEEDS);
  mixed ^= mixed >> 32;
  mixed = (mixed ^ second) * load<u64>(SEEDS, 8) + <u64>length * load<u64>(SEEDS, 16);
  return mixed ^ (mixed >> 29);
}

function addLong(hash: u64, from: usize, length: usize): u64 {
  const to = from + length;
  for (; from + 8 <= to; from += 8) hash = mix(hash, load<u64>(from));
  return mix(hash, load<u64>(from) & load<u64>(MASKS + 16 - (to - from))) + <u64>length * load<u64>(SEEDS, 16);
}

/** Up to the first space. */
export function addFirstWord(hash: u64, from: usize, to: usize, slot: u64): u64 {
  const space = find(from, to, i8x16.splat(0x20));
  return addKey(hash, from, space < to ? space : to, slot);
}

/** Digits and dots. */
// @ts-expect-error: AssemblyScript's decorator of a function
@inline
export function addShape(hash: u64, from: usize, to: usize, slot: u64): u64 {
  const length = to - from;
  if (length - 1 < 16) {
    const bytes = v128.load(from);
    const inRange = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x2e)), i8x16.splat(12));
    const others = ~i8x16.bitmask(v128.andnot(inRange, i8x16.eq(bytes, i8x16.splat(0x2f))));
    if (<usize>ctz(others) >= length) return mix(hash + slot, DIGITS);
  }
  return addMixedShape(hash, from, to, slot);
}

function addMixedShape(hash: u64, from: usize, to: usize, slot: u64): u64 {
  hash = mix(hash + slot, 0);
  let word: u64 = 0;
  let kept: usize = 0;
  let wasIn = false;
  for (; from < to; from++) {
    let byte: u64 = <u64>load<u8>(from);
    if (isDigit(<u32>byte) || byte == 0x2e) {
      if (wasIn) continue;
      wasIn = true;
      byte = 0x30;
    } else wasIn = false;
    if (kept == LONGEST) break;
    word = (word << 8) | byte;
    if ((++kept & 7) == 0) {
      hash = mix(hash, word);
      word = 0;
    }
  }
  return mix(hash, word) + <u64>kept * load<u64>(SEEDS, 16);
}

/** Digits but an errno, and what is quoted. */
export function addCollapsed(hash: u64, from: usize, to: usize, slot: u64): u64 {
  hash = mix(hash + slot, 0);
  const start = from;
  let room: usize = LONGEST;
  while (from < to) {
    const next = findDigitOrQuote(from, to);
    let length = next - from;
    if (length > room) length = room;
    if (length != 0) hash = addKey(hash, from, from + length, 1);
    room -= length;
    if (next >= to || room == 0) break;
    if (load<u8>(next) == 0x22) {
      const close = find(next + 1, to, i8x16.splat(0x22));
      hash = mix(hash, close < to && room > 1 ? QUOTED : UNCLOSED);
      room -= room > 1 ? 2 : 1;
      if (close >= to || room == 0) break;
      from = close + 1;
      continue;
    }
    let end = next + 1;
    while (end < to && isDigit(<u32>load<u8>(end))) end++;
    length = end - next;
    if (length <= 3 && next > start && load<u8>(next - 1) == 0x28) {
      if (length > room) length = room;
      hash = addKey(hash, next, next + length, 2);
    } else {
      length = 1;
      hash = mix(hash, DIGITS);
    }
    room -= length;
    if (room == 0) break;
    from = end;
  }
  return hash;
}

/** Host and port, or the path of a socket. */
export function addAuthority(hash: u64, from: usize, to: usize, slot: u64): u64 {
  const scheme = findText(from, to, AUTHORITY, 3);
  if (scheme >= to) return addKey(hash, from, to, slot);
  from = scheme + 3;
  let close: usize;
  if (to - from >= 5 && isSame(from, UNIX, 5)) close = find(from + 5, to, i8x16.splat(0x3a));
  else close = find(from, to, i8x16.splat(0x2f));
  return addKey(hash, from, close < to ? close : to, slot);
}
