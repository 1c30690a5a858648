/**
 * The lines that Docker's `json-file` driver wrote down (moby, `daemon/logger/jsonfilelog`), as the program printed them. A line of more than
 * 16 KiB stands in several records, of which the last has the newline.
 *
 *     {"log":"192.0.2.7 - - [21/Nov/2026:01:55:14 +0000] \"GET / HTTP/1.1\" 502 157\n","stream":"stdout","time":"2026-11-21T01:55:14.1Z"}
 */
import type { ByteSource } from './source.ts';

const chunkBytes = 65_536;
const newline = 0x0a;
const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;
const letterU = 0x75;
/** A record's start is shorter, with a blank behind each sign too. */
const heldBytes = 16;
/** Before the text; blanks may stand between. */
const start = Buffer.from('{"log":"');
/** By the letter behind the backslash; any other byte stands for itself. */
const escapes: ReadonlyMap<number, number> = new Map([
  [0x6e, newline],
  [0x74, 0x09],
  [0x72, 0x0d],
  [0x62, 0x08],
  [0x66, 0x0c],
]);

/** Whether a log is of this kind, by its first bytes: of a record that is longer than these, only how it begins is seen. */
export function isContainerLog(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 65_536)).toString('latin1');
  const end = text.indexOf('\n');
  if (!/^\{ ?"log" ?: ?"/u.test(text)) return false;
  if (end === -1) return true;
  try {
    const record = JSON.parse(text.slice(0, end)) as Readonly<Record<string, unknown>>;
    return typeof record['time'] === 'string' && (record['stream'] === 'stdout' || record['stream'] === 'stderr');
  } catch {
    return false;
  }
}

type State = 'start' | 'text' | 'escape' | 'code' | 'rest' | 'other';

/** Lines that are no such records are given as they are. In linear time, with the memory of a chunk. */
export class ContainerLines implements ByteSource {
  readonly #inner: ByteSource;
  readonly #chunk = new Uint8Array(chunkBytes);
  /** What the chunk became: no more than it was, and what was held back of a line's start. */
  readonly #text = new Uint8Array(chunkBytes + heldBytes);
  #given = 0;
  #length = 0;
  #state: State = 'start';
  /** Bytes of a line's start that are held back, as it may be no record. */
  readonly #held: number[] = [];
  #matched = 0;
  #code = '';
  /** The first half of a character. */
  #high = 0;

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get consumed(): number {
    return this.#inner.consumed;
  }

  get problems(): readonly string[] {
    return this.#inner.problems;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#given === this.#length) {
      const got = await this.#inner.read(this.#chunk);
      this.#given = 0;
      this.#length = 0;
      for (let at = 0; at < got; at += 1) this.#take(this.#chunk[at] ?? 0);
      if (got > 0) continue;
      this.#giveHeld();
      if (this.#length === 0) return 0;
    }
    const part = this.#text.subarray(this.#given, Math.min(this.#length, this.#given + into.length));
    into.set(part);
    this.#given += part.length;
    return part.length;
  }

  close(): void {
    this.#inner.close();
  }

  #take(byte: number): void {
    switch (this.#state) {
      case 'start':
        return this.#begin(byte);
      case 'text':
        if (byte === backslash) this.#state = 'escape';
        else if (byte === quote) this.#state = 'rest';
        else if (byte === newline) this.#state = 'start';
        else this.#put(byte);
        return;
      case 'escape':
        this.#state = byte === letterU ? 'code' : 'text';
        this.#code = '';
        if (byte !== letterU) this.#put(escapes.get(byte) ?? byte);
        return;
      case 'code':
        this.#code += String.fromCharCode(byte);
        if (this.#code.length === 4) this.#character();
        return;
      case 'rest':
        if (byte === newline) this.#state = 'start';
        return;
      case 'other':
        if (byte === newline) this.#state = 'start';
        this.#put(byte);
    }
  }

  #begin(byte: number): void {
    this.#held.push(byte);
    if (byte === start[this.#matched]) this.#matched += 1;
    else if (byte !== space || this.#held.length >= heldBytes) {
      this.#state = byte === newline ? 'start' : 'other';
      return this.#giveHeld();
    }
    if (this.#matched < start.length) return;
    this.#held.length = 0;
    this.#matched = 0;
    this.#high = 0;
    this.#state = 'text';
  }

  /** One that was written as `\u003c`, or half of one. */
  #character(): void {
    this.#state = 'text';
    const unit = /^[0-9a-fA-F]{4}$/u.test(this.#code) ? Number.parseInt(this.#code, 16) : 0xfffd;
    const isHigh = unit >= 0xd800 && unit < 0xdc00;
    const text = isHigh ? '' : this.#high === 0 ? String.fromCharCode(unit) : String.fromCharCode(this.#high, unit);
    this.#high = isHigh ? unit : 0;
    for (const byte of Buffer.from(text)) this.#put(byte);
  }

  #giveHeld(): void {
    for (const byte of this.#held) this.#put(byte);
    this.#held.length = 0;
    this.#matched = 0;
  }

  #put(byte: number): void {
    this.#text[this.#length] = byte;
    this.#length += 1;
  }
}
