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

/** The code of a function. Blocks are told by how deep they lie: 1 is the outermost. It is written once: by loops over places, which start at once. */
export class WasmCode {
  readonly bytes: number[] = [];
  /** Blocks that are open. */
  depth = 0;

  op(...names: readonly (keyof typeof plain)[]): this {
    for (let index = 0; index < names.length; index += 1) this.bytes.push(plain[names[index] ?? 'return']);
    return this;
  }

  simd(...names: readonly (keyof typeof vector)[]): this {
    for (let index = 0; index < names.length; index += 1) this.#push(simd, vector[names[index] ?? 'v128.and']);
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
    return this.i64Of(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  /** The same of the lower and the upper 32 bits, which is faster than any calculation with a bigint. */
  i64Of(lower: number, upper: number): this {
    const { bytes } = this;
    bytes.push(0x42);
    let low = lower | 0;
    let high = upper | 0;
    // Until all that is left are copies of the sign.
    while (high !== low >> 31 || low < -64 || low > 63) {
      bytes.push((low & 0x7f) | 0x80);
      low = (low >>> 7) | (high << 25);
      high >>= 7;
    }
    bytes.push(low & 0x7f);
    return this;
  }

  f64(value: number): this {
    this.bytes.push(0x44, ...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  get(...locals: readonly number[]): this {
    for (let index = 0; index < locals.length; index += 1) this.#push(0x20, locals[index] ?? 0);
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

/** A module that exports one function. All but its code is put together as text of one character a byte, which the engine joins by itself. */
export function wasmModule({ imports, pages, name, signature, locals, code }: WasmModule): Uint8Array {
  const count = unsigned(imports.length);
  const signatures = [...imports.map(one => one.signature), signature];
  const taken = imports.map((one, index) => `${named('env')}${named(one.name)}\0${unsigned(index)}`);
  const shared = `${named('env')}${named('memory')}\u0002\u0001${unsigned(pages)}${unsigned(pages)}`;
  const given = `${named(name)}\0${count}`;
  const declared = listOf(locals.map(type => `\u0001${byteOf(type)}`));
  const length = declared.length + code.bytes.length + 1;
  const body = `${unsigned(1)}${unsigned(length)}${declared}`;
  const head = [
    '\0asm\u0001\0\0\0',
    section(1, listOf(signatures.map(({ takes, gives }) => `\u0060${listOf(takes.map(byteOf))}\u0001${byteOf(gives)}`))),
    section(2, listOf([...taken, shared])),
    section(3, listOf([count])),
    section(7, listOf([given])),
    `${byteOf(10)}${unsigned(body.length + code.bytes.length + 1)}${body}`,
  ].join('');
  const bytes = new Uint8Array(head.length + code.bytes.length + 1);
  bytes.set(Buffer.from(head, 'latin1'));
  bytes.set(code.bytes, head.length);
  bytes[bytes.length - 1] = end;
  return bytes;
}

function byteOf(value: number): string {
  return String.fromCharCode(value);
}

function section(id: number, content: string): string {
  return byteOf(id) + unsigned(content.length) + content;
}

function listOf(items: readonly string[]): string {
  return unsigned(items.length) + items.join('');
}

function named(name: string): string {
  return unsigned(name.length) + name;
}

/** LEB128 */
function unsigned(value: number): string {
  let text = '';
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) text += byteOf((rest % 0x80) | 0x80);
  return text + byteOf(rest);
}
