/**
 * bzip2 (1.0.8; the format has no description but its source and J. Tsai's "BZIP2: Format Specification", 2016), one block of at
 * most 900,000 bytes at a time. Blocks start at any bit: a 48-bit mark, a checksum, Huffman tables, then the coded text, which the
 * Burrows-Wheeler transform and run lengths are taken back from. Streams may follow each other.
 */
import { whenDamaged } from './inflate.ts';
import type { ByteSource } from './source.ts';

const blockMark = 0x314159265359;
const endMark = 0x177245385090;
// A block and its tables are never longer than this when compressed.
const mostInput = 1 << 20;
const groupSize = 50;
const longestCode = 20;
const shortCode = 10;

export class Bzip2Source implements ByteSource {
  readonly #inner: ByteSource;
  readonly #problems: string[] = [];
  readonly #bits = new BitReader();
  readonly #given = { bytes: 0 };
  #block: Block | undefined;
  #blockSize = 0;
  #isEnd = false;

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return [...this.#inner.problems, ...this.#problems];
  }

  read(into: Uint8Array): number | Promise<number> {
    for (;;) {
      const length = this.#block?.give(into) ?? 0;
      this.#given.bytes += length;
      if (length > 0 || this.#isEnd) return length;
      const filled = this.#bits.fill(this.#inner);
      if (filled !== undefined) return this.#readLater(filled, into);
      this.#next();
    }
  }

  close(): void {
    this.#isEnd = true;
    this.#block = undefined;
    this.#inner.close();
  }

  async #readLater(filled: Promise<void>, into: Uint8Array): Promise<number> {
    await filled;
    this.#next();
    return this.read(into);
  }

  #next(): void {
    try {
      this.#nextBlock();
    } catch (error) {
      this.#isEnd = true;
      this.#problems.push(whenDamaged(this.#bits.isOver ? 'unexpected end' : error instanceof Error ? error.message : 'not understood', this.#given.bytes));
    }
  }

  #nextBlock(): void {
    const bits = this.#bits;
    if (this.#blockSize === 0) {
      if (bits.take(24) !== 0x425a68) throw new Error('no stream follows');
      const size = bits.take(8) - 0x30;
      if (size < 1 || size > 9) throw new Error('a block has no such size');
      this.#blockSize = size * 100_000;
    }
    const mark = bits.take(24) * 2 ** 24 + bits.take(24);
    if (mark === blockMark) {
      const decoder = this.#block ?? new Block(this.#blockSize);
      this.#block = decoder.size < this.#blockSize ? new Block(this.#blockSize) : decoder;
      this.#block.decode(bits);
      return;
    }
    if (mark !== endMark) throw new Error('no block follows');
    bits.take(32);
    bits.align();
    this.#blockSize = 0;
    if (bits.isAtEnd) this.#isEnd = true;
  }
}

/** Bits, the highest first, of input that is in memory. Behind its end come zeros. */
class BitReader {
  readonly #bytes = new Uint8Array(mostInput * 2);
  #at = 0;
  #length = 0;
  #isInputEnd = false;
  #bits = 0;
  #count = 0;

  /** More was taken than there is. */
  get isOver(): boolean {
    return this.#at - (this.#count >> 3) > this.#length;
  }

  get isAtEnd(): boolean {
    return this.#isInputEnd && this.#at - (this.#count >> 3) >= this.#length;
  }

