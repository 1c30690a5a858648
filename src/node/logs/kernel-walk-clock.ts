import { flags } from './kernel-program.ts';
import type { Step } from './kernel-lengths.ts';
import { kindBytes, local, type WalkCode } from './kernel-walk-code.ts';

/** Of a clock that was read: 32 bytes of its text, their mask, the time (f64), and its length (u32). */
const clockBytes = 96;
const textBytes = 32;
const newline = 0x0a;

/** No line has the texts of clocks that are kept at first, as no line has a newline. */
export function clearClocks(bytes: Uint8Array, from: number, to: number): void {
  bytes.fill(newline, from, to);
  for (let place = from + kindBytes + textBytes; place < to; place += clockBytes) bytes.fill(0xff, place, place + textBytes);
}

/** As `CLOCK_TIME` of the kernel, up to where the clock and its suffix end. */
export function writeClock(walk: WalkCode, one: Step): void {
  const { code } = walk;
  const known = placeOfKnown(walk, one);
  if (known === undefined) readClock(walk, one);
  else {
    writeDiffer(walk, local.at, 0, known, known + textBytes);
    writeDiffer(walk, local.at, 16, known + 16, known + textBytes + 16);
    code.simd('v128.or', 'v128.any_true').open('if');
    readClock(walk, one);
    writeKnown(walk, known);
    code.otherwise();
    loadKnown(walk, known);
    code.close();
  }
  code.get(local.moment);
  // The first time counts.
  if (walk.maybeGiven.has(local.time)) code.get(local.time).get(local.time).f64(0).op('f64.lt', 'select');
  code.set(local.time);
  walk.maybeGiven.add(local.time);
}

/** Puts on the stack in which bits under a mask sixteen bytes differ from a text. */
function writeDiffer({ code }: WalkCode, place: number, offset: number, text: number, mask: number): void {
  code.get(place).loadVector(offset).i32(0).loadVector(text).simd('v128.xor').i32(0).loadVector(mask).simd('v128.and');
}

/** Keeps the text of the clock that was read, with the byte that ends it. */
function writeKnown({ code, at }: WalkCode, known: number): void {
  const [mask, time, length] = [known + textBytes, known + 2 * textBytes, known + 2 * textBytes + 8];
  const border = at.MASKS + 15;
  code.get(local.stop, local.at).op('i32.sub').tee(local.length).i32(textBytes).op('i32.lt_u').open('if');
  for (const offset of [0, 16]) {
    const [textAt, maskAt, bits] = [known + offset, mask + offset, border + offset];
    code.i32(0).get(local.at).loadVector(offset).storeVector(textAt);
    code.i32(0).i32(bits).get(local.length).op('i32.sub').loadVector().storeVector(maskAt);
  }
  code.i32(0).get(local.moment).memory('f64.store', time);
  code.i32(0).get(local.length).memory('i32.store', length).close();
}

function loadKnown({ code }: WalkCode, known: number): void {
  const [time, length] = [known + 2 * textBytes, known + 2 * textBytes + 8];
  code.i32(0).memory('f64.load', time).set(local.moment);
  code.get(local.at).i32(0).memory('i32.load', length).op('i32.add').set(local.stop);
}

/** Lines that follow one another mostly have the same time: where its text is kept. */
function placeOfKnown(walk: WalkCode, one: Step): number | undefined {
  if ((one.flags & flags.atEnd) !== 0) return undefined;
  const place = walk.at.VECTORS + kindBytes + walk.clocks * clockBytes;
  if (place + clockBytes > walk.at.VECTORS_END) return undefined;
  walk.clocks += 1;
  return place;
}

/** As `CLOCK_TIME` of the kernel: brings `stop` behind it, and `moment` to its time. */
function readClock(walk: WalkCode, one: Step): void {
  const { code } = walk;
  const record = one.target;
  code.get(local.at).i32(one.slot).op('i32.add').tee(local.stop).i32(6).op('i32.add').get(local.end).op('i32.gt_u');
  walk.giveUpIf();
  code.get(local.stop).memory('i64.load').i64(0xffff_ffff_ffffn).op('i64.and').i64(0x3030_3a30_303an).op('i64.xor').tee(local.a);
  code.i64(0x7676_7f76_767fn).op('i64.add').get(local.a).op('i64.or').i64(0x8080_8080_8080n).op('i64.and', 'i64.eqz', 'i32.eqz');
  walk.giveUpIf();
  // Each byte times ten, and the one behind it: minutes in byte 1, seconds in byte 4.
  code.get(local.a).i64(10n).op('i64.mul').get(local.a).i64(8n).op('i64.shr_u', 'i64.add').tee(local.b);
  code.i64(8n).op('i64.shr_u').i64(0xffn).op('i64.and').tee(local.a).i64(59n).op('i64.gt_u');
  code.get(local.b).i64(32n).op('i64.shr_u').i64(0xffn).op('i64.and').tee(local.b).i64(60n).op('i64.gt_u', 'i32.or');
  walk.giveUpIf();
  code.get(local.a).i64(60n).op('i64.mul').get(local.b).op('i64.add').i64(1000n).op('i64.mul').set(local.a);
  // A comma or a point may begin a fraction.
  code.get(local.stop).memory('i32.load8_u', 6).i32(2).op('i32.or').i32(0x2e).op('i32.eq').open('if');
  code.get(local.stop, local.end);
  walk.lend('clockAt').tee(local.a).i64(32n).op('i64.shr_u', 'i32.wrap').set(local.stop);
  code.get(local.a).i64(0xffff_ffffn).op('i64.and').set(local.a).otherwise();
  code.get(local.stop).i32(6).op('i32.add').set(local.stop).close();
  writeDiffer(walk, local.at, 0, record + 16, record + 32);
  writeDiffer(walk, local.stop, 0, record + 48, record + 64);
  code.simd('v128.or', 'v128.any_true');
  walk.giveUpIf();
  code.i32(0).memory('f64.load', record).f64(0).op('f64.lt');
  walk.giveUpIf();
  const suffixLength = record + 8;
  code.get(local.stop).i32(0).memory('i32.load', suffixLength).op('i32.add').tee(local.stop);
  code.get(local.end).op((one.flags & flags.atEnd) === 0 ? 'i32.gt_u' : 'i32.ne');
  walk.giveUpIf();
  code.i32(0).memory('f64.load', record).get(local.a).op('f64.convert_i64_s', 'f64.add').set(local.moment);
}
