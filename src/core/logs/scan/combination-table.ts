import type { KeyPacker } from './packed-keys.ts';

const free = -1;

/** Finds the number of a combination by format and packed keys. Texts are compared, so that a hash in common joins nothing. */
export class CombinationTable {
  #places = new Int32Array(1024).fill(free);
  #hashes = new Int32Array(512);
  #starts = new Int32Array(513);
  #bytes = new Uint8Array(1 << 14);
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
    const end = start + keys.length;
    if (number + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts, new Int32Array(this.#starts.length * 2));
      this.#hashes = grown(this.#hashes, new Int32Array(this.#hashes.length * 2));
    }
    while (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(this.#bytes.length * 2));
    this.#bytes.set(keys.bytes.subarray(0, keys.length), start);
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
    const bytes = this.#bytes;
    const start = this.#starts[number] ?? 0;
    if ((this.#starts[number + 1] ?? 0) - start !== keys.length) return false;
    const wanted = keys.bytes;
    for (let index = 0; index < keys.length; index += 1) if (bytes[start + index] !== wanted[index]) return false;
    return true;
  }
}

function grown<T extends Int32Array | Uint8Array>(old: T, wider: T): T {
  wider.set(old);
  return wider;
}
