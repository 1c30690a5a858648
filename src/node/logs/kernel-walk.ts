/**
 * The first program of a kernel as a WebAssembly module of its own, which walks a line without looking at instructions. Its `walk(line, end)`
 * gives what the kernel's own walk gives for a line that fits and is of the usual kind (the key, and the numbers at `WALKED`); else 0, and the
 * kernel walks the line itself, from its start. So what is rare need not be known here.
 */
import { uses } from '../../core/logs/scan/program.ts';
import type { KernelMemory, KernelPlaces } from './kernel-memory.ts';
import { flags, operations } from './kernel-program.ts';
import { anyLengths, usualLengths, type UsualLengths } from './kernel-lengths.ts';
import { types, WasmCode, wasmModule, type Signature, type WasmType } from './wasm-code.ts';

/** What the kernel lends. */
const { i32, i64 } = types;
const ofKey: Signature = { takes: [i64, i32, i32, i64], gives: i64 };
const lent = {
  findText: { takes: [i32, i32, i32, i32], gives: i32 },
  findByte: { takes: [i32, i32, i32], gives: i32 },
  listEnd: { takes: [i32, i32, i32], gives: i32 },
  bareEnd: { takes: [i32, i32], gives: i32 },
  clockAt: { takes: [i32, i32], gives: i64 },
  numberIn: { takes: [i32, i32, i32], gives: i64 },
  keyOf: ofKey,
  firstWordOf: ofKey,
  shapeOf: ofKey,
  collapsedOf: ofKey,
  authorityOf: ofKey,
} as const satisfies Record<string, Signature>;
type Lent = keyof typeof lent;
export const lentNames = Object.keys(lent) as readonly Lent[];

/** The function's parameters and locals. */
const local = {
  line: 0,
  end: 1,
  at: 2,
  stop: 3,
  mask: 4,
  length: 5,
  key: 6,
  time: 7,
  first: 8,
  second: 9,
  a: 10,
  b: 11,
  bits: 12,
  kind: 13,
  moment: 14,
} as const;
const localTypes: readonly WasmType[] = [i32, i32, i32, i32, i64, types.f64, i64, i64, i64, i64, i64, types.v128, types.f64];

const size = 32;
/** Room for single bytes at `VECTORS`, 16 bytes each; behind them texts of clocks. */
const kindBytes = 512;
/** Of a clock that was read: 32 bytes of its text, their mask, the time (f64), and its length (u32). */
const clockBytes = 96;
const clockText = 32;
/** A program that is longer takes longer to compile than it saves. */
const mostOperations = 80;
const newline = 0x0a;
const noNumber = -1n;
/** As in `src/kernel/keys.ts`. */
const digitsWord = 0x9f3c_11d5_77a1_0b43n;
const zeros = 0x3030_3030_3030_3030n;
const highBits = 0x8080_8080_8080_8080n;
/** Added to bytes of 0 to 9, gives none of `highBits`. */
const aboveNine = 0x7676_7676_7676_7676n;

export interface Step {
  readonly place: number;
  readonly operation: number;
  readonly use: number;
  readonly flags: number;
  readonly until: number;
  readonly slot: number;
  readonly follows: Uint8Array;
  readonly text: Uint8Array;
  /** Where the text lies. */
  readonly textAt: number;
  /** A clock's record, or where to go on. */
  readonly target: number;
  readonly salt: number;
}

interface Instruction extends Step {
  readonly lengths: UsualLengths;
}

/**
 * The module for the program that lies in the memory; undefined where it is not worth it, or does what is not known here. It is at its best
 * with lines like those in [from, to). Writes what the module reads to `VECTORS`.
 */
export function walkModule({ at, bytes, view }: KernelMemory, from: number, to: number): Uint8Array | undefined {
  const program = readProgram(at, bytes, view);
  if (program === undefined) return undefined;
  const lengths = usualLengths(program, bytes, view, from, to);
  const instructions = program.map((one, index) => ({ ...one, lengths: lengths[index] ?? anyLengths }));
  const writer = new WalkWriter(at, view.getUint32(at.PROGRAM + 28, true));
  if (!writer.write(instructions) || writer.vectors.length * 16 > kindBytes) return undefined;
  // No line has these texts, as no line has a newline.
  bytes.fill(newline, at.VECTORS, at.VECTORS_END);
  for (let place = at.VECTORS + kindBytes + clockText; place < at.VECTORS_END; place += clockBytes) bytes.fill(0xff, place, place + clockText);
  for (const [index, byte] of writer.vectors.entries()) bytes.fill(byte, at.VECTORS + index * 16, at.VECTORS + index * 16 + 16);
  return wasmModule({
    imports: lentNames.map(name => ({ name, signature: lent[name] })),
    pages: bytes.length >> 16,
    name: 'walk',
    signature: { takes: [i32, i32], gives: i64 },
    locals: localTypes,
    code: writer.code,
  });
}

