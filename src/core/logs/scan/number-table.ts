const smallest = 64;
const free = -1;

/** Sums by whole numbers from 0 up to 2^53, in two flat arrays: a map that takes 32 bytes an entry at most and makes no garbage. */
export class NumberTable {
  #keys = new Float64Array(smallest).fill(free);
  #values = new Float64Array(smallest);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds to the sum of a key; true where the key is new. Sums stay below 2^53. */
  add(key: number, value: number): boolean {
    const at = this.#place(key);
    const isNew = this.#keys[at] === free;
    if (isNew) {
      this.#keys[at] = key;
      this.#size += 1;
    }
    this.#values[at] = Math.min(Number.MAX_SAFE_INTEGER, (this.#values[at] ?? 0) + value);
    if (this.#size * 2 > this.#keys.length) this.#move(this.#keys.length * 2, same => same);
    return isNew;
  }

  get(key: number): number {
    return this.#values[this.#place(key)] ?? 0;
  }

  /** Keys in ascending order. */
  sortedKeys(): Float64Array {
    return this.#keys.filter(key => key !== free).sort();
  }

  /** Gives each entry another key; sums whose keys become the same are added. */
  rename(keyOf: (key: number) => number): void {
    this.#move(this.#keys.length, keyOf);
  }

  #move(length: number, keyOf: (key: number) => number): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(length).fill(free);
    this.#values = new Float64Array(length);
    this.#size = 0;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] ?? free;
      if (key !== free) this.add(keyOf(key), values[at] ?? 0);
    }
  }

  /** Where the key stands, or would. */
  #place(key: number): number {
    const mask = this.#keys.length - 1;
    let hash = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let at = (hash ^ (hash >>> 13)) & mask;
    while (this.#keys[at] !== free && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }
}
