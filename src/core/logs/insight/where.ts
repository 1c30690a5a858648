/**
 * What is over-represented among failing requests: values that most of them share and few others have.
 *
 * Failing and other requests are compared by samples of each (a case-control study: the odds ratio does not hang on how
 * many of each were sampled). A value is told where Fisher's exact test, corrected for all values tried, leaves no doubt and
 * the odds differ much. The most telling one comes first; of the others those that still differ among requests alike in what was
 * told before (Mantel and Haenszel): what only goes along with it is left out.
 */
import type { OverRepresented } from '../../model/logs-report.ts';
import { dimensions, sizeOf, valuesOf, type Dimension, type Values } from './dimensions.ts';
import type { ReadLine } from './sample-lines.ts';
import { lnFisherTail, lnNormalTail, oddsRatio } from './statistics.ts';
import { shareText } from './words.ts';

export interface WhereInput {
  readonly failing: readonly ReadLine[];
  readonly good: Others;
  /** Of all failing requests of the problem, and of all that did not fail. */
  readonly failingCount: number;
  readonly goodCount: number;
  /** Exact counts of a dimension's values, where series carry them: of the failing and of the others. */
  exact(dimension: Dimension): { readonly failing: ReadonlyMap<string, number>; readonly good: ReadonlyMap<string, number> } | undefined;
  /** Failures fell into a short time: who was there then is over-represented by that alone. */
  readonly isBrief: boolean;
}

export interface Where {
  readonly told: readonly ToldValue[];
  /** Peers that are over-represented only because of something else that was told. */
  readonly echoedPeers: readonly string[];
}

export interface ToldValue {
  readonly value: OverRepresented;
  /** How many times the odds of failing are those of others, at least. */
  readonly oddsLow: number;
}

const mostTold = 4;
const mostLnP = Math.log(1e-4);
const leastOdds = 2;
const leastExcess = 0.1;
/** A value that is much more telling needs to stand for fewer of the failures. */
const strongOdds = 8;
const strongExcess = 0.05;
const fewest = 4;
/** The lines come in the order of their hashes: the first ones are a fair choice. */
const mostFailing = 500;
const aboutClients: ReadonlySet<Dimension> = new Set<Dimension>(['client', 'network', 'user-agent']);

interface Case {
  readonly values: Values;
  readonly size: number;
  readonly weight: number;
  readonly isFailing: boolean;
}

interface Candidate {
  readonly dimension: Dimension;
  readonly value: string;
  has(one: Case): boolean | undefined;
  readonly gain: number;
  readonly oddsLow: number;
  readonly table: Table;
}

/** Failing with and without the value, others with and without. */
type Table = readonly [number, number, number, number];

export function findWhere(input: WhereInput): Where {
  const { good } = input;
  if (input.failing.length < fewest || good.cases.length < 10) return { told: [], echoedPeers: [] };
  const failing = input.failing.slice(0, mostFailing).map(line => asCase(line, true));
  const candidates = candidatesOf(failing, good, input.isBrief);
  const told: Candidate[] = [];
  const echoed: Candidate[] = [];
  const [first, ...others] = candidates;
  if (first !== undefined) told.push(first);
  for (const candidate of others) {
    if (
      told.length < mostTold &&
      told.every(({ dimension }) => dimension !== candidate.dimension || isAnotherValue(dimension)) &&
      adds(candidate, told, [...failing, ...good.cases])
    )
      told.push(candidate);
    else echoed.push(candidate);
  }
  const toldPeers = new Set(told.filter(({ dimension }) => dimension === 'peer').map(({ value }) => value));
  return {
    told: told.map(candidate => ({ value: describe(candidate, input), oddsLow: candidate.oddsLow })),
    echoedPeers: echoed.filter(({ dimension, value }) => dimension === 'peer' && !toldPeers.has(value)).map(({ value }) => value),
  };
}

/** Two sizes say the same of different limits; two URLs are two. */
function isAnotherValue(dimension: Dimension): boolean {
  return dimension !== 'size';
}

function asCase(line: ReadLine, isFailing: boolean): Case {
  return { values: valuesOf(line), size: sizeOf(line), weight: line.line.count, isFailing };
}

/** Requests that did not fail, with which those of every problem are compared: all that can be counted of them alone is counted once. */
export class Others {
  readonly cases: readonly Case[];
  readonly #counts = new Map<Dimension, Counts>();