function readProgram(at: KernelPlaces, bytes: Uint8Array, view: DataView): Step[] | undefined {
  const list: Step[] = [];
  for (let place = at.PROGRAM + size; list.length < mostOperations; place += size) {
    const operation = bytes[place] ?? operations.handOver;
    const textAt = view.getUint32(place + (operation === operations.text ? 24 : 28), true);
    list.push({
      place,
      operation,
      use: bytes[place + 1] ?? 0,
      flags: bytes[place + 3] ?? 0,
      until: bytes[place + 4] ?? 0,
      slot: view.getInt8(place + 5),
      follows: bytes.slice(place + 8, place + 8 + (bytes[place + 2] ?? 0)),
      text: bytes.slice(textAt, textAt + view.getUint16(place + 6, true)),
      textAt,
      target: view.getUint32(place + 24, true),
      salt: view.getUint32(place + 28, true),
    });
    if (operation === operations.end) return list;
    if (operation >= operations.epoch && operation !== operations.bare) return undefined;
  }
  return undefined;
}

class WalkWriter {
  readonly code = new WasmCode();
  readonly #at: KernelPlaces;
  readonly #format: number;
  #given = 0;
  #clocks = 0;
  readonly #filled = new Set<number>();
  /** Bytes that are compared with sixteen at once: they lie at `VECTORS`. */
  readonly vectors: number[] = [];
  /** Numbers and times that another instruction may have given before. */
  readonly #maybeGiven = new Set<number>();

  constructor(at: KernelPlaces, format: number) {
    this.#at = at;
    this.#format = format;
  }

  /** False where an instruction is not known here. */
  write(instructions: readonly Instruction[]): boolean {
    const { code } = this;
    this.#given = code.open('block');
    code.get(local.line).set(local.at).f64(-1).set(local.time).i64(noNumber).set(local.first).i64(noNumber).set(local.second);
    this.#seed(8)
      .i64(BigInt(2 * this.#format + 1))
      .op('i64.mul')
      .set(local.key);
    /** Blocks that end in front of an instruction. */
    const leaps: number[] = [];
    for (const one of instructions) {
      while (leaps.at(-1) === one.place) {
        leaps.pop();
        code.close();
      }
      if (one.operation === operations.seek) {
        if (one.target <= one.place || one.target > (leaps.at(-1) ?? Number.POSITIVE_INFINITY)) return false;
        leaps.push(one.target);
        code.open('block');
      }
      if (!this.#step(one)) return false;
    }
    if (leaps.length > 0) return false;
    code.i32(0).get(local.time).memory('f64.store', this.#at.WALKED);
    code
      .i32(0)
      .get(local.first)
      .memory('i64.store', this.#at.WALKED + 8);
    code
      .i32(0)
      .get(local.second)
      .memory('i64.store', this.#at.WALKED + 16);
    code.get(local.key).i64(1n).op('i64.or', 'return').close().i64(0n);
    return true;
  }

  #step(one: Instruction): boolean {
    switch (one.operation) {
      case operations.end:
        return this.#end();
      case operations.literal:
        return this.#literal(one);
      case operations.maybe:
        return this.#maybe(one);
      case operations.field:
      case operations.escaped:
        return this.#field(one);
      case operations.list:
        return this.#list(one);
      case operations.toEnd:
        return this.#toEnd(one);
      case operations.text:
        return this.#text(one);
      case operations.seek:
        return this.#seek(one);
      case operations.bare:
        return this.#bare(one);
      default:
        return this.#clock(one);
    }
  }

  #giveUpIf(): void {
    this.code.leaveIf(this.#given);
  }

  #giveUpBeyondEnd(place: number): void {
    this.code.get(place, local.end).op('i32.ge_u');
    this.#giveUpIf();
  }

  #lend(name: Lent): WasmCode {
    return this.code.call(lentNames.indexOf(name));
  }

  #seed(offset: number): WasmCode {
    return this.code.i32(0).memory('i64.load', this.#at.SEEDS + offset);
  }

  #end(): boolean {
    this.code.get(local.at, local.end).op('i32.ne');
    this.#giveUpIf();
    return true;
  }

  #literal({ follows }: Instruction): boolean {
    this.code.get(local.at).set(local.stop);
    this.#follow(follows, false);
    return true;
  }

  /** No text has a newline or a carriage return, so none is found beyond the end. */
  #maybe({ text }: Instruction): boolean {
    const { code } = this;
    if (text.length > 64) return false;
    code.i32(1);
    for (let from = 0; from < text.length; from += 8) {
      this.#differ(text.subarray(from, from + 8), local.at, from);
      code.op('i32.eqz', 'i32.and');
    }
    code.open('if');
    code.get(local.at).i32(text.length).op('i32.add').set(local.at).close();
    return true;
  }

