import { formatOfText, formatsByName, headBytes, knownFormats, parseLogFormats, recognise, type LogZone } from '../../core/logs/formats/index.ts';
import type { LogFormat } from '../../core/logs/scan/format.ts';
import { LineWalk } from '../../core/logs/scan/interpreter.ts';
import { compilePlan } from '../../core/logs/scan/program.ts';
import type { ScanTask } from '../../core/logs/scan/scanner.ts';

/** Which formats there are to choose from. It can be sent to another thread, which makes the same formats of it. */
export interface FormatSpec {
  /**
   * Of `formatNames()`: then these are taken for every input that has a line of one of them, with what is defined below. Other inputs are
   * recognised: an error log stands beside an access log whose format was named.
   */
  readonly names: readonly string[];
  readonly definitions: readonly { readonly name: string; readonly text: string; readonly escape?: 'default' | 'json' | 'none' }[];
  /** Texts of configurations of nginx or Apache that define formats. */
  readonly configurations: readonly string[];
}

export const anyFormat: FormatSpec = { names: [], definitions: [], configurations: [] };

// Enough to know a format that was named.
const firstBytes = 12_288;

/** Chooses the candidates for an input by what its lines look like. */
export class FormatChooser {
  readonly #defined: readonly LogFormat[];
  readonly #named: readonly LogFormat[];
  readonly #all: readonly LogFormat[];
  readonly #again = new Map<string, readonly LogFormat[]>();

  constructor(spec: FormatSpec) {
    this.#defined = [
      ...spec.configurations.flatMap(text => parseLogFormats(text)),
      ...spec.definitions.map(({ name, text, escape }) => formatOfText(name, text, escape)),
    ];
    this.#named = spec.names.flatMap(name => formatsByName(name));
    this.#all = [...this.#defined, ...knownFormats()];
  }

  /** In the order in which they are to be tried. `samples` are pieces of the input that start at a line, the first at its start. */
  choose(samples: readonly Uint8Array[]): readonly LogFormat[] {
    const given = [...this.#named, ...this.#defined];
    if (this.#named.length === 0) return chosenOf(samples, this.#all);
    const found = chosenOf(samples, this.#all);
    const isGiven = found.length === 0 || samples.some(sample => recognise(sample.subarray(0, firstBytes), given).length > 0);
    return isGiven ? given : found;
  }

  /** Those that are not known by their ids alone, but by the samples that they were chosen by. */
  samplesFor(formats: readonly LogFormat[], samples: readonly Uint8Array[]): readonly Uint8Array[] {
    const known = this.#byIds(formats.map(({ id }) => id));
    return known?.length === formats.length && known.every((format, index) => format === formats[index]) ? [] : samples;
  }

  /** What was chosen before by these samples, with much less work; the ids say what it was. */
  chooseAgain(samples: readonly Uint8Array[], ids: readonly string[]): readonly LogFormat[] {
    const key = ids.join(' ');
    const known = this.#again.get(key);
    if (known !== undefined) return known;
    // What was guessed, or stands behind a header, is not among those that have a name, but what it was made of is.
    let formats = this.#byIds(ids) ?? chosenOf(samples, this.#basesOf(ids));
    if (!this.#isGiven(ids) && formats.map(({ id }) => id).join(' ') !== key) formats = this.choose(samples);
    this.#again.set(key, formats);
    return formats;
  }

  /** Undefined where the ids do not say all of it. */
  #byIds(ids: readonly string[]): readonly LogFormat[] | undefined {
    if (this.#isGiven(ids)) return [...this.#named, ...this.#defined];
    const bases = this.#basesOf(ids);
    // Two configurations may define formats of one name.
    const isNamed = bases.length === ids.length && bases.every(({ id }) => ids.includes(id));
    return isNamed ? ids.flatMap(one => bases.find(({ id }) => id === one) ?? []) : undefined;
  }

  #isGiven(ids: readonly string[]): boolean {
    return this.#named.length > 0 && ids.every(id => this.#named.some(format => format.id === id) || this.#defined.some(format => format.id === id));
  }

  #basesOf(ids: readonly string[]): readonly LogFormat[] {
    return this.#all.filter(({ id }) => ids.some(one => one === id || one.startsWith(`${id}+`)));
  }
}

function chosenOf(samples: readonly Uint8Array[], all: readonly LogFormat[]): readonly LogFormat[] {
  const chosen = new Map<string, LogFormat>();
  for (const sample of samples) {
    // What was guessed from one sample is not guessed otherwise from the next.
    const candidates = [...chosen.values(), ...all.filter(({ id }) => !chosen.has(id))];
    for (const { format } of recognise(sample.subarray(0, headBytes), candidates)) if (!chosen.has(format.id)) chosen.set(format.id, format);
  }
  return [...chosen.values()];
}

export type { LogZone };

/** What a line is, without counting it. */
export class LineReader {
  readonly #walks: readonly LineWalk[];

  constructor(formats: readonly LogFormat[], hourMs: ScanTask['hourMs']) {
    this.#walks = formats.map(format => new LineWalk(compilePlan(format), hourMs));
  }

  /** Whether [from, to) of the bytes, a line without its end, is one of these formats. */
  fits(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#walkOf(bytes, from, to) !== undefined;
  }

  /** NaN where it has none. */
  timeMs(bytes: Uint8Array, from: number, to: number): number {
    const timeMs = this.#walkOf(bytes, from, to)?.timeMs ?? -1;
    return timeMs === -1 ? Number.NaN : timeMs;
  }

  #walkOf(bytes: Uint8Array, from: number, end: number): LineWalk | undefined {
    const to = end > from && bytes[end - 1] === 13 ? end - 1 : end;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return to === from ? undefined : this.#walks.find(walk => walk.fits(bytes, view, from, to));
  }
}
