/** Counts by size, two to an octave: `2 * log2(bytes)`. */

const places = 64;

/** The place of a size among the counts. */
export function placeOf(bytes: number): number {
  return bytes < 1 ? 0 : Math.min(places - 1, Math.floor(2 * Math.log2(bytes)));
}

/** Counts of sizes by a name; as many names as its user has. */
export class SizeCounter<K> {
  readonly #counts = new Map<K, Uint32Array>();

  add(name: K, bytes: number): void {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = new Uint32Array(places);
      this.#counts.set(name, counts);
    }
    const place = placeOf(bytes);
    counts[place] = (counts[place] ?? 0) + 1;
  }

  get(name: K): readonly number[] | undefined {
    const counts = this.#counts.get(name);
    return counts === undefined ? undefined : [...counts];
  }

  entries(): readonly (readonly [K, readonly number[]])[] {
    return [...this.#counts].map(([name, counts]) => [name, [...counts]] as const);
  }
}

/** Two rows of counts as one. */
export function addSizes(a: readonly number[] = [], b: readonly number[] = []): readonly number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));
}
