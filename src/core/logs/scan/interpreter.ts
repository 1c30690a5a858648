import { HourReader } from './hours.ts';
import { walkJson } from './json-walk.ts';
import { microsOf } from './numbers.ts';
import { fieldFlags, instructionWords, opcodes, shiftOfUse, uses, type LineProgram } from './program.ts';
import type { ScanTask } from './scanner.ts';
import { findByte, findEither, isSame } from './words.ts';

const space = 0x20;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const none = -1;

const opWords = 9;
const opEnd = 0;
const opLiteral = 1;
const opMaybe = 2;
const opField = 3;
const opText = 4;
const opSeek = 5;
const opRest = 6;
const opTime = 7;
/** By opcode. */
const operations: readonly number[] = [opEnd, opLiteral, opMaybe, opField, opText, opSeek, opRest, opTime, opTime];

/** Walks lines by a program. After a line that fits, its fields say what it has. */
export class LineWalk {
  readonly program: LineProgram;
  /** By slot: where the field of a key stands, and its use. `keyTo` is -1 where it is not filled. */
  readonly keyFrom: Int32Array;
  readonly keyTo: Int32Array;
  readonly keyUse: Int32Array;
  /** Microseconds of the request and of the upstream, -1 where there are none. */
  requestTime = none;
  upstreamTime = none;
  /** -1 where it has none. */
  timeMs = none;
  readonly hours: HourReader;
  readonly #literals: DataView;
  readonly #ops: Int32Array;

  constructor(program: LineProgram, hourMs: ScanTask['hourMs']) {
    this.program = program;
    this.keyFrom = new Int32Array(program.keys.length);
    this.keyTo = new Int32Array(program.keys.length);
    this.keyUse = new Int32Array(program.keys.length);
    this.hours = new HourReader(hourMs);
    this.#literals = new DataView(program.literals.buffer, program.literals.byteOffset, program.literals.length);
    this.#ops = operationsOf(program);
  }

  /** Whether the line [from, end) fits. `view` is of the same bytes. */
  fits(bytes: Uint8Array, view: DataView, from: number, end: number): boolean {
    for (let slot = 0; slot < this.keyTo.length; slot += 1) this.keyTo[slot] = none;
    this.requestTime = none;
    this.upstreamTime = none;
    this.timeMs = none;
    return this.program.kind === 'json' ? walkJson(this, bytes, view, from, end) : this.#fitsSteps(bytes, view, from, end);
  }

  /** Takes a field of an instruction: `use` and `slot` are its words 4 and 5. */
  take(use: number, slot: number, bytes: Uint8Array, from: number, to: number): void {
    if (use === uses.skip) return;
    if (use >= uses.seconds) {
      const micros = microsOf(bytes, from, to, shiftOfUse(use));
      if (slot === 0) {
        if (this.requestTime === none) this.requestTime = micros;
      } else if (this.upstreamTime === none) this.upstreamTime = micros;
    } else if (this.keyTo[slot] === none) {
      this.keyFrom[slot] = from;
      this.keyTo[slot] = to;
      this.keyUse[slot] = use;
    }
  }

  /** The time of a clock or an epoch at `at`, if it is the first of the line. Returns where it ends, or -1. */
  takeTime(pc: number, bytes: Uint8Array, at: number, end: number): number {
    const { code } = this.program;
    const until = code[pc + 3] ?? none;
    const { hours } = this;
    const after =
      code[pc] === opcodes.clock
        ? hours.clock(bytes, at, end, until, code[pc + 4] ?? 0, code[pc + 5] === 1, code[pc + 6] ?? 0)
        : hours.epoch(bytes, at, end, until, code[pc + 5] ?? 0);
    if (after !== none && this.timeMs === none) this.timeMs = hours.timeMs;
    return after;
  }