  /** Makes sure that a whole block is there, or the end. */
  fill(source: ByteSource): Promise<void> | undefined {
    if (this.#isInputEnd || this.#length - this.#at >= mostInput) return undefined;
    // Bits that were looked at and not taken are in `#bits`; the bytes they came from are passed.
    const from = Math.min(this.#at, this.#length);
    this.#bytes.copyWithin(0, from, this.#length);
    this.#length -= from;
    this.#at -= from;
    while (this.#length < mostInput) {
      const got = source.read(this.#bytes.subarray(this.#length));
      if (typeof got !== 'number') return this.#fillLater(got, source);
      this.#took(got);
      if (got === 0) break;
    }
    return undefined;
  }

  async #fillLater(waiting: Promise<number>, source: ByteSource): Promise<void> {
    this.#took(await waiting);
    while (this.#length < mostInput && !this.#isInputEnd) this.#took(await source.read(this.#bytes.subarray(this.#length)));
  }

  #took(length: number): void {
    this.#length += length;
    if (length === 0) this.#isInputEnd = true;
  }

  /** 24 bits at most; of a number of more the high ones first. */
  take(count: number): number {
    if (count > 24) return this.take(count - 16) * 65_536 + this.take(16);
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }

  /** The next bits, at most 24, which stay. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#bits = (this.#bits << 8) | (this.#at < this.#length ? (this.#bytes[this.#at] ?? 0) : 0);
      this.#at += 1;
      this.#count += 8;
    }
    return (this.#bits >>> (this.#count - count)) & ((1 << count) - 1);
  }

  drop(count: number): void {
    this.#count -= count;
  }

  align(): void {
    this.#count -= this.#count % 8;
  }
}

/** Room for one block, used again for the next one. Of a block whose checksum is wrong nothing is given out. */
class Block {
  readonly size: number;
  readonly #text: Uint32Array;
  readonly #bytes: Uint8Array;
  #length = 0;
  #done = 0;
  // Run lengths: four alike are followed by a count.
  #last = 0;
  #alike = 0;
  #repeat = 0;

  constructor(size: number) {
    this.size = size;
    this.#text = new Uint32Array(size);
    this.#bytes = new Uint8Array(size);
  }

  decode(bits: BitReader): void {
    const expected = bits.take(32);
    if (bits.take(1) === 1) throw new Error('it was made by a bzip2 before 0.9.5');
    const origin = bits.take(24);
    const counts = new Uint32Array(257);
    this.#length = 0;
    this.#done = 0;
    const length = decodeText(bits, this.#text, this.size, counts);
    if (bits.isOver) throw new Error('unexpected end');
    if (origin >= length) throw new Error('the transform has no such start');
    this.#untransform(counts, length, origin);
    if (checksumOf(this.#bytes, length) !== expected) throw new Error('a checksum is wrong');
    this.#length = length;
    this.#alike = 0;
    this.#repeat = 0;
  }

  /** Puts into the high 24 bits of each place the place of the byte that follows it, and goes from one to the next. */
  #untransform(counts: Uint32Array, length: number, origin: number): void {
    const text = this.#text;
    let sum = 0;
    for (let value = 0; value < 256; value += 1) {
      const count = counts[value] ?? 0;
      counts[value] = sum;
      sum += count;
    }
    for (let at = 0; at < length; at += 1) {
      const value = (text[at] ?? 0) & 0xff;
      const to = counts[value] ?? 0;
      counts[value] = to + 1;
      text[to] = ((text[to] ?? 0) & 0xff) | (at << 8);
    }
    let place = (text[origin] ?? 0) >>> 8;
    for (let at = 0; at < length; at += 1) {
      const entry = text[place] ?? 0;
      this.#bytes[at] = entry & 0xff;
      place = entry >>> 8;
    }
  }

  give(into: Uint8Array): number {
    const bytes = this.#bytes;
    let at = 0;
    while (at < into.length) {
      if (this.#repeat > 0) {
        const until = Math.min(into.length, at + this.#repeat);
        into.fill(this.#last, at, until);
        this.#repeat -= until - at;
        at = until;
        continue;
      }
      if (this.#done === this.#length) break;
      const value = bytes[this.#done] ?? 0;
      this.#done += 1;
      if (this.#alike === 4) {
        this.#repeat = value;
        // What follows starts a new run, even with the same byte.
        this.#alike = 0;
        continue;
      }
      this.#alike = value === this.#last && this.#alike > 0 ? this.#alike + 1 : 1;
      this.#last = value;
      into[at] = value;
      at += 1;
    }
    return at;
  }
}

/** Of the text that run lengths stand for. */
function checksumOf(bytes: Uint8Array, length: number): number {
  let crc = -1;
  let last = 0;
  let alike = 0;
  for (let at = 0; at < length; at += 1) {
    const value = bytes[at] ?? 0;
    let times = 1;
    if (alike === 4) {
      times = value;
      alike = 0;
    } else {
      alike = value === last && alike > 0 ? alike + 1 : 1;
      last = value;
    }
    for (; times > 0; times -= 1) crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ last) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

/** Undoes Huffman codes, zero runs and move-to-front. Gives the length and, in `counts`, how often each byte is there. */
function decodeText(bits: BitReader, text: Uint32Array, size: number, counts: Uint32Array): number {
  const front = usedBytes(bits);
  const symbols = front.length + 2;
  const tableCount = bits.take(3);
  const selectorCount = bits.take(15);
  if (front.length === 0 || tableCount < 2 || tableCount > 6 || selectorCount === 0) throw new Error('a table is not possible');
  const selectors = readSelectors(bits, selectorCount, tableCount);
  const tables = Array.from({ length: tableCount }, () => readTable(bits, symbols));
  const end = symbols - 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; ; group += 1) {
    const table = tables[selectors[group] ?? -1];
    if (table === undefined || bits.isOver) throw new Error('a block does not end');
    for (let step = 0; step < groupSize; step += 1) {
      const symbol = table.next(bits);
      if (symbol <= 1) {
        run += weight << symbol;
        weight <<= 1;
        if (run > size) throw new Error('a block is too long');
        continue;
      }
      if (run > 0) {
        const value = front[0] ?? 0;
        if (length + run > size) throw new Error('a block is too long');
        text.fill(value, length, length + run);
        counts[value] = (counts[value] ?? 0) + run;
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) return length;
      if (length === size) throw new Error('a block is too long');
      const value = front[symbol - 1] ?? 0;
      for (let place = symbol - 1; place > 0; place -= 1) front[place] = front[place - 1] ?? 0;
      front[0] = value;
      text[length] = value;
      counts[value] = (counts[value] ?? 0) + 1;
      length += 1;
    }
  }
}

function usedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const groups = bits.take(16);
  for (let group = 0; group < 16; group += 1) {
    if ((groups & (0x8000 >>> group)) === 0) continue;
    const members = bits.take(16);
    for (let member = 0; member < 16; member += 1) if ((members & (0x8000 >>> member)) !== 0) used.push(group * 16 + member);
  }
  return Uint8Array.from(used);
}

function readSelectors(bits: BitReader, count: number, tableCount: number): Uint8Array {
  const order = Uint8Array.from({ length: tableCount }, (_, index) => index);
  const selectors = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) {
    let place = 0;
    while (bits.take(1) === 1) {
      place += 1;
      if (place >= tableCount) throw new Error('a table is not possible');
    }
    const value = order[place] ?? 0;
    order.copyWithin(1, 0, place);
    order[0] = value;
    selectors[at] = value;
  }
  return selectors;
}

function readTable(bits: BitReader, symbols: number): CodeTable {
  const lengths = new Uint8Array(symbols);
  let length = bits.take(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > longestCode || bits.isOver) throw new Error('a code is not possible');
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new CodeTable(lengths);
}

/** Canonical Huffman codes: of each length the codes follow each other. Short ones are looked up at once. */
class CodeTable {
  readonly #symbols: Uint16Array;
  readonly #last = new Int32Array(longestCode + 2).fill(-1);
  readonly #offset = new Int32Array(longestCode + 2);
  /** By the next bits: the symbol and, below it, the length of its code; 0 where it is longer. */
  readonly #short = new Uint16Array(1 << shortCode);

  constructor(lengths: Uint8Array) {
    const order: number[] = [];
    let code = 0;
    for (let length = 1; length <= longestCode; length += 1) {
      code <<= 1;
      this.#offset[length] = order.length - code;
      for (const [symbol, its] of lengths.entries()) {
        if (its !== length) continue;
        order.push(symbol);
        const room = shortCode - length;
        if (room >= 0) this.#short.fill((symbol << 5) | length, code << room, (code + 1) << room);
        code += 1;
      }
      this.#last[length] = code - 1;
    }
    this.#symbols = Uint16Array.from(order);
  }

  next(bits: BitReader): number {
    const short = this.#short[bits.peek(shortCode)] ?? 0;
    if (short !== 0) {
      bits.drop(short & 31);
      return short >> 5;
    }
    let code = bits.take(shortCode);
    for (let length = shortCode + 1; length <= longestCode; length += 1) {
      code = (code << 1) | bits.take(1);
      if (code > (this.#last[length] ?? -1)) continue;
      const symbol = this.#symbols[code + (this.#offset[length] ?? 0)];
      if (symbol !== undefined) return symbol;
      break;
    }
    throw new Error('a code is not possible');
  }
}

const crcTable = Int32Array.from({ length: 256 }, (_, value) => {
  let crc = value << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
