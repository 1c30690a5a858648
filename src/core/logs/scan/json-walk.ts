import { instructionWords, opcodes, type LineProgram } from './program.ts';
import { findByte, findEither } from './words.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const comma = 0x2c;
const none = -1;

/** Takes what the fields of a line say. */
export interface FieldTaker {
  readonly program: LineProgram;
  /** -1 until a time was taken. */
  readonly timeMs: number;
  take(use: number, slot: number, bytes: Uint8Array, from: number, to: number): void;
  /** -1 where it is no time. */
  takeTime(pc: number, bytes: Uint8Array, at: number, end: number): number;
}

/** Whether a line is an object with the names of a program of kind `json`; what its fields say is taken by the walk. See `LineProgram`. */
export function walkJson(walk: FieldTaker, bytes: Uint8Array, view: DataView, from: number, end: number): boolean {
  const { program } = walk;
  let to = end;
  while (to > from && isBlank(bytes[to - 1])) to -= 1;
  let at = behindBlanks(bytes, from, to);
  if (to - at < 2 || bytes[at] !== braceOpen || bytes[to - 1] !== braceClose) return false;
  let seen = 0;
  let isKnown = false;
  for (at += 1; ;) {
    at = findByte(view, quote, at, to);
    if (at === none) break;
    const nameFrom = at + 1;
    const nameTo = stringEnd(view, nameFrom, to);
    if (nameTo === none) return false;
    at = behindBlanks(bytes, nameTo + 1, to);
    if (bytes[at] !== colon || at >= to) continue;
    at = behindBlanks(bytes, at + 1, to);
    let valueFrom = at;
    let valueTo = none;
    if (at < to && bytes[at] === quote) {
      valueFrom = at + 1;
      valueTo = stringEnd(view, valueFrom, to);
      if (valueTo === none) return false;
      at = valueTo + 1;
    } else if (at < to && bytes[at] !== braceOpen && bytes[at] !== bracketOpen) {
      while (at < to && !endsWord(bytes[at])) at += 1;
      if (at > valueFrom && !isNull(bytes, valueFrom, at)) valueTo = at;
    }
    if (valueTo === none) continue;
    const pc = entryOf(program.code, program.literals, bytes, nameFrom, nameTo);
    if (pc === none) continue;
    isKnown = true;
    seen |= program.code[pc + 7] ?? 0;
    if (program.code[pc] === opcodes.field) walk.take(program.code[pc + 4] ?? 0, program.code[pc + 5] ?? 0, bytes, valueFrom, valueTo);
    else if (walk.timeMs === none && walk.takeTime(pc, bytes, valueFrom, valueTo) === none) return false;
  }
  return isKnown && seen === program.required && (walk.timeMs !== none || !program.hasTime);
}

function entryOf(code: Int32Array, literals: Uint8Array, bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  search: for (let pc = 0; pc < code.length; pc += instructionWords) {
    if (code[pc + 2] !== length) continue;
    const literal = code[pc + 1] ?? 0;
    for (let index = 0; index < length; index += 1) if (bytes[from + index] !== literals[literal + index]) continue search;
    return pc;
  }
  return none;
}

/** Where the quote of the string stands, or -1. */
function stringEnd(view: DataView, from: number, end: number): number {
  let at = findEither(view, quote, backslash, from, end);
  while (at !== none && view.getUint8(at) === backslash) at = findEither(view, quote, backslash, at + 2, end);
  return at;
}

function behindBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes[at])) at += 1;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function endsWord(byte: number | undefined): boolean {
  return isBlank(byte) || byte === comma || byte === braceClose || byte === bracketClose || byte === quote;
}

function isNull(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 4 && bytes[from] === 0x6e && bytes[from + 1] === 0x75 && bytes[from + 2] === 0x6c && bytes[from + 3] === 0x6c;
}
