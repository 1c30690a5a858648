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

  constructor(program: LineProgram, hourMs: ScanTask['hourMs']) {
    this.program = program;
    this.keyFrom = new Int32Array(program.keys.length);
    this.keyTo = new Int32Array(program.keys.length);
    this.keyUse = new Int32Array(program.keys.length);
    this.hours = new HourReader(hourMs);
    this.#literals = new DataView(program.literals.buffer, program.literals.byteOffset, program.literals.length);
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
    const { code } = this.program;
    const literals = this.#literals;
    let at = from;
    for (let pc = 0; ; pc += instructionWords) {
      switch (code[pc]) {
        case opcodes.field: {
          const to = fieldEnd(view, at, end, code[pc + 3] ?? none, code[pc + 6] ?? 0);
          if (to === none) return false;
          const use = code[pc + 4] ?? 0;
          if (use !== uses.skip) this.take(use, code[pc + 5] ?? 0, bytes, at, to);
          at = to;
          break;
        }
        case opcodes.literal: {
          const length = code[pc + 2] ?? 0;
          if (at + length > end || !isSame(view, at, literals, code[pc + 1] ?? 0, length)) return false;
          at += length;
          break;
        }
        case opcodes.maybe: {
          const length = code[pc + 2] ?? 0;
          if (at + length <= end && isSame(view, at, literals, code[pc + 1] ?? 0, length)) at += length;
          break;
        }
        case opcodes.clock:
        case opcodes.epoch:
          at = this.takeTime(pc, bytes, at, end);
          if (at === none) return false;
          break;
        case opcodes.text: {
          const length = code[pc + 2] ?? 0;
          const found = length === 0 ? none : find(view, at, end, literals, code[pc + 1] ?? 0, length);
          const to = found === none ? end : found;
          this.take(code[pc + 4] ?? 0, code[pc + 5] ?? 0, bytes, at, to);
          at = to;
          break;
        }
        case opcodes.seek: {
          const length = code[pc + 2] ?? 0;
          const found = find(view, at, end, literals, code[pc + 1] ?? 0, length);
          if (found === none) pc = ((code[pc + 7] ?? 0) - 1) * instructionWords;
          else at = found + length;
          break;
        }
        case opcodes.rest:
          at = end;
          break;
        default:
          return at === end;
      }
    }
  }
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