  #field(one: Instruction): boolean {
    const { code } = this;
    code.get(local.at).set(local.stop);
    if (one.lengths.areShort) this.#find(one.until, one.lengths.usual);
    else this.#findWide(one.until, one.lengths.usual);
    this.#giveUpBeyondEnd(local.stop);
    if (one.operation === operations.escaped) {
      code.get(local.stop).i32(1).op('i32.sub').memory('i32.load8_u').i32(0x5c).op('i32.eq');
      this.#giveUpIf();
    }
    if (!this.#use(one)) return false;
    this.#follow(one.follows, one.follows[0] === one.until);
    return true;
  }

  #list(one: Instruction): boolean {
    this.code.get(local.at, local.end).i32(one.until);
    this.#lend('listEnd').set(local.stop);
    this.#giveUpBeyondEnd(local.stop);
    if (!this.#use(one)) return false;
    this.#follow(one.follows, one.follows[0] === one.until);
    return true;
  }

  /** No value, and `null`, are left to the kernel. */
  #bare(one: Instruction): boolean {
    const { code } = this;
    code.get(local.at, local.end);
    this.#lend('bareEnd').tee(local.stop).get(local.at).op('i32.eq');
    this.#giveUpIf();
    code.get(local.stop, local.at).op('i32.sub').i32(4).op('i32.eq').get(local.at).memory('i32.load').i32(0x6c6c_756e).op('i32.eq', 'i32.and');
    this.#giveUpIf();
    if (!this.#use(one)) return false;
    this.#follow(one.follows, false);
    return true;
  }

  #toEnd(one: Instruction): boolean {
    this.code.get(local.end).set(local.stop);
    if (!this.#use(one)) return false;
    this.#follow(one.follows, false);
    return true;
  }

  #text(one: Instruction): boolean {
    const { code } = this;
    const { text, follows } = one;
    if (text.length <= 2 && follows.length > 0) {
      // Where it is not there, what follows is not there either.
      this.#findShort(one);
      code.get(local.stop, local.end).i32(text.length).op('i32.sub', 'i32.gt_u');
      this.#giveUpIf();
    } else {
      code.get(local.at, local.end).i32(one.textAt).i32(text.length);
      this.#lend('findText').tee(local.stop).get(local.end).get(local.stop, local.end).op('i32.lt_u', 'select').set(local.stop);
    }
    if (!this.#use(one)) return false;
    const isKnown = text.length <= 2 && follows.length === text.length && follows.every((byte, index) => byte === text[index]);
    if (isKnown) code.get(local.stop).i32(text.length).op('i32.add').set(local.at);
    else this.#follow(follows, false);
    return true;
  }

