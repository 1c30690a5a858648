import type { KernelPlaces } from './kernel-memory.ts';
import { types, WasmCode, type Signature, type WasmType } from './wasm-code.ts';

const { i32, i64 } = types;
const ofKey: Signature = { takes: [i64, i32, i32, i64], gives: i64 };
/** Functions that the kernel lends (`src/kernel/walk.ts`). */
export const lent = {
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
export type Lent = keyof typeof lent;
export const lentNames = Object.keys(lent) as readonly Lent[];

/** The function's parameters and locals. */
export const local = {
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
export const localTypes: readonly WasmType[] = [i32, i32, i32, i32, i64, types.f64, i64, i64, i64, i64, i64, types.v128, types.f64];

/** Room for single bytes at `VECTORS`, 16 bytes each; behind them texts of clocks. */
export const kindBytes = 512;
export const noNumber = -1n;

/** The code of a walk: what its steps and values have in common. `at` and `stop` are where a field begins and ends. */
export class WalkCode {
  readonly code = new WasmCode();
  readonly at: KernelPlaces;
  /** Bytes that are compared with sixteen at once: they lie at `VECTORS`. */
  readonly vectors: number[] = [];
  /** Numbers and times that another instruction may have given before. */
  readonly maybeGiven = new Set<number>();
  /** Clocks whose text is kept. */
  clocks = 0;
  readonly #given: number;

  constructor(at: KernelPlaces) {
    this.at = at;
    this.#given = this.code.open('block');
  }

  /** The kernel walks the line where the number on the stack is not 0. */
  giveUpIf(): void {
    this.code.leaveIf(this.#given);
  }

  giveUpBeyondEnd(place: number): void {
    this.code.get(place, local.end).op('i32.ge_u');
    this.giveUpIf();
  }

  lend(name: Lent): WasmCode {
    return this.code.call(lentNames.indexOf(name));
  }

  seed(offset: number): WasmCode {
    return this.code.i32(0).memory('i64.load', this.at.SEEDS + offset);
  }

  /** The byte sixteen times. It is read from the memory, as V8 makes a constant of 16 bytes anew each time it is used. */
  splat(byte: number): WasmCode {
    if (!this.vectors.includes(byte)) this.vectors.push(byte);
    return this.code.i32(0).loadVector(this.at.VECTORS + this.vectors.indexOf(byte) * 16);
  }

  /** Brings `stop` to the first byte of the kind, or beyond the end. */
  find(byte: number, usual: number | undefined): void {
    const { code } = this;
    code.get(local.stop).loadVector();
    this.splat(byte).simd('i8x16.eq', 'i8x16.bitmask').tee(local.mask);
    const isGuessed = this.#ifUsual(usual, 'i32.ctz');
    if (isGuessed) code.get(local.mask);
    code.op('i32.eqz').open('if');
    this.#findFurther(byte, 16);
    code.otherwise().get(local.stop, local.mask).op('i32.ctz', 'i32.add').set(local.stop).close();
    if (isGuessed) code.close();
  }

  /**
   * Takes the mask from the stack. Where a field is mostly of the same length, that length is only compared with the one that was found:
   * the processor guesses that it is right, and need not wait for it to look at the next field.
   */
  #ifUsual(usual: number | undefined, count: 'i32.ctz' | 'i64.ctz'): boolean {
    const { code } = this;
    if (usual === undefined) return false;
    code.op(count);
    if (count === 'i64.ctz') code.op('i32.wrap');
    code.i32(usual).op('i32.eq').open('if');
    code.get(local.stop).i32(usual).op('i32.add').set(local.stop).otherwise();
    return true;
  }

  #findFurther(byte: number, passed: number): void {
    this.code.get(local.stop).i32(passed).op('i32.add').get(local.end).i32(byte);
    this.lend('findByte').set(local.stop);
  }

  /** 64 bytes at a time, so that the length is seldom a surprise to the processor. */
  findWide(byte: number, usual: number | undefined): void {
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
    this.splat(byte).set(local.kind);
    half(0);
    half(32);
    code.i64(32n).op('i64.shl', 'i64.or').tee(local.bits);
    const isGuessed = this.#ifUsual(usual, 'i64.ctz');
    if (isGuessed) code.get(local.bits);
    code.op('i64.eqz').open('if');
    this.#findFurther(byte, 64);
    code.otherwise().get(local.stop, local.bits).op('i64.ctz', 'i32.wrap', 'i32.add').set(local.stop).close();
    if (isGuessed) code.close();
  }

  /** The same for a text of one byte or two, of which most stand near. */
  findShort(text: Uint8Array, textAt: number, usual: number | undefined): void {
    const { code } = this;
    const [first = 0, second] = text;
    code.get(local.at).set(local.stop);
    code.get(local.stop).loadVector();
    this.splat(first).simd('i8x16.eq');
    if (second !== undefined) {
      code.get(local.stop).loadVector(1);
      this.splat(second).simd('i8x16.eq', 'v128.and');
    }
    code.simd('i8x16.bitmask').tee(local.mask);
    const isGuessed = this.#ifUsual(usual, 'i32.ctz');
    if (isGuessed) code.get(local.mask);
    code.op('i32.eqz').open('if');
    code.get(local.stop, local.end).i32(textAt).i32(text.length);
    this.lend('findText').set(local.stop);
    code.otherwise().get(local.stop, local.mask).op('i32.ctz', 'i32.add').set(local.stop).close();
    if (isGuessed) code.close();
  }

  /** Goes on behind what must stand at `stop`. Of what is known, the first byte was found. */
  follow(follows: Uint8Array, isFirstKnown: boolean): void {
    const { code } = this;
    const known = isFirstKnown && follows.length !== 4 && follows.length !== 8 ? 1 : 0;
    if (follows.length > known) {
      this.differ(follows.subarray(known), local.stop, known);
      this.giveUpIf();
    }
    code.get(local.stop);
    if (follows.length > 0) code.i32(follows.length).op('i32.add');
    code.set(local.at);
  }

  /** Puts on the stack whether the bytes (one to eight) do not stand `offset` behind a place. */
  differ(text: Uint8Array, place: number, offset: number): void {
    const { code } = this;
    const lower = wordAt(text, 0);
    code.get(place);
    if (text.length === 1) code.memory('i32.load8_u', offset).i32(lower).op('i32.ne');
    else if (text.length === 2) code.memory('i32.load16_u', offset).i32(lower).op('i32.ne');
    else if (text.length === 3) code.memory('i32.load', offset).i32(0xffffff).op('i32.and').i32(lower).op('i32.ne');
    else if (text.length === 4) code.memory('i32.load', offset).i32(lower).op('i32.ne');
    else {
      code.memory('i64.load', offset);
      if (text.length < 8) code.i64Of(-1, (1 << ((text.length - 4) * 8)) - 1).op('i64.and');
      code.i64Of(lower, wordAt(text, 4)).op('i64.ne');
    }
  }
}

/** Four bytes as a number, the first the lowest; those behind the end are 0. */
function wordAt(text: Uint8Array, at: number): number {
  return (text[at] ?? 0) | ((text[at + 1] ?? 0) << 8) | ((text[at + 2] ?? 0) << 16) | ((text[at + 3] ?? 0) << 24);
}
