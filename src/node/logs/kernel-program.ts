import { fieldFlags, instructionWords, opcodes, shiftOfUse, uses, type LineProgram } from '../../core/logs/scan/program.ts';
import type { KernelMemory } from './kernel-memory.ts';

/** Operations of the kernel, as in `src/kernel/index.ts`. */
export const operations = {
  head: 0,
  end: 1,
  literal: 2,
  maybe: 3,
  field: 4,
  list: 5,
  escaped: 6,
  toEnd: 7,
  text: 8,
  seek: 9,
  clock: 10,
  epoch: 11,
  bare: 12,
  handOverJson: 13,
  handOver: 14,
} as const;

export const flags = { shared: 1, required: 2, atEnd: 4, bare: 8, spaced: 8 } as const;

const size = 32;
/** Bytes of a clock's record. */
const recordSize = 96;
const mostRecords = 80;
/** Room for the heads of programs that are not written. */
const reserve = 0x2000;
const newline = 0x0a;
const carriageReturn = 0x0d;
const backslash = 0x5c;

/** What a clock's record is of. */
export interface Clock {
  readonly format: number;
  /** Place of the instruction in the format's code. */
  readonly pc: number;
  readonly record: number;
  /** -1: the end of the line. */
  readonly until: number;
  readonly isJson: boolean;
}

interface Operation {
  operation: number;
  use?: number;
  flags?: number;
  until?: number;
  slot?: number;
  /** A place in the memory: a clock's record. */
  place?: number;
  /** What tells a key from others. */
  salt?: number;
  /** Index of an instruction to go on at. */
  target?: number;
  /** A text to look for. */
  text?: Uint8Array;
  /** What must follow, at most 8 bytes. */
  follows?: Uint8Array;
}

/** The records of clocks, one for each instruction. */
export class ClockRecords {
  readonly #memory: KernelMemory;
  readonly #clocks = new Map<number, Clock>();

  constructor(memory: KernelMemory) {
    this.#memory = memory;
  }

