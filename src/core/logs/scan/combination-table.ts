import type { KeyPacker } from './packed-keys.ts';

const free = -1;

/** Finds the number of a combination by format and packed keys. Texts are compared, so that a hash in common joins nothing. */
export class CombinationTable {
  #places = new Int32Array(1024).fill(free);
  #hashes = new Int32Array(512);
  #starts = new Int32Array(513);
  #words = new Int32Array(1 << 12);
  #lengths = new Int32Array(512);
  #size = 0;

  /** -1 where it is not known. */
  find(format: number, keys: KeyPacker): number {
    const mask = this.#places.length - 1;
    const hash = keys.hash ^ Math.imul(format, 0x9e3779b1);
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const number = this.#places[place] ?? free;
      if (number === free) return free;
      if (this.#hashes[number] === hash && this.#isSame(number, keys)) return number;
    }
  }

  /** Adds one that is not known; its number is that of those before it. */
  add(format: number, keys: KeyPacker): number {
    const number = this.#size;
    const start = this.#starts[number] ?? 0;
    const count = (keys.length + 3) >> 2;
    const end = start + count;
    if (number + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts, new Int32Array(this.#starts.length * 2));
      this.#lengths = grown(this.#lengths, new Int32Array(this.#lengths.length * 2));
      this.#hashes = grown(this.#hashes, new Int32Array(this.#hashes.length * 2));
    }
    while (end > this.#words.length) this.#words = grown(this.#words, new Int32Array(this.#words.length * 2));
    this.#words.set(keys.words.subarray(0, count), start);
    this.#lengths[number] = keys.length;
    this.#starts[number + 1] = end;
    this.#hashes[number] = keys.hash ^ Math.imul(format, 0x9e3779b1);
    this.#size += 1;
    if (this.#size * 2 > this.#places.length) {
      this.#places = new Int32Array(this.#places.length * 2).fill(free);
      for (let each = 0; each < this.#size; each += 1) this.#put(each);
    } else this.#put(number);
    return number;
  }

  clear(): void {
    this.#places.fill(free);
    this.#size = 0;
  }

  #put(number: number): void {
    const mask = this.#places.length - 1;
    let place = (this.#hashes[number] ?? 0) & mask;
    while (this.#places[place] !== free) place = (place + 1) & mask;
    this.#places[place] = number;
  }

  /** The same keys of another format have another hash. */
  #isSame(number: number, keys: KeyPacker): boolean {
    if (this.#lengths[number] !== keys.length) return false;
    const words = this.#words;
    const wanted = keys.words;
    const start = this.#starts[number] ?? 0;
    const count = (keys.length + 3) >> 2;
    for (let index = 0; index < count; index += 1) if (words[start + index] !== wanted[index]) return false;
    return true;
  }
}

function grown(old: Int32Array, wider: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  wider.set(old);
  return wider;
}
