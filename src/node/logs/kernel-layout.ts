import { instructionWords, opcodes, uses, type LineProgram } from '../../core/logs/scan/program.ts';
import { flags, isShort, literalsOf, operations, useOf, type ClockRecords, type Operation } from './kernel-program.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const braceOpen = 0x7b;
const bracketOpen = 0x5b;
const none = -1;
/** Lines with more strings and values are not worth a layout. */
const mostOperations = 1000;

/**
 * The lines of a JSON log mostly have the same names in the same order: a line that fitted becomes a program of steps, in which all but
 * the values must stand as in that line. Walked by `walkJson`, a line that fits it has the same names with the values found by the steps; one that
 * does not may still fit the format. Undefined where a line is not to be used so.
 */
export function layoutOf(clocks: ClockRecords, format: number, program: LineProgram, line: Uint8Array): readonly Operation[] | undefined {
  const layout = new Layout(clocks, format, program, line);
  return layout.read() ? layout.operations : undefined;
}

class Layout {
  readonly operations: Operation[] = [];
  readonly #clocks: ClockRecords;
  readonly #format: number;
  readonly #program: LineProgram;
  readonly #line: Uint8Array;
  /** What stands from here on has to stand in other lines too. */
  #literal = 0;
  #hasTime = false;
  #isKnown = false;
  readonly #shared: ReadonlySet<number>;

  constructor(clocks: ClockRecords, format: number, program: LineProgram, line: Uint8Array) {
    this.#clocks = clocks;
    this.#format = format;
    this.#program = program;
    this.#line = line;
    // A name may stand in a line twice.
    this.#shared = new Set(program.keys.keys());
  }

  read(): boolean {
    const line = this.#line;
    let at = line.indexOf(braceOpen) + 1;
    for (;;) {
      const nameFrom = line.indexOf(quote, at) + 1;
      if (nameFrom === 0) break;
      const nameTo = stringEnd(line, nameFrom);
      if (nameTo === none) return false;
      at = behindBlanks(line, nameTo + 1);
      if (line[at] !== colon) {
        this.#value(nameFrom, nameTo, { operation: operations.escaped, until: quote });
        continue;
      }
      at = behindBlanks(line, at + 1);
      const pc = this.#entry(line.subarray(nameFrom, nameTo));
      if (line[at] === quote) {
        const to = stringEnd(line, at + 1);
        if (to === none || !this.#string(pc, at + 1, to)) return false;
        at = to + 1;
      } else if (line[at] !== braceOpen && line[at] !== bracketOpen) {
        const from = at;
        while (at < line.length && !endsWord(line[at])) at += 1;
        // Where it is missing, the text behind it is the value.
        if (line[at] === quote || !this.#bare(pc, from, at)) return false;
      }
    }
    this.#follow(line.length);
    this.operations.push({ operation: operations.end });
    return this.#isKnown && (this.#hasTime || !this.#program.hasTime) && this.operations.length <= mostOperations;
  }

  #string(pc: number, from: number, to: number): boolean {
    const made = this.#made(pc, { operation: operations.escaped, until: quote }, false);
    if (made === undefined) return false;
    if (pc !== none) this.#isKnown = true;
    this.#value(from, to, made);
    return true;
  }

  #bare(pc: number, from: number, to: number): boolean {
    const made = this.#made(pc, { operation: operations.bare }, true);
    if (made === undefined) return false;
    this.#value(from, to, made);
    return true;
  }

  #made(pc: number, plain: Operation, isBare: boolean): Operation | undefined {
    const { code } = this.#program;
    if (pc === none) return plain;
    const [use = 0, slot = 0, prefixLength = 0, bit = 0] = code.subarray(pc + 4, pc + instructionWords);
    const required = isBare && bit !== 0 ? flags.required : 0;
    if (code[pc] === opcodes.field) {
      const used = useOf(use, slot, this.#shared);
      return { ...plain, ...used, ...(use >= uses.seconds && { slot }), flags: (used.flags ?? 0) | required };
    }
    if (this.#hasTime) return { ...plain, flags: required };
    this.#hasTime = true;
    this.#isKnown = true;
    if (code[pc] === opcodes.epoch) return { operation: operations.epoch, until: quote, slot, flags: isBare ? flags.bare : 0 };
    const record = isBare || !isShort(prefixLength) ? undefined : this.#clocks.recordFor({ format: this.#format, pc, until: quote, isJson: true });
    return record === undefined ? undefined : { operation: operations.clock, until: quote, slot: prefixLength, place: record };
  }

  #value(from: number, to: number, operation: Operation): void {
    this.#follow(from);
    this.operations.push(operation);
    this.#literal = to;
  }

  /** All up to here has to follow what was read last. */
  #follow(to: number): void {
    const literals = literalsOf(this.#line.subarray(this.#literal, to));
    const before = this.operations.at(-1);
    const [first] = literals;
    if (before !== undefined && first?.follows !== undefined) {
      before.follows = first.follows;
      literals.shift();
    }
    this.operations.push(...literals);
  }

  #entry(name: Uint8Array): number {
    const { code, literals } = this.#program;
    for (let pc = 0; pc < code.length; pc += instructionWords) {
      const at = code[pc + 1] ?? 0;
      if (code[pc + 2] === name.length && name.every((byte, index) => literals[at + index] === byte)) return pc;
    }
    return none;
  }
}

function stringEnd(line: Uint8Array, from: number): number {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === quote) return at;
    if (line[at] === backslash) at += 1;
  }
  return none;
}

function behindBlanks(line: Uint8Array, from: number): number {
  let at = from;
  while (line[at] === 0x20 || line[at] === 0x09) at += 1;
  return at;
}

function endsWord(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x2c || byte === 0x7d || byte === 0x5d || byte === quote;
}
