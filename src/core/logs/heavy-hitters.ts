/**
 * Keeps the names that stand for most of a stream, in bounded memory (Misra and Gries, 1982): a name with more than 1 / (limit + 1)
 * of all is never lost, and each count is too low by at most that share.
 */
export class HeavyHitters {
  readonly #counts = new Map<string, number>();
  readonly #limit: number;

  constructor(limit = 16) {
    this.#limit = limit;
  }

  add(name: string): void {
    const count = this.#counts.get(name);
    if (count !== undefined) this.#counts.set(name, count + 1);
    else if (this.#counts.size < this.#limit) this.#counts.set(name, 1);
    else this.#takeOneOfEach();
  }

  /** The names with what is left of their counts, the largest first. */
  list(): readonly { readonly key: string; readonly count: number }[] {
    return [...this.#counts].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count);
  }

  // Each call undoes as many additions as there are names, so that all calls together cost no more than the additions.
  #takeOneOfEach(): void {
    for (const [name, count] of this.#counts) {
      if (count === 1) this.#counts.delete(name);
      else this.#counts.set(name, count - 1);
    }
  }
}
