import type { SampledLine, SampleSet } from './roll-up.ts';

/** Bytes of a line that are kept. */
export const sampleBytes = 4096;
/** Bytes of a line that fits no format. */
export const misfitBytes = 512;

/** The lines with the lowest hashes, by a threshold that is halved until no more than `most` different lines are left. */
export class SampleStore {
  /** Lines whose hash is below it are wanted. */
  below = 2 ** 32;
  readonly #most: number;
  readonly #lines = new Map<number, SampledLine[]>();
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(line: SampledLine): void {
    if (line.hash >= this.below) return;
    const alike = this.#lines.get(line.hash);
    const place = alike?.findIndex(kept => kept.text === line.text && kept.format === line.format) ?? -1;
    const same = alike?.[place];
    if (alike !== undefined && same !== undefined) {
      alike[place] = joined(same, line);
      return;
    }
    if (alike === undefined) this.#lines.set(line.hash, [line]);
    else alike.push(line);
    this.#size += 1;
    while (this.#size > this.#most) this.lower(Math.floor(this.below / 2));
  }

  lower(below: number): void {
    if (below >= this.below) return;
    this.below = below;
    for (const [hash, lines] of this.#lines) {
      if (hash < below) continue;
      this.#lines.delete(hash);
      this.#size -= lines.length;
    }
  }

  set(): SampleSet {
    const lines = [...this.#lines.values()].flat().sort((a, b) => a.hash - b.hash || compare(a.format, b.format) || compare(a.text, b.text));
    return { threshold: this.below, lines };
  }

  /** The same in any order. */
  part(): SampleSet {
    return { threshold: this.below, lines: [...this.#lines.values()].flat() };
  }
}

/** The first of the same lines is the one with the lower path, and of that the lower offset, so that it hangs on no order. */
function joined(kept: SampledLine, line: SampledLine): SampledLine {
  const isFirst = line.path < kept.path || (line.path === kept.path && line.offset < kept.offset);
  const { path, offset } = isFirst ? line : kept;
  return { ...kept, count: kept.count + line.count, timeMs: earlier(kept.timeMs, line.timeMs), path, offset };
}

/** The lines with the lowest hashes, at most `most`. */
export class LowestLines {
  readonly #most: number;
  #lines: { readonly hash: number; readonly text: string; readonly offset: number }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Lines whose hash is this or below it are wanted. */
  get upTo(): number {
    return this.#lines.length < this.#most ? 2 ** 32 : (this.#lines.at(-1)?.hash ?? -1);
  }

  add(hash: number, text: string, offset: number): void {
    const same = this.#lines.findIndex(line => line.hash === hash);
    const other = this.#lines[same];
    if (other !== undefined) {
      if (offset < other.offset || (offset === other.offset && text < other.text)) this.#lines[same] = { hash, text, offset };
      return;
    }
    this.#lines = [...this.#lines, { hash, text, offset }].sort((a, b) => a.hash - b.hash).slice(0, this.#most);
  }

  list(): readonly { readonly hash: number; readonly text: string; readonly offset: number }[] {
    return [...this.#lines];
  }
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NaN is no time. */
export function earlier(a: number, b: number): number {
  return Number.isNaN(a) || b < a ? b : a;
}

export function later(a: number, b: number): number {
  return Number.isNaN(a) || b > a ? b : a;
}