  constructor(lines: readonly ReadLine[]) {
    this.cases = lines.map(line => asCase(line, false));
  }

  countsOf(dimension: Dimension): Counts {
    let counts = this.#counts.get(dimension);
    if (counts === undefined) this.#counts.set(dimension, (counts = countValues(this.cases, dimension)));
    return counts;
  }
}

interface Counts {
  /** In the order in which they come. */
  readonly byValue: ReadonlyMap<string, { count: number }>;
  readonly all: number;
}

function countValues(cases: readonly Case[], dimension: Dimension): Counts {
  const place = dimensions.indexOf(dimension);
  const byValue = new Map<string, { count: number }>();
  let all = 0;
  for (let at = 0; at < cases.length; at += 1) {
    const one = cases[at];
    const value = one?.values[place];
    if (one === undefined || value === undefined) continue;
    all += one.weight;
    const own = byValue.get(value);
    if (own === undefined) byValue.set(value, { count: one.weight });
    else own.count += one.weight;
  }
  return { byValue, all };
}

/** Those that pass for themselves, the most telling first. */
function candidatesOf(failing: readonly Case[], good: Others, isBrief: boolean): readonly Candidate[] {
  const open = dimensions.flatMap(dimension =>
    dimension === 'size' ? sizeCandidates([...failing, ...good.cases]) : valueCandidates(failing, good, dimension),
  );
  const lnTrials = Math.log(Math.max(10, open.length));
  return open
    .map(candidate => judge(candidate, lnTrials, isBrief))
    .filter(candidate => candidate !== undefined)
    .sort((a, b) => (Math.abs(a.gain - b.gain) <= 0.02 * Math.max(a.gain, b.gain) ? rank(a) - rank(b) : b.gain - a.gain));
}

type Open = Omit<Candidate, 'gain' | 'oddsLow'>;

function valueCandidates(cases: readonly Case[], others: Others, dimension: Dimension): readonly Open[] {
  const place = dimensions.indexOf(dimension);
  const failing = countValues(cases, dimension);
  const good = others.countsOf(dimension);
  const open: Open[] = [];
  for (const [value, { count: a }] of failing.byValue) {
    if (a < fewest) continue;
    const b = good.byValue.get(value)?.count ?? 0;
    open.push({
      dimension,
      value,
      has: ({ values }) => (values[place] === undefined ? undefined : values[place] === value),
      table: [a, failing.all - a, b, good.all - b],
    });
  }
  return open;
}

/** Requests of at least a power of two of bytes. */
function sizeCandidates(cases: readonly Case[]): readonly Open[] {
  const sized = cases.filter(({ size }) => !Number.isNaN(size));
  return Array.from({ length: 22 }, (_, index) => 2 ** (index + 10)).map(limit => {
    const table: [number, number, number, number] = [0, 0, 0, 0];
    for (const { size, weight, isFailing } of sized)
      table[(isFailing ? 0 : 2) + (size >= limit ? 0 : 1)] = (table[(isFailing ? 0 : 2) + (size >= limit ? 0 : 1)] ?? 0) + weight;
    return {
      dimension: 'size' as const,
      value: `${bytesText(limit)} and more`,
      has: ({ size }: Case) => (Number.isNaN(size) ? undefined : size >= limit),
      table,
    };
  });
}

function judge(open: Open, lnTrials: number, isBrief: boolean): Candidate | undefined {
  const [a, notA, b, notB] = open.table;
  if (a < fewest || b + notB < 10) return undefined;
  const excess = a / (a + notA) - b / (b + notB);
  if (isBrief && aboutClients.has(open.dimension) && a / (a + notA) < 0.5) return undefined;
  if (excess < strongExcess) return undefined;
  const { low } = oddsRatio([open.table]);
  if (low < leastOdds || (excess < leastExcess && low < strongOdds)) return undefined;
  if (lnFisherTail(a, a + notA, b, b + notB) + lnTrials > mostLnP) return undefined;
  return { ...open, gain: gainOf(open.table), oddsLow: low };
}

/** How much likelier the table is with a difference than without one (G). */
function gainOf([a, notA, b, notB]: Table): number {
  const all = a + notA + b + notB;
  const part = (seen: number, row: number, column: number): number => (seen === 0 ? 0 : seen * Math.log((seen * all) / (row * column)));
  return 2 * (part(a, a + notA, a + b) + part(notA, a + notA, notA + notB) + part(b, b + notB, a + b) + part(notB, b + notB, notA + notB));
}

