/** Bytes of a WebAssembly module of one function (https://webassembly.github.io/spec/core/binary/): the few instructions that `kernel-walk.ts` needs. */

export const types = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
export type WasmType = (typeof types)[keyof typeof types];

const end = 0x0b;
/** A block that gives nothing. */
const noResult = 0x40;
const simd = 0xfd;

/** Instructions of one byte, without operands behind them. */
const plain = {
  return: 0x0f,
  select: 0x1b,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_u': 0x49,
  'i32.gt_u': 0x4b,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.gt_u': 0x56,
  'f64.lt': 0x63,
  'f64.ne': 0x62,
  'i32.ctz': 0x68,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i64.ctz': 0x7a,
  'i64.add': 0x7c,
  'i64.mul': 0x7e,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_u': 0x88,
  'f64.add': 0xa0,
  'i32.wrap': 0xa7,
  'i64.extend_u': 0xad,
  'f64.convert_i64_s': 0xb9,
} as const;

/** Loads and stores, which an alignment (here none) and an offset follow. */
const memory = {
  'i32.load': 0x28,
  'i64.load': 0x29,
  'f64.load': 0x2b,
  'i32.load8_u': 0x2d,
  'i32.load16_u': 0x2f,
  'i32.store': 0x36,
  'i64.store': 0x37,
  'f64.store': 0x39,
} as const;

const vector = {
  'i8x16.eq': 0x23,
  'i8x16.lt_u': 0x26,
  'v128.and': 0x4e,
  'v128.andnot': 0x4f,
  'v128.or': 0x50,
  'v128.xor': 0x51,
  'v128.any_true': 0x53,
  'i8x16.bitmask': 0x64,
  'i8x16.sub': 0x71,
} as const;

export interface Signature {
  readonly takes: readonly WasmType[];
  readonly gives: WasmType;
}

/** The code of a function. Blocks are told by how deep they lie: 1 is the outermost. */
export class WasmCode {
  readonly bytes: number[] = [];
  /** Blocks that are open. */
  depth = 0;

  op(...names: readonly (keyof typeof plain)[]): this {
    for (const name of names) this.bytes.push(plain[name]);
    return this;
  }

  simd(...names: readonly (keyof typeof vector)[]): this {
    for (const name of names) this.#push(simd, vector[name]);
    return this;
  }

  memory(name: keyof typeof memory, offset = 0): this {
    this.bytes.push(memory[name]);
    return this.#push(0, offset);
  }

  loadVector(offset = 0): this {
    this.bytes.push(simd, 0);
    return this.#push(0, offset);
  }

  storeVector(offset = 0): this {
    this.bytes.push(simd, 11);
    return this.#push(0, offset);
  }

  i32(value: number): this {
    this.bytes.push(0x41);
    let rest = value | 0;
    for (; rest < -64 || rest > 63; rest >>= 7) this.bytes.push((rest & 0x7f) | 0x80);
    this.bytes.push(rest & 0x7f);
    return this;
  }

  i64(value: bigint): this {
    this.bytes.push(0x42);
    let rest = BigInt.asIntN(64, value);
    for (; rest < -64n || rest > 63n; rest >>= 7n) this.bytes.push(Number(rest & 0x7fn) | 0x80);
    this.bytes.push(Number(rest & 0x7fn));
    return this;
  }

  f64(value: number): this {
    this.bytes.push(0x44, ...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  get(...locals: readonly number[]): this {
    for (const local of locals) this.#push(0x20, local);
    return this;
  }

  set(local: number): this {
    return this.#push(0x21, local);
  }

  tee(local: number): this {
    return this.#push(0x22, local);
  }

  call(index: number): this {
    return this.#push(0x10, index);
  }

  /** Opens a block, a loop or an `if`; returns how deep it lies. */
  open(kind: 'block' | 'loop' | 'if', result?: WasmType): number {
    this.bytes.push(kind === 'block' ? 0x02 : kind === 'loop' ? 0x03 : 0x04, result ?? noResult);
    return ++this.depth;
  }

  otherwise(): this {
    this.bytes.push(0x05);
    return this;
  }

  close(): this {
    this.bytes.push(end);
    this.depth -= 1;
    return this;
  }

  /** Leaves the block (begins the loop anew) where the number on the stack is not 0. */
  leaveIf(block: number): this {
    return this.#push(0x0d, this.depth - block);
  }

  /** Leaves the block, with its result where it has one. */
  leave(block: number): this {
    return this.#push(0x0c, this.depth - block);
  }

  /** A byte, and a number in LEB128. */
  #push(byte: number, value: number): this {
    const { bytes } = this;
    bytes.push(byte);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
    return this;
  }
}

export interface WasmModule {
  /** Functions of module `env`; they are called by their place in this list. */
  readonly imports: readonly { readonly name: string; readonly signature: Signature }[];
  /** Pages of the memory `env.memory`, which never grows. */
  readonly pages: number;
  readonly name: string;
  readonly signature: Signature;
  readonly locals: readonly WasmType[];
  readonly code: WasmCode;
}

/** A module that exports one function. */
export function wasmModule({ imports, pages, name, signature, locals, code }: WasmModule): Uint8Array {
  const signatures = [...imports.map(one => one.signature), signature];
  const taken = imports.map((one, index) => [...text('env'), ...text(one.name), 0, ...unsigned(index)]);
  const body = [...vectorOf(locals.map(type => [1, type])), ...code.bytes, end];
  return Uint8Array.from([
    // `\0asm`, version 1
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, vectorOf(signatures.map(({ takes, gives }) => [0x60, ...vectorOf(takes.map(type => [type])), 1, gives]))),
    ...section(2, vectorOf([...taken, [...text('env'), ...text('memory'), 2, 1, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(3, vectorOf([unsigned(imports.length)])),
    ...section(7, vectorOf([[...text(name), 0, ...unsigned(imports.length)]])),
    ...section(10, vectorOf([[...unsigned(body.length), ...body]])),
  ]);
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...unsigned(bytes.length), ...bytes];
}

function vectorOf(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return [...unsigned(name.length), ...Array.from(name, character => character.charCodeAt(0))];
}

/** LEB128 */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
