/** Takes the lines of a stream that comes in chunks. */

/** Longest line that is kept; of a longer one only its length is known. */
export const maxLineBytes = 1 << 20;

const newline = 10;

export interface LineSink {
  /** A line without its end, at `offset` of the file; `number` (1-based) where the file was read from its start. */
  line(bytes: Uint8Array, start: number, end: number, offset: number, number: number | undefined): void;
  /** A line longer than `maxLineBytes`. */
  tooLong(offset: number): void;
}

/** Feed it the chunks in order, then `finish`. Lines that lie inside a chunk are handed on without a copy. */
export class LineSplitter {
  readonly #sink: LineSink;
  #carry: Uint8Array[] = [];
  #carried = 0;
  #skipping = false;
  /** Offset of the line that is being gathered. */
  #lineOffset: number;
  #number: number | undefined;

  /** With `skipFirst` the stream starts inside a line, which is left out. */
  constructor(sink: LineSink, offset: number, skipFirst: boolean) {
    this.#sink = sink;
    this.#lineOffset = offset;
    this.#number = offset === 0 ? 1 : undefined;
    this.#skipping = skipFirst;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const end = chunk.indexOf(newline, at);
      if (end === -1) {
        this.#hold(chunk.subarray(at));
        return;
      }
      this.#emit(chunk, at, end);
      at = end + 1;
    }
  }

  /** The last line has no end when the log is being written. */
  finish(): void {
    if (this.#carried > 0 && !this.#skipping) this.#emit(new Uint8Array(0), 0, 0);
  }

  #emit(chunk: Uint8Array, start: number, end: number): void {
    const offset = this.#lineOffset;
    const number = this.#number;
    this.#lineOffset = offset + this.#carried + (end - start) + 1;
    if (number !== undefined) this.#number = number + 1;
    if (this.#skipping) this.#skipping = false;
    else if (this.#carried === 0) this.#sink.line(chunk, start, withoutReturn(chunk, start, end), offset, number);
    else if (this.#carried + end - start > maxLineBytes) this.#sink.tooLong(offset);
    else {
      const whole = join([...this.#carry, chunk.subarray(start, end)]);
      this.#sink.line(whole, 0, withoutReturn(whole, 0, whole.length), offset, number);
    }
    this.#carry = [];
    this.#carried = 0;
  }

  #hold(rest: Uint8Array): void {
    this.#carried += rest.length;
    if (!this.#skipping && this.#carried > maxLineBytes) {
      this.#sink.tooLong(this.#lineOffset);
      this.#skipping = true;
    }
    if (this.#skipping) this.#carry = [];
    else this.#carry.push(rest);
  }
}

function withoutReturn(bytes: Uint8Array, start: number, end: number): number {
  return end > start && bytes[end - 1] === 13 ? end - 1 : end;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
