/** Code that uses what stands between `at` and `stop`, as `src/kernel/keys.ts` and `numbers.ts` do where it is of the usual kind; they do the rest. */
import { local, noNumber, type Lent, type WalkCode } from './kernel-walk-code.ts';
import { types, type WasmCode } from './wasm-code.ts';

/** As in `src/kernel/keys.ts`. */
const digitsWord = 0x9f3c_11d5_77a1_0b43n;
const zeros = 0x3030_3030_3030_3030n;
const highBits = 0x8080_8080_8080_8080n;
/** Added to bytes of 0 to 9, gives none of `highBits`. */
const aboveNine = 0x7676_7676_7676_7676n;

/** A key that the kernel adds. */
export function writeLentKey(walk: WalkCode, name: Lent, salt: number): void {
  walk.code.get(local.key, local.at, local.stop).i64(BigInt(salt));
  walk.lend(name).set(local.key);
}

function writeLength(walk: WalkCode): WasmCode {
  return walk.code.get(local.stop, local.at).op('i32.sub').tee(local.length);
}

export function writeKey(walk: WalkCode, salt: number): void {
  const { code } = walk;
  writeLength(walk).i32(16).op('i32.gt_u').open('if');
  writeLentKey(walk, 'keyOf', salt);
  code.otherwise();
  writeShortKey(walk, salt);
  code.close();
}

/** `addKey` of `src/kernel/keys.ts`, of no more than 16 bytes: `length` of them. */
function writeShortKey(walk: WalkCode, salt: number): void {
  const { code } = walk;
  const border = walk.at.MASKS + 16;
  const half = (offset: number): void => {
    code.get(local.at).memory('i64.load', offset);
    code
      .i32(border + offset)
      .get(local.length)
      .op('i32.sub')
      .memory('i64.load')
      .op('i64.and', 'i64.xor');
    walk.seed(offset).op('i64.mul');
  };
  code.get(local.key).i64(BigInt(salt)).op('i64.add');
  half(0);
  code.tee(local.a).get(local.a).i64(32n).op('i64.shr_u', 'i64.xor');
  half(8);
  code.get(local.length).op('i64.extend_u');
  walk.seed(16).op('i64.mul', 'i64.add').tee(local.a).get(local.a).i64(29n).op('i64.shr_u', 'i64.xor').set(local.key);
}

export function writeFirstWord(walk: WalkCode, salt: number): void {
  const { code } = walk;
  code.get(local.at).loadVector();
  walk.splat(0x20).simd('i8x16.eq', 'i8x16.bitmask').tee(local.mask).op('i32.eqz').open('if');
  writeLentKey(walk, 'firstWordOf', salt);
  code.otherwise();
  writeLength(walk).get(local.mask).op('i32.ctz').get(local.length).get(local.mask).op('i32.ctz', 'i32.lt_u', 'select').set(local.length);
  writeShortKey(walk, salt);
  code.close();
}

/** `addShape`: what is of digits and points alone. */
export function writeShape(walk: WalkCode, salt: number): void {
  const { code } = walk;
  code.get(local.at).loadVector();
  walk.splat(0x2e).simd('i8x16.sub');
  walk.splat(12).simd('i8x16.lt_u').get(local.at).loadVector();
  walk.splat(0x2f).simd('i8x16.eq', 'v128.andnot', 'i8x16.bitmask').i32(-1).op('i32.xor', 'i32.ctz');
  writeLength(walk).op('i32.lt_u').get(local.length).i32(1).op('i32.sub').i32(15).op('i32.gt_u', 'i32.or').open('if');
  writeLentKey(walk, 'shapeOf', salt);
  code.otherwise();
  code.get(local.key).i64(BigInt(salt)).op('i64.add').i64(digitsWord).op('i64.xor');
  walk.seed(0).op('i64.mul').tee(local.a).get(local.a).i64(32n).op('i64.shr_u', 'i64.xor').set(local.key).close();
}

/** `numberOf` of `src/kernel/numbers.ts`: up to eight digits, or with the point where nginx writes it; the kernel reads all else. */
export function writeNumber(walk: WalkCode, shift: number, target: number): void {
  const { code } = walk;
  const isSeconds = shift === 6;
  const number = code.open('block', types.i64);
  const other = code.open('block');
  writeLength(walk)
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
  writeEightDigits(walk);
  if (shift > 0) code.i64(1000n).op('i64.mul');
  code.leave(number).close();
  code.get(local.at, local.stop).i32(shift);
  walk.lend('numberIn').close();
  // The first number counts.
  if (walk.maybeGiven.has(target)) code.get(target).get(target).i64(noNumber).op('i64.eq', 'select');
  code.set(target);
  walk.maybeGiven.add(target);
}

function writeEightDigits(walk: WalkCode): void {
  const { code } = walk;
  const fold = (factor: bigint, by: bigint, mask: bigint): void => {
    code.get(local.a).i64(factor).op('i64.mul').get(local.a).i64(by).op('i64.shr_u', 'i64.add').i64(mask).op('i64.and');
  };
  fold(10n, 8n, 0x00ff_00ff_00ff_00ffn);
  code.set(local.a);
  fold(100n, 16n, 0x0000_ffff_0000_ffffn);
  code.set(local.a);
  fold(10_000n, 32n, 0xffff_ffffn);
}
