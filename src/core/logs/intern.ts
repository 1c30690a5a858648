/** Names of the parts of lines (hosts, methods, peers, URL templates) without making a string of each. */

export interface Counted {
  readonly key: string;
  total: number;
  failed: number;
}

const restKey = '(other)';
const slash = 0x2f;
const question = 0x3f;
const blank = 0x20;

/**
 * Counts by a name that is made from bytes once for each distinct text. Texts are told apart by 53 bits of two hashes:
 * two that collide would be counted together, which no conclusion hangs on. Names beyond the limit are counted as `(other)`.
 */
export class CountTable {
  readonly #byHash = new Map<number, Counted>();
  readonly #byKey = new Map<string, Counted>();
  // Most lines name the same host, method and peer as the line before.
  #lastHash = Number.NaN;
  #last: Counted | undefined;
  readonly #limit: number;
  readonly #isPath: boolean;
  readonly #nameOf: (bytes: Uint8Array, start: number, end: number) => string;

  /** With `isPath` the text ends at `?` or a blank, and path segments of digits alone count as one. */
  constructor(limit: number, isPath: boolean, nameOf: (bytes: Uint8Array, start: number, end: number) => string) {
    this.#limit = limit;
    this.#isPath = isPath;
    this.#nameOf = nameOf;
  }

  find(bytes: Uint8Array, start: number, end: number): Counted {
    const hash = this.#isPath ? hashPath(bytes, start, end) : hashBytes(bytes, start, end);
    if (hash === this.#lastHash && this.#last !== undefined) return this.#last;
    const entry = this.#byHash.get(hash) ?? this.#learn(hash, bytes, start, end);
    this.#lastHash = hash;
    this.#last = entry;
    return entry;
  }

  #learn(hash: number, bytes: Uint8Array, start: number, end: number): Counted {
    // Where the table of hashes is full, texts never seen before are no longer looked at.
    if (this.#byHash.size >= this.#limit * 16) return this.#entry(restKey);
    const key = this.#nameOf(bytes, start, end);
    const entry = this.#entry(this.#byKey.size < this.#limit || this.#byKey.has(key) ? key : restKey);
    this.#byHash.set(hash, entry);
    return entry;
  }

  /** The names counted, the most failing first. */
  list(): readonly Counted[] {
    return [...this.#byKey.values()].filter(one => one.total > 0).sort((a, b) => b.failed - a.failed || b.total - a.total);
  }

  #entry(key: string): Counted {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const entry: Counted = { key, total: 0, failed: 0 };
    this.#byKey.set(key, entry);
    return entry;
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x811c9dc5;
  let b = 5381;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = (Math.imul(b, 33) + byte) | 0;
  }
  return (a >>> 0) * 0x200000 + (b & 0x1fffff);
}

function hashPath(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x811c9dc5;
  let b = 5381;
  let segmentA = a;
  let segmentB = b;
  let digits = 0;
  let length = 0;
  for (let at = start; at <= end; at += 1) {
    const byte = at < end ? (bytes[at] ?? 0) : question;
    const stops = byte === question || byte === blank;
    if (byte === slash || stops) {
      if (digits === length && length > 0) {
        a = Math.imul(segmentA ^ 0x1f, 0x01000193);
        b = (Math.imul(segmentB, 33) + 0x1f) | 0;
      }
      if (stops) break;
    }
    a = Math.imul(a ^ byte, 0x01000193);
    b = (Math.imul(b, 33) + byte) | 0;
    if (byte === slash) {
      segmentA = a;
      segmentB = b;
      digits = 0;
      length = 0;
    } else {
      length += 1;
      if (byte >= 48 && byte <= 57) digits += 1;
    }
  }
  return (a >>> 0) * 0x200000 + (b & 0x1fffff);
}
