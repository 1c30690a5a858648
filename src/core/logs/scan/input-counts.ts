import type { InputCount } from './roll-up.ts';
import { compare, earlier, later, LowestLines } from './samples.ts';

const numbers = ['bytes', 'lines', 'outside', 'continued', 'misfits', 'tooLong'] as const;

/** What is counted by input and has no series. */
export type InputNumbers = Readonly<Record<(typeof numbers)[number], number>>;

interface Counts {
  readonly sums: Record<(typeof numbers)[number], number>;
  readonly formats: Map<string, number>;
  readonly misfits: LowestLines;
  firstMs: number;
  lastMs: number;
}

/** What was read, by input. */
export class InputCounts {
  readonly #mostMisfits: number;
  readonly #byPath = new Map<string, Counts>();

  constructor(mostMisfits: number) {
    this.#mostMisfits = mostMisfits;
  }

  add(input: InputCount): void {
    this.addNumbers(input.path, input);
    for (const { id, lines } of input.formats) this.addLines(input.path, id, lines);
    for (const { hash, text, offset } of input.misfitSamples) this.misfits(input.path).add(hash, text, offset);
    this.addTimes(input.path, input.firstMs ?? Number.NaN, input.lastMs ?? Number.NaN);
  }

  addNumbers(path: string, input: InputNumbers): void {
    const { sums } = this.#of(path);
    for (const name of numbers) sums[name] += input[name];
  }

  addLines(path: string, format: string, lines: number): void {
    const { formats } = this.#of(path);
    formats.set(format, (formats.get(format) ?? 0) + lines);
  }

  addTimes(path: string, firstMs: number, lastMs: number): void {
    const counts = this.#of(path);
    counts.firstMs = earlier(counts.firstMs, firstMs);
    counts.lastMs = later(counts.lastMs, lastMs);
  }

  misfits(path: string): LowestLines {
    return this.#of(path).misfits;
  }

  list(): readonly InputCount[] {
    return [...this.#byPath]
      .sort((a, b) => compare(a[0], b[0]))
      .map(([path, { sums, formats, misfits, firstMs, lastMs }]) => ({
        path,
        ...sums,
        formats: [...formats].sort((a, b) => compare(a[0], b[0])).map(([id, lines]) => ({ id, lines })),
        misfitSamples: misfits.list(),
        ...(!Number.isNaN(firstMs) && { firstMs }),
        ...(!Number.isNaN(lastMs) && { lastMs }),
      }));
  }

  #of(path: string): Counts {
    let counts = this.#byPath.get(path);
    if (counts === undefined) {
      const sums = { bytes: 0, lines: 0, outside: 0, continued: 0, misfits: 0, tooLong: 0 };
      counts = { sums, formats: new Map(), misfits: new LowestLines(this.#mostMisfits), firstMs: Number.NaN, lastMs: Number.NaN };
      this.#byPath.set(path, counts);
    }
    return counts;
  }
}
