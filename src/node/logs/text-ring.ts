/** A memory that one thread fills with text and another reads: slots that are filled and taken in turns. */

/** As much as is scanned at once. */
export const slotBytes = 1 << 19;
/** What is uncompressed before the rest of the program has started fits into them, and so does the time that a disk may take. */
const slots = 32;

const headBytes = 4096;
const words = { filled: 0, taken: 1, stop: 2 } as const;

export class TextRing {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  /** Of each slot: bytes in it, and bytes of the disk that were read when it was full. */
  readonly #lengths: Int32Array;
  readonly #consumed: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(headBytes + slots * slotBytes)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, 4);
    this.#lengths = new Int32Array(buffer, 64, slots);
    this.#consumed = new Float64Array(buffer, 64 + slots * 4, slots);
  }

  /** The slot to fill, once there is a free one; undefined where no more is wanted. Waits. */
  free(): Uint8Array | undefined {
    const filled = this.#words[words.filled] ?? 0;
    for (;;) {
      if (Atomics.load(this.#words, words.stop) === 1) return undefined;
      const taken = Atomics.load(this.#words, words.taken);
      if (filled - taken < slots) return this.#slot(filled);
      Atomics.wait(this.#words, words.taken, taken);
    }
  }

  /** The free slot holds so many bytes; a negative number: minus one less than the bytes of what is told at the end. */
  fill(length: number, consumed: number): void {
    const slot = (this.#words[words.filled] ?? 0) % slots;
    this.#lengths[slot] = length;
    this.#consumed[slot] = consumed;
    Atomics.add(this.#words, words.filled, 1);
    Atomics.notify(this.#words, words.filled);
  }

  /** Whether there is a full slot, after `waitMs` at most. */
  isFilled(waitMs: number): boolean {
    const taken = this.#words[words.taken] ?? 0;
    if (Atomics.load(this.#words, words.filled) !== taken) return true;
    Atomics.wait(this.#words, words.filled, taken, waitMs);
    return Atomics.load(this.#words, words.filled) !== taken;
  }

  /** The full slot that was not taken yet. */
  full(): { readonly bytes: Uint8Array; readonly length: number; readonly consumed: number } {
    const taken = this.#words[words.taken] ?? 0;
    const slot = taken % slots;
    return { bytes: this.#slot(taken), length: this.#lengths[slot] ?? 0, consumed: this.#consumed[slot] ?? 0 };
  }

  take(): void {
    Atomics.add(this.#words, words.taken, 1);
    Atomics.notify(this.#words, words.taken);
  }

  stop(): void {
    Atomics.store(this.#words, words.stop, 1);
    Atomics.notify(this.#words, words.taken);
  }

  #slot(count: number): Uint8Array {
    return new Uint8Array(this.buffer, headBytes + (count % slots) * slotBytes, slotBytes);
  }
}
