/** Sampled lines, read: their fields, what they mean, and the group that they belong to. */
import type { FieldRole, FieldUse } from '../scan/plan.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { SampledLine, SampleSet } from '../scan/roll-up.ts';
import { keyOf } from './groups.ts';
import type { LogsInput } from './input.ts';

export interface ReadLine {
  readonly line: SampledLine;
  readonly format: LogFormat;
  readonly values: FieldValues;
  readonly outcome: Outcome;
  /** Of its group; undefined where it did not fail. */
  readonly key: string | undefined;
}

/** A choice of read lines: each line of the log is in it with the same chance. */
export interface ReadSamples {
  /** In the order of their hashes. */
  readonly lines: readonly ReadLine[];
  readonly byKey: ReadonlyMap<string, readonly ReadLine[]>;
  /** Every line is here. */
  readonly isWhole: boolean;
}

const hourMs = 3_600_000;

/** Reading costs microseconds a line: of more lines those with the lowest hashes are read, which is a fair choice too. */
export const mostRead = { failed: 600, good: 400 } as const;

export class SampleReader {
  readonly #formats: ReadonlyMap<string, LogFormat>;
  readonly #input: Pick<LogsInput, 'readFields'>;
  readonly #uses = new Map<LogFormat, readonly KeyUse[]>();
  readonly #outcomes = new Map<string, Outcome>();

  constructor(input: Pick<LogsInput, 'formats' | 'readFields'>) {
    this.#formats = new Map(input.formats.map(format => [format.id, format]));
    this.#input = input;
  }

  readAll(set: SampleSet, most: number): ReadSamples {
    const isWhole = set.threshold >= 2 ** 32 && set.lines.length <= most;
    const byHash = orderOf(set.lines.map(({ hash }) => hash)).subarray(0, most);
    const chosen = Array.from(byHash, place => set.lines[place]).filter(line => line !== undefined);
    const read = chosen.map((): ReadLine | undefined => undefined);
    // Lines of one hour after each other are read faster.
    for (const place of orderOf(chosen.map(({ timeMs }) => Math.floor(timeMs / hourMs) || 0))) {
      const line = chosen[place];
      if (line !== undefined) read[place] = this.#read(line);
    }
    const lines = read.filter(line => line !== undefined);
    const byKey = new Map<string, ReadLine[]>();
    for (const line of lines) {
      if (line.key === undefined) continue;
      const list = byKey.get(line.key);
      if (list === undefined) byKey.set(line.key, [line]);
      else list.push(line);
    }
    return { isWhole, lines, byKey };
  }

  #read(line: SampledLine): ReadLine | undefined {
    const format = this.#formats.get(line.format);
    const values = format === undefined ? undefined : this.#input.readFields(format, line.text);
    if (format === undefined || values === undefined) return undefined;
    const outcome = this.#outcomeOf(format, values);
    return { line, format, values, outcome, key: keyOf(format.kind, outcome) };
  }

  #outcomeOf(format: LogFormat, values: FieldValues): Outcome {
    let uses = this.#uses.get(format);
    if (uses === undefined) this.#uses.set(format, (uses = keyUses(format)));
    const keys: Partial<Record<FieldRole, string>> = {};
    let name = format.id;
    for (let index = 0; index < uses.length; index += 1) {
      const one = uses[index];
      const value = one === undefined ? undefined : values[one.role];
      if (one === undefined || value === undefined) continue;
      const key = asKey(value, one.use);
      keys[one.role] = key;
      name += one.mark + key;
    }
    let outcome = this.#outcomes.get(name);
    if (outcome === undefined) this.#outcomes.set(name, (outcome = format.outcome(keys)));
    return outcome;
  }
}

interface KeyUse {
  readonly role: FieldRole;
  readonly use: FieldUse;
  /** Stands before the key in the name of an outcome. */
  readonly mark: string;
}

/** The fields that the outcome of a format is made of. */
function keyUses({ plan }: LogFormat): readonly KeyUse[] {
  const uses = new Map<FieldRole, FieldUse>();
  const parts = plan.kind === 'json' ? plan.keys : plan.steps.filter(step => step.do === 'field' || step.do === 'text');
  for (const { role, use } of parts) if (role !== undefined && isKey(use) && !uses.has(role)) uses.set(role, use);
  return Array.from(uses, ([role, use]) => ({ role, use, mark: `\0${role}\0` }));
}

function isKey(use: FieldUse): boolean {
  return use === 'key' || use === 'first-word' || use === 'shape' || use === 'collapsed' || use === 'authority';
}

/** What the engines make of a field before they count by it. */
function asKey(value: string, use: FieldUse): string {
  if (use === 'first-word') return value.split(' ', 1)[0] ?? '';
  if (use === 'shape') return /^[\d.]+$/u.test(value) ? '0' : value.replace(/[\d.]+/gu, '0');
  if (use === 'collapsed') {
    const unquoted = value.replace(/"[^"]*("|$)/gu, '"$1');
    return unquoted.replace(/(\(?)(\d+)/gu, (whole, open: string, digits: string) => (open !== '' && digits.length <= 3 ? whole : `${open}0`));
  }
  if (use === 'authority') return authorityOf(value);
  return value;
}

function authorityOf(value: string): string {
  const at = value.indexOf('://');
  if (at === -1) return value;
  const rest = value.slice(at + 3);
  if (!rest.startsWith('unix:')) return rest.split('/', 1)[0] ?? '';
  const end = rest.indexOf(':', 'unix:'.length);
  return end === -1 ? rest : rest.slice(0, end);
}

/** The places of whole numbers of at most 2^32 in ascending order, equal ones as they stand: sorted as numbers, which the engine does by itself. */
function orderOf(values: readonly number[]): Float64Array {
  const size = values.length;
  const keys = new Float64Array(size);
  for (let place = 0; place < size; place += 1) keys[place] = (values[place] ?? 0) * size + place;
  keys.sort();
  for (let at = 0; at < size; at += 1) {
    const key = keys[at] ?? 0;
    keys[at] = key - Math.floor(key / size) * size;
  }
  return keys;
}
