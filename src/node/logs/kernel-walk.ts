/**
 * The first program of a kernel as a WebAssembly module of its own, which walks a line without looking at instructions. Its `walk(line, end)`
 * gives what the kernel's own walk gives for a line that fits and is of the usual kind (the key, and the numbers at `WALKED`); else 0, and the
 * kernel walks the line itself, from its start. So what is rare need not be known here.
 */
import { uses } from '../../core/logs/scan/program.ts';
import { anyLengths, usualLengths, type Step, type UsualLengths } from './kernel-lengths.ts';
import type { KernelMemory, KernelPlaces } from './kernel-memory.ts';
import { operations } from './kernel-program.ts';
import { clearClocks, writeClock } from './kernel-walk-clock.ts';
import { kindBytes, lent, lentNames, local, localTypes, noNumber, WalkCode } from './kernel-walk-code.ts';
import { writeFirstWord, writeKey, writeLentKey, writeNumber, writeShape } from './kernel-walk-values.ts';
import { types, wasmModule } from './wasm-code.ts';

const size = 32;
/** A program that is longer takes longer to compile than it saves. */
const mostOperations = 80;
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
  if (!writer.write(instructions)) return undefined;
  const { code, vectors } = writer.walk;
  if (vectors.length * 16 > kindBytes) return undefined;
  clearClocks(bytes, at.VECTORS, at.VECTORS_END);
  for (const [index, byte] of vectors.entries()) bytes.fill(byte, at.VECTORS + index * 16, at.VECTORS + index * 16 + 16);
  return wasmModule({
    imports: lentNames.map(name => ({ name, signature: lent[name] })),
    pages: bytes.length >> 16,
    name: 'walk',
    signature: { takes: [types.i32, types.i32], gives: types.i64 },
    locals: localTypes,
    code,
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
  readonly walk: WalkCode;
  readonly #format: number;
  readonly #filled = new Set<number>();

  constructor(at: KernelPlaces, format: number) {
    this.walk = new WalkCode(at);
    this.#format = format;
  }

  /** False where an instruction is not known here. */
  write(instructions: readonly Instruction[]): boolean {
    const { code, at } = this.walk;
    code.get(local.line).set(local.at).f64(-1).set(local.time).i64(noNumber).set(local.first).i64(noNumber).set(local.second);
    const factor = BigInt(2 * this.#format + 1);
    this.walk.seed(8).i64(factor).op('i64.mul').set(local.key);
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
    const [time, first, second] = [at.WALKED, at.WALKED + 8, at.WALKED + 16];
    code.i32(0).get(local.time).memory('f64.store', time);
    code.i32(0).get(local.first).memory('i64.store', first);
    code.i32(0).get(local.second).memory('i64.store', second);
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

  #end(): boolean {
    this.walk.code.get(local.at, local.end).op('i32.ne');
    this.walk.giveUpIf();
    return true;
  }

  #literal({ follows }: Instruction): boolean {
    this.walk.code.get(local.at).set(local.stop);
    this.walk.follow(follows, false);
    return true;
  }

  /** No text has a newline or a carriage return, so none is found beyond the end. */
  #maybe({ text }: Instruction): boolean {
    const { code } = this.walk;
    if (text.length > 64) return false;
    code.i32(1);
    for (let from = 0; from < text.length; from += 8) {
      this.walk.differ(text.subarray(from, from + 8), local.at, from);
      code.op('i32.eqz', 'i32.and');
    }
    code.open('if');
    code.get(local.at).i32(text.length).op('i32.add').set(local.at).close();
    return true;
  }

  #field(one: Instruction): boolean {
    const { code } = this.walk;
    code.get(local.at).set(local.stop);
    if (one.lengths.areShort) this.walk.find(one.until, one.lengths.usual);
    else this.walk.findWide(one.until, one.lengths.usual);
    this.walk.giveUpBeyondEnd(local.stop);
    if (one.operation === operations.escaped) {
      code.get(local.stop).i32(1).op('i32.sub').memory('i32.load8_u').i32(0x5c).op('i32.eq');
      this.walk.giveUpIf();
    }
    if (!this.#use(one)) return false;
    this.walk.follow(one.follows, one.follows[0] === one.until);
    return true;
  }

  #list(one: Instruction): boolean {
    this.walk.code.get(local.at, local.end).i32(one.until);
    this.walk.lend('listEnd').set(local.stop);
    this.walk.giveUpBeyondEnd(local.stop);
    if (!this.#use(one)) return false;
    this.walk.follow(one.follows, one.follows[0] === one.until);
    return true;
  }

  /** No value, and `null`, are left to the kernel. */
  #bare(one: Instruction): boolean {
    const { code } = this.walk;
    code.get(local.at, local.end);
    this.walk.lend('bareEnd').tee(local.stop).get(local.at).op('i32.eq');
    this.walk.giveUpIf();
    code.get(local.stop, local.at).op('i32.sub').i32(4).op('i32.eq').get(local.at).memory('i32.load').i32(0x6c6c_756e).op('i32.eq', 'i32.and');
    this.walk.giveUpIf();
    if (!this.#use(one)) return false;
    this.walk.follow(one.follows, false);
    return true;
  }

  #toEnd(one: Instruction): boolean {
    this.walk.code.get(local.end).set(local.stop);
    if (!this.#use(one)) return false;
    this.walk.follow(one.follows, false);
    return true;
  }

  #text(one: Instruction): boolean {
    const { code } = this.walk;
    const { text, follows } = one;
    if (text.length <= 2 && follows.length > 0) {
      // Where it is not there, what follows is not there either.
      this.walk.findShort(text, one.textAt, one.lengths.areShort ? one.lengths.usual : undefined);
      code.get(local.stop, local.end).i32(text.length).op('i32.sub', 'i32.gt_u');
      this.walk.giveUpIf();
    } else {
      code.get(local.at, local.end).i32(one.textAt).i32(text.length);
      this.walk.lend('findText').tee(local.stop).get(local.end).get(local.stop, local.end).op('i32.lt_u', 'select').set(local.stop);
    }
    if (!this.#use(one)) return false;
    const isKnown = text.length <= 2 && follows.length === text.length && follows.every((byte, index) => byte === text[index]);
    if (isKnown) code.get(local.stop).i32(text.length).op('i32.add').set(local.at);
    else this.walk.follow(follows, false);
    return true;
  }

  /** Its block was opened: it ends where to go on. */
  #seek(one: Instruction): boolean {
    const { code } = this.walk;
    code.get(local.at, local.end).i32(one.textAt).i32(one.text.length);
    this.walk.lend('findText').tee(local.stop).get(local.end).op('i32.ge_u').leaveIf(code.depth);
    code.get(local.stop).i32(one.text.length).op('i32.add').set(local.at);
    return true;
  }

  #clock(one: Instruction): boolean {
    writeClock(this.walk, one);
    this.walk.follow(one.follows, false);
    return true;
  }

  /** Uses what stands between `at` and `stop`. */
  #use(one: Instruction): boolean {
    const { use, slot } = one;
    if (use === uses.skip) return true;
    if (use >= uses.seconds) {
      writeNumber(this.walk, one.flags >> 4, slot === 0 ? local.first : local.second);
      return true;
    }
    // Which of two fills it would have to be known for each line.
    if (this.#filled.has(slot)) return false;
    this.#filled.add(slot);
    switch (use) {
      case uses.key:
        writeKey(this.walk, one.salt);
        return true;
      case uses['first-word']:
        writeFirstWord(this.walk, one.salt);
        return true;
      case uses.shape:
        writeShape(this.walk, one.salt);
        return true;
      default:
        writeLentKey(this.walk, use === uses.collapsed ? 'collapsedOf' : 'authorityOf', one.salt);
        return true;
    }
  }
}