  #fitsSteps(bytes: Uint8Array, view: DataView, from: number, end: number): boolean {
    const ops = this.#ops;
    let at = from;
    for (let op = 0; ; op += opWords) {
      switch (ops[op]) {
        case opField: {
          const to = fieldEnd(view, at, end, ops[op + 1] ?? none, ops[op + 4] ?? 0);
          if (to === none) return false;
          const use = ops[op + 2] ?? 0;
          if (use !== 0) this.take(use, ops[op + 3] ?? 0, bytes, at, to);
          at = this.#behindLiteral(op, view, to, end);
          if (at === none) return false;
          break;
        }
        case opLiteral:
          at = this.#behindLiteral(op, view, at, end);
          if (at === none) return false;
          break;
        case opMaybe: {
          const behind = this.#behindLiteral(op, view, at, end);
          if (behind !== none) at = behind;
          break;
        }
        case opTime:
          at = this.takeTime(ops[op + 1] ?? 0, bytes, at, end);
          if (at !== none) at = this.#behindLiteral(op, view, at, end);
          if (at === none) return false;
          break;
        case opText: {
          const found = find(view, at, end, this.#literals, ops[op + 5] ?? 0, ops[op + 6] ?? 0);
          const to = found === none || ops[op + 6] === 0 ? end : found;
          this.take(ops[op + 2] ?? 0, ops[op + 3] ?? 0, bytes, at, to);
          at = to;
          break;
        }
        case opSeek: {
          const length = ops[op + 6] ?? 0;
          const found = find(view, at, end, this.#literals, ops[op + 5] ?? 0, length);
          if (found === none) op = (ops[op + 1] ?? 0) - opWords;
          else at = found + length;
          break;
        }
        case opRest:
          at = end;
          break;
        default:
          return at === end;
      }
    }
  }

  /** Behind the literal of an operation (it may be empty), or -1 where it does not stand at `at`. */
  #behindLiteral(op: number, view: DataView, at: number, end: number): number {
    const ops = this.#ops;
    const length = ops[op + 6] ?? 0;
    const behind = at + length;
    if (behind > end) return none;
    // Four bytes are read wherever they are there, also behind the line.
    if (at + 4 > view.byteLength) return isSame(view, at, this.#literals, ops[op + 5] ?? 0, length) ? behind : none;
    if (((view.getInt32(at, true) ^ (ops[op + 7] ?? 0)) & (ops[op + 8] ?? 0)) !== 0) return none;
    return length <= 4 || isSame(view, at, this.#literals, ops[op + 5] ?? 0, length) ? behind : none;
  }
}

/**
 * The program as this engine follows it: a field or a time and the literal behind it are one operation, and a literal has its first four
 * bytes as a number. Words: the operation; `until`, the instruction of a time, or where a seek goes on; use; slot; flags; literal and
 * its length; its first bytes and their mask.
 */
function operationsOf({ kind, code, literals }: LineProgram): Int32Array {
  if (kind === 'json') return new Int32Array(0);
  const ops: number[] = [];
  const places: number[] = [];
  for (let pc = 0; pc < code.length; pc += instructionWords) {
    const [opcode = opcodes.end, at = 0, length = 0, until = 0, use = 0, slot = 0, flags = 0, target = 0] = code.subarray(pc, pc + instructionWords);
    const last = ops.length - opWords;
    places.push(ops.length);
    const isBehind = opcode === opcodes.literal && (ops[last] === opField || ops[last] === opTime) && ops[last + 6] === 0;
    if (isBehind) {
      ops.splice(last + 5, 4, ...literalWords(literals, at, length));
      continue;
    }
    const first = opcode === opcodes.seek ? target : opcode === opcodes.clock || opcode === opcodes.epoch ? pc : until;
    ops.push(operations[opcode] ?? opEnd, first, use, slot, flags, ...literalWords(literals, at, length));
  }
  for (let op = 0; op < ops.length; op += opWords) if (ops[op] === opSeek) ops[op + 1] = places[ops[op + 1] ?? 0] ?? 0;
  return Int32Array.from(ops);
}

function literalWords(literals: Uint8Array, at: number, length: number): readonly [number, number, number, number] {
  let word = 0;
  let mask = 0;
  for (let index = 0; index < Math.min(4, length); index += 1) {
    word |= (literals[at + index] ?? 0) << (index * 8);
    mask |= 0xff << (index * 8);
  }
  return [at, length, word, mask];
}

function fieldEnd(view: DataView, from: number, end: number, until: number, flags: number): number {
  if (until === none) return end;
  if (flags === 0) return findByte(view, until, from, end);
  const isEscaped = (flags & fieldFlags.escaped) !== 0;
  const isList = (flags & fieldFlags.list) !== 0;
  let at = from;
  for (;;) {
    at = isEscaped ? findEither(view, until, backslash, at, end) : findByte(view, until, at, end);
    if (at === none) return none;
    if (isEscaped && view.getUint8(at) === backslash) at += 2;
    else if (isList && isInList(view, from, at, end, until)) at += 1;
    else return at;
  }
}

/** Whether the space or comma at `at` stands between items. */
function isInList(view: DataView, from: number, at: number, end: number, until: number): boolean {
  if (until === comma) return at + 1 < end && view.getUint8(at + 1) === space;
  if (until !== space) return false;
  if (at > from && view.getUint8(at - 1) === comma) return true;
  if (at + 2 < end && view.getUint8(at + 1) === colon && view.getUint8(at + 2) === space) return true;
  return at - 2 >= from && view.getUint8(at - 1) === colon && view.getUint8(at - 2) === space;
}

function find(view: DataView, from: number, end: number, literals: DataView, literal: number, length: number): number {
  if (length === 0) return from;
  const first = literals.getUint8(literal);
  for (let at = from; ; at += 1) {
    at = findByte(view, first, at, end);
    if (at === none || at + length > end) return none;
    if (isSame(view, at, literals, literal, length)) return at;
  }
}