function rank({ dimension }: Candidate): number {
  return (dimensions as readonly Dimension[]).indexOf(dimension);
}

/** Among requests alike in all that was told, it still tells failing ones from others. */
function adds(candidate: Candidate, told: readonly Candidate[], cases: readonly Case[]): boolean {
  const strata = new Map<string, [number, number, number, number]>();
  for (const one of cases) {
    const own = candidate.has(one);
    if (own === undefined) continue;
    const key = told.map(each => each.has(one)).join();
    let table = strata.get(key);
    if (table === undefined) strata.set(key, (table = [0, 0, 0, 0]));
    const cell = (one.isFailing ? 0 : 2) + (own ? 0 : 1);
    table[cell] = (table[cell] ?? 0) + one.weight;
  }
  let [excess, variance, failing] = [0, 0, 0];
  const telling: Table[] = [];
  for (const table of strata.values()) {
    const [a, notA, b, notB] = table;
    failing += a + notA;
    const all = a + notA + b + notB;
    if (a + notA === 0 || b + notB === 0 || a + b === 0 || notA + notB === 0) continue;
    telling.push(table);
    excess += a - ((a + notA) * (a + b)) / all;
    variance += ((a + notA) * (b + notB) * (a + b) * (notA + notB)) / (all * all * Math.max(1, all - 1));
  }
  if (variance === 0 || excess < fewest || excess < strongExcess * failing) return false;
  return lnNormalTail(excess / Math.sqrt(variance)) + Math.log(20) < mostLnP && oddsRatio(telling).low >= leastOdds;
}

function describe(candidate: Candidate, input: WhereInput): OverRepresented {
  const { dimension, value, table } = candidate;
  const [a, notA, b, notB] = table;
  const { failingCount, goodCount } = input;
  const known = input.exact(dimension);
  const counted = known === undefined ? undefined : shares(known, value);
  const amongFailing = counted?.[0] ?? a / (a + notA);
  const amongOthers = counted?.[1] ?? b / (b + notB);
  const failed = amongFailing * failingCount;
  const failingShare = failed / Math.max(failed, failed + amongOthers * goodCount);
  return {
    dimension,
    value,
    amongFailing: rounded(amongFailing),
    amongOthers: rounded(amongOthers),
    estimated: counted === undefined,
    failingShare: rounded(failingShare),
    // From a handful of samples the share that fails cannot be told.
    text: textOf(
      dimension,
      value,
      amongFailing,
      (failed + amongOthers * goodCount) / Math.max(1, failingCount + goodCount),
      failingShare,
      counted !== undefined || b >= 8,
    ),
  };
}

function shares({ failing, good }: NonNullable<ReturnType<WhereInput['exact']>>, value: string): readonly [number, number] | undefined {
  const all = [...failing.values()].reduce((sum, count) => sum + count, 0);
  const others = [...good.values()].reduce((sum, count) => sum + count, 0);
  return all === 0 || others === 0 ? undefined : [(failing.get(value) ?? 0) / all, (good.get(value) ?? 0) / others];
}

/** `ofAll`: of all requests, the share that has the value. */
function textOf(dimension: Dimension, value: string, amongFailing: number, ofAll: number, failingShare: number, isSure: boolean): string {
  const areMany = dimension === 'peer' || dimension === 'size';
  const what = nouns[dimension](value);
  const size = `which ${areMany ? 'are' : 'is'} ${shareText(ofAll)} of the requests`;
  const rate = isSure ? `; ${shareText(failingShare)} of ${areMany ? 'them fail' : 'it fails'}` : '';
  if (amongFailing >= 0.995) return `only ${what} ${areMany ? 'fail' : 'fails'}, ${size}${rate}`;
  return `${shareText(amongFailing)} of the failures are ${what}, ${size}${rate}`;
}

const nouns: Readonly<Record<Dimension, (value: string) => string>> = {
  url: value => value,
  size: value => `requests of ${value}`,
  peer: value => `requests to ${value}`,
  method: value => value,
  host: value => `host ${value}`,
  server: value => `server ${value}`,
  client: value => `client ${value}`,
  network: value => `network ${value}`,
  'user-agent': value => `user agent ${value}`,
  protocol: value => value,
};

function bytesText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`;
}

function rounded(share: number): number {
  return Number(share.toPrecision(4));
}