  /** The record of an instruction; undefined where there are too many. */
  recordFor(clock: Omit<Clock, 'record'>): number | undefined {
    for (const known of this.#clocks.values()) if (known.format === clock.format && known.pc === clock.pc) return known.record;
    if (this.#clocks.size >= mostRecords) return undefined;
    const record = this.#memory.at.HOURS + this.#clocks.size * recordSize;
    this.#clocks.set(record, { ...clock, record });
    // No line has this prefix, as no line has a newline.
    this.write(record, Number.NaN, Uint8Array.of(newline), new Uint8Array(0), -1);
    return record;
  }

  get(record: number): Clock | undefined {
    return this.#clocks.get(record);
  }

  /** `until` is -1 where the suffix ends with the line. With it the suffix is 16 bytes long at most. */
  write(record: number, hourMs: number, prefix: Uint8Array, suffix: Uint8Array, until: number): void {
    const { bytes, view } = this.#memory;
    bytes.fill(0, record, record + recordSize);
    view.setFloat64(record, hourMs, true);
    view.setUint32(record + 8, suffix.length, true);
    bytes.set(prefix, record + 16);
    bytes.fill(0xff, record + 32, record + 32 + prefix.length);
    bytes.set(suffix, record + 48);
    bytes.fill(0xff, record + 64, record + 64 + suffix.length);
    if (until === -1) return;
    bytes[record + 48 + suffix.length] = until;
    bytes[record + 64 + suffix.length] = 0xff;
  }
}

/** Writes programs into the memory, in the order in which lines are tried with them. */
export class ProgramWriter {
  readonly clocks: ClockRecords;
  readonly #memory: KernelMemory;
  #at: number;
  #head = 0;

  constructor(memory: KernelMemory, clocks: ClockRecords) {
    this.#memory = memory;
    this.clocks = clocks;
    this.#at = memory.at.PROGRAM;
  }

  /** Begins a program, where lines go on that do not fit the one before. `isError`: lines that fit nothing continue one that fits it. */
  begin(format: number, isError: boolean): void {
    const { view, at } = this.#memory;
    if (this.#head !== 0) view.setUint32(this.#head + 24, this.#at, true);
    this.#head = this.#at;
    this.#clear(this.#at);
    view.setUint8(this.#at, operations.head);
    view.setUint8(this.#at + 3, isError ? 1 : 0);
    // Keys of different formats begin differently.
    view.setBigUint64(this.#at + 8, view.getBigUint64(at.SEEDS + 8, true) * BigInt(2 * format + 1), true);
    view.setUint32(this.#at + 28, format, true);
    this.#at += size;
  }

  /** All that comes to it is for JavaScript. */
  handOver(operation: number = operations.handOver): void {
    this.write([{ operation }], []);
  }

  /** False where there is no room; what was begun is then handed over. */
  write(list: readonly Operation[], starts: readonly number[]): boolean {
    const { view, bytes, at } = this.#memory;
    const texts = list.reduce((sum, { text }) => sum + (text?.length ?? 0) + 8, 0);
    if (list.length > 1 && this.#at + list.length * size + texts > at.PROGRAM_END - reserve) {
      this.handOver();
      return false;
    }
    const first = this.#at;
    let textAt = first + list.length * size;
    for (const [index, one] of list.entries()) {
      const place = first + index * size;
      this.#clear(place);
      view.setUint8(place, one.operation);
      view.setUint8(place + 1, one.use ?? 0);
      view.setUint8(place + 2, one.follows?.length ?? 0);
      view.setUint8(place + 3, one.flags ?? 0);
      view.setUint8(place + 4, one.until ?? 0);
      view.setInt8(place + 5, one.slot ?? 0);
      if (one.follows !== undefined) {
        bytes.set(one.follows, place + 8);
        bytes.fill(0xff, place + 16, place + 16 + one.follows.length);
      }
      if (one.place !== undefined) view.setUint32(place + 24, one.place, true);
      if (one.target !== undefined) view.setUint32(place + 24, first + (starts[one.target] ?? list.length - 1) * size, true);
      if (one.salt !== undefined) view.setUint32(place + 28, one.salt, true);
      if (one.text === undefined) continue;
      view.setUint16(place + 6, one.text.length, true);
      view.setUint32(place + (one.operation === operations.text ? 24 : 28), textAt, true);
      bytes.set(one.text, textAt);
      textAt += one.text.length;
    }
    this.#at = Math.ceil(textAt / 8) * 8;
    return true;
  }

  #clear(place: number): void {
    this.#memory.bytes.fill(0, place, place + size);
  }
}

/** The program of a format whose lines are steps. What the kernel does not know, it hands over. */
export function writeSteps(writer: ProgramWriter, format: number, program: LineProgram): void {
  const list: Operation[] = [];
  /** By instruction: its first operation. */
  const starts: number[] = [];
  const sharedSlots = slotsFilledTwice(program);
  for (let pc = 0; pc < program.code.length; pc += instructionWords) {
    starts.push(list.length);
    const made = operationsOf(writer, format, program, pc, sharedSlots);
    const [literal] = made;
    const before = list.at(-1);
    // A text is compared with whatever comes before it, where nothing leaps in between.
    if (literal?.operation === operations.literal && before !== undefined && before.follows === undefined && canBeFollowed(before)) {
      before.follows = literal.follows ?? new Uint8Array(0);
      made.shift();
    }
    list.push(...made);
  }
  writer.write(list, starts);
}

function canBeFollowed({ operation }: Operation): boolean {
  return (
    operation === operations.field ||
    operation === operations.list ||
    operation === operations.escaped ||
    operation === operations.text ||
    operation === operations.clock ||
    operation === operations.epoch
  );
}

function operationsOf(writer: ProgramWriter, format: number, program: LineProgram, pc: number, sharedSlots: ReadonlySet<number>): Operation[] {
  const { code, literals } = program;
  const [opcode = 0, textAt = 0, textLength = 0, until = -1, word4 = 0, word5 = 0, word6 = 0, target = 0] = code.subarray(pc, pc + instructionWords);
  const text = literals.subarray(textAt, textAt + textLength);
  if (text.includes(newline) || text.includes(carriageReturn) || until === newline || until === carriageReturn || text.length > 0xffff) return handedOver();
  switch (opcode) {
    case opcodes.end:
      return [{ operation: operations.end }];
    case opcodes.literal:
      return literalsOf(text);
    case opcodes.maybe:
      return text.length === 0 ? [] : [{ operation: operations.maybe, text }];
    case opcodes.field: {
      const operation = fieldOperation(until, word6);
      return operation === undefined ? handedOver() : [{ operation, until: Math.max(0, until), ...useOf(word4, word5, sharedSlots) }];
    }
    case opcodes.text:
      return [
        text.length === 0
          ? { operation: operations.toEnd, ...useOf(word4, word5, sharedSlots) }
          : { operation: operations.text, text, ...useOf(word4, word5, sharedSlots) },
      ];
    case opcodes.seek:
      return text.length === 0 ? [] : [{ operation: operations.seek, text, target }];
    case opcodes.rest:
      return [{ operation: operations.toEnd }];
    case opcodes.clock: {
      const record = isShort(word6) ? writer.clocks.recordFor({ format, pc, until, isJson: false }) : undefined;
      if (record === undefined) return handedOver();
      const flag = (until === -1 ? flags.atEnd : 0) | (word5 === 1 ? flags.spaced : 0);
      return [{ operation: operations.clock, until: Math.max(0, until), slot: word6, place: record, flags: flag }];
    }
    default:
      return [{ operation: operations.epoch, until: Math.max(0, until), slot: word5, flags: until === -1 ? flags.atEnd : 0 }];
  }
}

/** Whether the kernel can compare a prefix of this length. */
export function isShort(prefixLength: number): boolean {
  return prefixLength >= 1 && prefixLength <= 16;
}

function handedOver(): Operation[] {
  return [{ operation: operations.handOver }];
}

export function literalsOf(text: Uint8Array): Operation[] {
  const parts: Operation[] = [];
  for (let at = 0; at < text.length; at += 8) parts.push({ operation: operations.literal, follows: text.slice(at, at + 8) });
  return parts;
}

function fieldOperation(until: number, fieldFlag: number): number | undefined {
  if (until === -1) return operations.toEnd;
  const isEscaped = (fieldFlag & fieldFlags.escaped) !== 0;
  const isList = (fieldFlag & fieldFlags.list) !== 0 && (until === 0x20 || until === 0x2c);
  if (isEscaped) return isList || until === backslash ? undefined : operations.escaped;
  return isList ? operations.list : operations.field;
}

/** How an operation uses its field. */
export function useOf(use: number, slot: number, sharedSlots: ReadonlySet<number>): Partial<Operation> {
  if (use === uses.skip) return {};
  if (use >= uses.seconds) return { use, slot, flags: shiftOfUse(use) << 4 };
  return { use, slot, salt: Math.imul(slot + 1, 0x9e3779b1) >>> 0, flags: sharedSlots.has(slot) ? flags.shared : 0 };
}

/** Key slots that more than one instruction may fill. */
export function slotsFilledTwice({ code }: LineProgram): ReadonlySet<number> {
  const once = new Set<number>();
  const twice = new Set<number>();
  for (let pc = 0; pc < code.length; pc += instructionWords) {
    const [opcode, use = 0, slot = 0] = [code[pc], code[pc + 4], code[pc + 5]];
    if ((opcode !== opcodes.field && opcode !== opcodes.text) || use === uses.skip || use >= uses.seconds) continue;
    if (once.has(slot)) twice.add(slot);
    once.add(slot);
  }
  return twice;
}

export type { Operation };