  /** Its block was opened: it ends where to go on. */
  #seek(one: Instruction): boolean {
    const { code } = this;
    code.get(local.at, local.end).i32(one.textAt).i32(one.text.length);
    this.#lend('findText').tee(local.stop).get(local.end).op('i32.ge_u').leaveIf(code.depth);
    code.get(local.stop).i32(one.text.length).op('i32.add').set(local.at);
    return true;
  }

  /** The byte sixteen times. It is read from the memory, as V8 makes a constant of 16 bytes anew each time it is used. */
  #splat(byte: number): WasmCode {
    if (!this.vectors.includes(byte)) this.vectors.push(byte);
    return this.code.i32(0).loadVector(this.#at.VECTORS + this.vectors.indexOf(byte) * 16);
  }

  /** Brings `stop` to the first byte of the kind, or beyond the end. */
  #find(byte: number, usual: number | undefined): void {
    const { code } = this;
    code.get(local.stop).loadVector();
    this.#splat(byte).simd('i8x16.eq', 'i8x16.bitmask').tee(local.mask);
    const found = this.#ifUsual(usual, 'i32.ctz');
    if (found !== undefined) code.get(local.mask);
    code.op('i32.eqz').open('if');
    this.#findFurther(byte, 16);
    code.otherwise().get(local.stop, local.mask).op('i32.ctz', 'i32.add').set(local.stop).close();
    if (found !== undefined) code.close();
  }

  /**
   * Takes the mask from the stack. Where a field is mostly of the same length, that length is only compared with the one that was found:
   * the processor guesses that it is right, and need not wait for it to look at the next field.
   */
  #ifUsual(usual: number | undefined, count: 'i32.ctz' | 'i64.ctz'): number | undefined {
    const { code } = this;
    if (usual === undefined) return undefined;
    code.op(count);
    if (count === 'i64.ctz') code.op('i32.wrap');
    const block = code.i32(usual).op('i32.eq').open('if');
    code.get(local.stop).i32(usual).op('i32.add').set(local.stop).otherwise();
    return block;
  }

  #findFurther(byte: number, passed: number): void {
    this.code.get(local.stop).i32(passed).op('i32.add').get(local.end).i32(byte);
    this.#lend('findByte').set(local.stop);
  }

  /** 64 bytes at a time, so that the length is seldom a surprise to the processor. */
  #findWide(byte: number, usual: number | undefined): void {
    const { code } = this;
    const half = (offset: number): void => {
      code.get(local.stop).loadVector(offset).get(local.kind).simd('i8x16.eq', 'i8x16.bitmask');
      code
        .get(local.stop)
        .loadVector(offset + 16)
        .get(local.kind)
        .simd('i8x16.eq', 'i8x16.bitmask')
        .i32(16)
        .op('i32.shl', 'i32.or', 'i64.extend_u');
    };
    this.#splat(byte).set(local.kind);
    half(0);
    half(32);
    code.i64(32n).op('i64.shl', 'i64.or').tee(local.bits);
    const found = this.#ifUsual(usual, 'i64.ctz');
    if (found !== undefined) code.get(local.bits);
    code.op('i64.eqz').open('if');
    this.#findFurther(byte, 64);
    code.otherwise().get(local.stop, local.bits).op('i64.ctz', 'i32.wrap', 'i32.add').set(local.stop).close();
    if (found !== undefined) code.close();
  }

  /** The same for a text of one byte or two, of which most stand near. */
  #findShort({ text, textAt, lengths }: Instruction): void {
    const { code } = this;
    const [first = 0, second] = text;
    code.get(local.at).set(local.stop);
    code.get(local.stop).loadVector();
    this.#splat(first).simd('i8x16.eq');
    if (second !== undefined) {
      code.get(local.stop).loadVector(1);
      this.#splat(second).simd('i8x16.eq', 'v128.and');
    }
    code.simd('i8x16.bitmask').tee(local.mask);
    const found = this.#ifUsual(lengths.areShort ? lengths.usual : undefined, 'i32.ctz');
    if (found !== undefined) code.get(local.mask);
    code.op('i32.eqz').open('if');
    code.get(local.stop, local.end).i32(textAt).i32(text.length);
    this.#lend('findText').set(local.stop);
    code.otherwise().get(local.stop, local.mask).op('i32.ctz', 'i32.add').set(local.stop).close();
    if (found !== undefined) code.close();
  }

  /** Goes on behind what must stand at `stop`. Of what is known, the first byte was found. */
  #follow(follows: Uint8Array, isFirstKnown: boolean): void {
    const { code } = this;
    const known = isFirstKnown && follows.length !== 4 && follows.length !== 8 ? 1 : 0;
    if (follows.length > known) {
      this.#differ(follows.subarray(known), local.stop, known);
      this.#giveUpIf();
    }
    code.get(local.stop);
    if (follows.length > 0) code.i32(follows.length).op('i32.add');
    code.set(local.at);
  }

  /** Puts on the stack whether the bytes (one to eight) do not stand `offset` behind a place. */
  #differ(text: Uint8Array, place: number, offset: number): void {
    const { code } = this;
    const value = text.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    code.get(place);
    if (text.length === 1) code.memory('i32.load8_u', offset).i32(Number(value)).op('i32.ne');
    else if (text.length === 2) code.memory('i32.load16_u', offset).i32(Number(value)).op('i32.ne');
    else if (text.length === 3) code.memory('i32.load', offset).i32(0xffffff).op('i32.and').i32(Number(value)).op('i32.ne');
    else if (text.length === 4) code.memory('i32.load', offset).i32(Number(value)).op('i32.ne');
    else {
      code.memory('i64.load', offset);
      if (text.length < 8) code.i64((1n << BigInt(text.length * 8)) - 1n).op('i64.and');
      code.i64(value).op('i64.ne');
    }
  }

  #clock(one: Instruction): boolean {
    const { code } = this;
    const known = this.#knownClock(one);
    if (known === undefined) this.#readClock(one);
    else {
      const border = this.#at.MASKS + 16;
      code
        .get(local.at)
        .loadVector()
        .i32(0)
        .loadVector(known)
        .simd('v128.xor')
        .i32(0)
        .loadVector(known + 32)
        .simd('v128.and');
      code
        .get(local.at)
        .loadVector(16)
        .i32(0)
        .loadVector(known + 16)
        .simd('v128.xor')
        .i32(0)
        .loadVector(known + 48)
        .simd('v128.and');
      code.simd('v128.or', 'v128.any_true').open('if');
      this.#readClock(one);
      // With the byte that ends it.
      code.get(local.stop, local.at).op('i32.sub').tee(local.length).i32(clockText).op('i32.lt_u').open('if');
      for (const offset of [0, 16]) {
        code
          .i32(0)
          .get(local.at)
          .loadVector(offset)
          .storeVector(known + offset);
        code
          .i32(0)
          .i32(border + offset - 1)
          .get(local.length)
          .op('i32.sub')
          .loadVector()
          .storeVector(known + 32 + offset);
      }
      code
        .i32(0)
        .get(local.moment)
        .memory('f64.store', known + 64);
      code
        .i32(0)
        .get(local.length)
        .memory('i32.store', known + 72)
        .close();
      code.otherwise();
      code
        .i32(0)
        .memory('f64.load', known + 64)
        .set(local.moment);
      code
        .get(local.at)
        .i32(0)
        .memory('i32.load', known + 72)
        .op('i32.add')
        .set(local.stop)
        .close();
    }
    code.get(local.moment);
    // The first time counts.
    if (this.#maybeGiven.has(local.time)) code.get(local.time).get(local.time).f64(0).op('f64.lt', 'select');
    code.set(local.time);
    this.#maybeGiven.add(local.time);
    this.#follow(one.follows, false);
    return true;
  }

  /** Lines that follow one another mostly have the same time: where its text lies. */
  #knownClock(one: Instruction): number | undefined {
    if ((one.flags & flags.atEnd) !== 0) return undefined;
    const place = this.#at.VECTORS + kindBytes + this.#clocks * clockBytes;
    if (place + clockBytes > this.#at.VECTORS_END) return undefined;
    this.#clocks += 1;
    return place;
  }

  /** As `CLOCK_TIME` of the kernel: brings `stop` behind it, and `moment` to its time. */
  #readClock(one: Instruction): void {
    const { code } = this;
    const record = one.target;
    code.get(local.at).i32(one.slot).op('i32.add').tee(local.stop).i32(6).op('i32.add').get(local.end).op('i32.gt_u');
    this.#giveUpIf();
    code.get(local.stop).memory('i64.load').i64(0xffff_ffff_ffffn).op('i64.and').i64(0x3030_3a30_303an).op('i64.xor').tee(local.a);
    code.i64(0x7676_7f76_767fn).op('i64.add').get(local.a).op('i64.or').i64(0x8080_8080_8080n).op('i64.and', 'i64.eqz', 'i32.eqz');
    this.#giveUpIf();
    // Each byte times ten, and the one behind it: minutes in byte 1, seconds in byte 4.
    code.get(local.a).i64(10n).op('i64.mul').get(local.a).i64(8n).op('i64.shr_u', 'i64.add').tee(local.b);
    code.i64(8n).op('i64.shr_u').i64(0xffn).op('i64.and').tee(local.a).i64(59n).op('i64.gt_u');
    code.get(local.b).i64(32n).op('i64.shr_u').i64(0xffn).op('i64.and').tee(local.b).i64(60n).op('i64.gt_u', 'i32.or');
    this.#giveUpIf();
    code.get(local.a).i64(60n).op('i64.mul').get(local.b).op('i64.add').i64(1000n).op('i64.mul').set(local.a);
    // A comma or a point may begin a fraction.
    code.get(local.stop).memory('i32.load8_u', 6).i32(2).op('i32.or').i32(0x2e).op('i32.eq').open('if');
    code.get(local.stop, local.end);
    this.#lend('clockAt').tee(local.a).i64(32n).op('i64.shr_u', 'i32.wrap').set(local.stop);
    code.get(local.a).i64(0xffff_ffffn).op('i64.and').set(local.a).otherwise();
    code.get(local.stop).i32(6).op('i32.add').set(local.stop).close();
    code
      .get(local.at)
      .loadVector()
      .i32(0)
      .loadVector(record + 16)
      .simd('v128.xor')
      .i32(0)
      .loadVector(record + 32)
      .simd('v128.and');
    code
      .get(local.stop)
      .loadVector()
      .i32(0)
      .loadVector(record + 48)
      .simd('v128.xor')
      .i32(0)
      .loadVector(record + 64)
      .simd('v128.and');
    code.simd('v128.or', 'v128.any_true');
    this.#giveUpIf();
    code.i32(0).memory('f64.load', record).f64(0).op('f64.lt');
    this.#giveUpIf();
    code
      .get(local.stop)
      .i32(0)
      .memory('i32.load', record + 8)
      .op('i32.add')
      .tee(local.stop);
    code.get(local.end).op((one.flags & flags.atEnd) === 0 ? 'i32.gt_u' : 'i32.ne');
    this.#giveUpIf();
    code.i32(0).memory('f64.load', record).get(local.a).op('f64.convert_i64_s', 'f64.add').set(local.moment);
  }

  /** Uses what stands between `at` and `stop`. */
  #use(one: Instruction): boolean {
    const { use, slot } = one;
    if (use === uses.skip) return true;
    if (use >= uses.seconds) {
      this.#number(one.flags >> 4, slot === 0 ? local.first : local.second);
      return true;
    }
    // Which of two fills it would have to be known for each line.
    if (this.#filled.has(slot)) return false;
    this.#filled.add(slot);
    switch (use) {
      case uses.key:
        this.#key(one.salt);
        return true;
      case uses['first-word']:
        this.#firstWord(one.salt);
        return true;
      case uses.shape:
        this.#shape(one.salt);
        return true;
      default:
        this.#lendKey(use === uses.collapsed ? 'collapsedOf' : 'authorityOf', one.salt);
        return true;
    }
  }

  #lendKey(name: Lent, salt: number): void {
    this.code.get(local.key, local.at, local.stop).i64(BigInt(salt));
    this.#lend(name).set(local.key);
  }

  #length(): WasmCode {
    return this.code.get(local.stop, local.at).op('i32.sub').tee(local.length);
  }

  #key(salt: number): void {
    const { code } = this;
    this.#length().i32(16).op('i32.gt_u').open('if');
    this.#lendKey('keyOf', salt);
    code.otherwise();
    this.#shortKey(salt);
    code.close();
  }

  /** `addKey` of `src/kernel/keys.ts`, of no more than 16 bytes: `length` of them. */
  #shortKey(salt: number): void {
    const { code } = this;
    const border = this.#at.MASKS + 16;
    const half = (offset: number): void => {
      code.get(local.at).memory('i64.load', offset);
      code
        .i32(border + offset)
        .get(local.length)
        .op('i32.sub')
        .memory('i64.load')
        .op('i64.and', 'i64.xor');
      this.#seed(offset).op('i64.mul');
    };
    code.get(local.key).i64(BigInt(salt)).op('i64.add');
    half(0);
    code.tee(local.a).get(local.a).i64(32n).op('i64.shr_u', 'i64.xor');
    half(8);
    code.get(local.length).op('i64.extend_u');
    this.#seed(16).op('i64.mul', 'i64.add').tee(local.a).get(local.a).i64(29n).op('i64.shr_u', 'i64.xor').set(local.key);
  }

  #firstWord(salt: number): void {
    const { code } = this;
    code.get(local.at).loadVector();
    this.#splat(0x20).simd('i8x16.eq', 'i8x16.bitmask').tee(local.mask).op('i32.eqz').open('if');
    this.#lendKey('firstWordOf', salt);
    code.otherwise();
    this.#length().get(local.mask).op('i32.ctz').get(local.length).get(local.mask).op('i32.ctz', 'i32.lt_u', 'select').set(local.length);
    this.#shortKey(salt);
    code.close();
  }

  /** `addShape`: what is of digits and points alone. */
  #shape(salt: number): void {
    const { code } = this;
    code.get(local.at).loadVector();
    this.#splat(0x2e).simd('i8x16.sub');
    this.#splat(12).simd('i8x16.lt_u').get(local.at).loadVector();
    this.#splat(0x2f).simd('i8x16.eq', 'v128.andnot', 'i8x16.bitmask').i32(-1).op('i32.xor', 'i32.ctz');
    this.#length().op('i32.lt_u').get(local.length).i32(1).op('i32.sub').i32(15).op('i32.gt_u', 'i32.or').open('if');
    this.#lendKey('shapeOf', salt);
    code.otherwise();
    code.get(local.key).i64(BigInt(salt)).op('i64.add').i64(digitsWord).op('i64.xor');
    this.#seed(0).op('i64.mul').tee(local.a).get(local.a).i64(32n).op('i64.shr_u', 'i64.xor').set(local.key).close();
  }

  /** `numberOf` of `src/kernel/numbers.ts`: up to eight digits, or with the point where nginx writes it; the kernel reads all else. */
  #number(shift: number, target: number): void {
    const { code } = this;
    const isSeconds = shift === 6;
    const number = code.open('block', i64);
    const other = code.open('block');
    this.#length()
      .i32(isSeconds ? 5 : 1)
      .op('i32.sub')
      .i32(isSeconds ? 3 : 7)
      .op('i32.gt_u')
      .leaveIf(other);
    // The last digit comes to stand in the highest byte; below the first all bits are 0, as in digits of 0.
    code.i32(8).get(local.length).op('i32.sub').i32(3).op('i32.shl', 'i64.extend_u').set(local.b);
    code
      .get(local.stop)
      .i32(8)
      .op('i32.sub')
      .memory('i64.load')
      .i64(isSeconds ? 0x3030_302e_3030_3030n : zeros)
      .op('i64.xor');
    code.get(local.b).op('i64.shr_u').get(local.b).op('i64.shl').tee(local.a);
    code
      .i64(isSeconds ? 0x7676_767f_7676_7676n : aboveNine)
      .op('i64.add')
      .get(local.a)
      .op('i64.or')
      .i64(highBits)
      .op('i64.and', 'i64.eqz', 'i32.eqz')
      .leaveIf(other);
    if (isSeconds) {
      code.get(local.a).i64(8n).op('i64.shl').i64(0xff_ffff_ff00n).op('i64.and').get(local.a).i64(0xffff_ff00_0000_0000n).op('i64.and', 'i64.or').set(local.a);
    }
    this.#eightDigits();
    if (shift > 0) code.i64(1000n).op('i64.mul');
    code.leave(number).close();
    code.get(local.at, local.stop).i32(shift);
    this.#lend('numberIn').close();
    // The first number counts.
    if (this.#maybeGiven.has(target)) code.get(target).get(target).i64(noNumber).op('i64.eq', 'select');
    code.set(target);
    this.#maybeGiven.add(target);
  }

  #eightDigits(): void {
    const { code } = this;
    const fold = (factor: bigint, by: bigint, mask: bigint): void => {
      code.get(local.a).i64(factor).op('i64.mul').get(local.a).i64(by).op('i64.shr_u', 'i64.add').i64(mask).op('i64.and');
    };
    fold(10n, 8n, 0x00ff_00ff_00ff_00ffn);
    code.set(local.a);
    fold(100n, 16n, 0x0000_ffff_0000_ffffn);
    code.set(local.a);
    fold(10_000n, 32n, 0xffff_ffffn);
  }
}
