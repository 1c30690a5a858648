/**
 * JSON that is no line a record, as lines: the blobs of Azure's storage (`{"records":[…]}`), lists that command-line tools print
 * (`[{…}]`, `{"value":[…]}`), and objects that were laid out for people. Each record becomes one line, without blanks.
 *
 *     {
 *       "records": [
 *         { "time": "2021-10-14T22:17:11+00:00", "properties": { "httpStatus": 502 } },
 */
import type { ByteSource } from './source.ts';

const newline = 0x0a;
const quote = 0x22;
const backslash = 0x5c;
const chunkBytes = 65_536;
const starts: readonly (readonly [level: number, pattern: RegExp])[] = [
  [2, /^\{\s{0,400}"(?:records|Records|value)"\s{0,40}:\s{0,40}\[\s{0,400}\{/u],
  [1, /^\[\s{0,400}\{\s{0,400}"/u],
  [0, /^\{[ \t\r]{0,40}\n\s{0,400}"/u],
];

/** How deep in brackets the records of a document lie, by its first bytes; undefined where each line is one, or it is no JSON. */
export function recordLevel(head: Uint8Array): number | undefined {
  const text = Buffer.from(head.subarray(0, 2048)).toString('latin1');
  const start = text.replace(/^(?:\u00EF\u00BB\u00BF)?\s{0,400}/u, '');
  return starts.find(([, pattern]) => pattern.test(start))?.[0];
}

/** The records at this level, one a line. In linear time, with the memory of a chunk; what stands between records is passed over. */
export class RecordLines implements ByteSource {
  readonly #inner: ByteSource;
  readonly #level: number;
  readonly #chunk = new Uint8Array(chunkBytes);
  #at = 0;
  #end = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #endsLine = false;

  constructor(inner: ByteSource, level: number) {
    this.#inner = inner;
    this.#level = level;
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return this.#inner.problems;
  }

  read(into: Uint8Array): number | Promise<number> {
    for (;;) {
      const given = this.#give(into);
      if (given > 0) return given;
      const got = this.#inner.read(this.#chunk);
      if (typeof got !== 'number') return this.#readLater(got, into);
      if (got === 0) return 0;
      this.#take(got);
    }
  }

  close(): void {
    this.#inner.close();
  }

  async #readLater(first: Promise<number>, into: Uint8Array): Promise<number> {
    for (let got = await first; got > 0; got = await this.#inner.read(this.#chunk)) {
      this.#take(got);
      const given = this.#give(into);
      if (given > 0) return given;
    }
    return 0;
  }

  #take(length: number): void {
    this.#at = 0;
    this.#end = length;
  }

  #give(into: Uint8Array): number {
    let given = 0;
    while (given < into.length) {
      if (this.#endsLine) {
        into[given] = newline;
        given += 1;
        this.#endsLine = false;
      } else if (this.#at === this.#end) break;
      else {
        const byte = this.#chunk[this.#at] ?? 0;
        this.#at += 1;
        if (!this.#isKept(byte)) continue;
        into[given] = byte;
        given += 1;
      }
    }
    return given;
  }

  /** Follows one byte; true where it is a part of a record. */
  #isKept(byte: number): boolean {
    const isInside = this.#depth > this.#level;
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === backslash) this.#isEscaped = true;
      else if (byte === quote) this.#isString = false;
      // A string of JSON holds no newline: one that does would break the line.
      return isInside && byte !== newline;
    }
    if (byte === quote) this.#isString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      this.#depth += 1;
      return isInside || (byte === 0x7b && this.#depth === this.#level + 1);
    } else if (byte === 0x7d || byte === 0x5d) {
      this.#depth = Math.max(0, this.#depth - 1);
      this.#endsLine = isInside && this.#depth === this.#level;
      return isInside;
    }
    return isInside && byte > 0x20;
  }
}
