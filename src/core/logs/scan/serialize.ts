/**
 * The text form of a roll-up, for files and other machines. It is JSON: lists in the place of objects, differences in the place
 * of ascending numbers, names of formats and paths once. What is no time is null.
 */
import type { MadeBy } from '../../model/facts/logs.ts';
import { messageClasses } from '../../model/facts/logs.ts';
import type { Outcome } from './format.ts';
import { coarseSteps, coarseStepOf, histogramSteps, middleStepOf } from './histogram.ts';
import { fieldsOf, Malformed, type Field } from './json-fields.ts';
import {
  narrowestBucketMs,
  type Histogram,
  type InputCount,
  type LatencyTable,
  type RollUp,
  type SampledLine,
  type SampleSet,
  type Series,
} from './roll-up.ts';

const mark = 'badhop-roll-up';
const version = 1;
const makers: readonly MadeBy[] = ['backend', 'nginx', 'proxy', 'client', 'unknown'];
const kinds = ['access', 'error'] as const;
const bucketRange = 2 ** 31;

export function serializeRollUp(rollUp: RollUp): string {
  const names = new Names();
  const { widthMs, seriesBelow, foldedBelow, series, latency, failed, good, inputs } = rollUp;
  const body = {
    widthMs,
    seriesBelow,
    foldedBelow,
    series: series.map(one => [
      names.of(one.format),
      one.kind,
      one.folded === true ? 1 : 0,
      one.outcome ?? null,
      one.count,
      timeOf(one.firstMs),
      timeOf(one.lastMs),
      differences(one.buckets),
      Array.from(one.counts),
      ...listOf(one.requestTime),
      ...listOf(one.upstreamTime),
    ]),
    latency: [differences(latency.buckets), Array.from(latency.buckets, (_, row) => listOf(rowOf(latency, row)))],
    failed: samplesOf(failed, names),
    good: samplesOf(good, names),
    inputs: inputs.map(input => [
      names.of(input.path),
      input.bytes,
      input.lines,
      input.outside,
      input.continued,
      input.misfits,
      input.tooLong,
      input.formats.map(({ id, lines }) => [names.of(id), lines]),
      input.misfitSamples.map(({ hash, text, offset }) => [hash, text, offset]),
      input.firstMs ?? null,
      input.lastMs ?? null,
    ]),
  };
  return JSON.stringify({ kind: mark, version, names: names.list, ...body });
}

/** The roll-up of a text, or what is wrong with it, as the rest of a sentence: `it is no JSON`. Never throws. */
export function parseRollUp(text: string): { readonly rollUp: RollUp } | { readonly problem: string } {
  try {
    const all = fieldsOf(text);
    if (all.at('kind').value !== mark) return { problem: 'it is no roll-up' };
    if (all.at('version').value !== version) return { problem: `it is of version ${JSON.stringify(all.at('version').value)}, and only ${version} can be read` };
    return { rollUp: rollUpOf(all) };
  } catch (error) {
    if (error instanceof Malformed) return { problem: error.message };
    throw error;
  }
}

function rollUpOf(all: Field): RollUp {
  const names = all
    .at('names')
    .list()
    .map(name => name.text());
  const widthMs = all.at('widthMs').whole();
  const narrow = widthMs / narrowestBucketMs;
  if (!(narrow >= 1 && Number.isInteger(Math.log2(narrow)))) throw new Malformed('`widthMs` is not the width of a bucket');
  const endOfBuckets = Math.ceil(bucketRange / narrow);
  const latency = all.at('latency');
  const buckets = latency.at(0).ascending(endOfBuckets);
  const histograms = latency.at(1).list();
  if (buckets.length !== histograms.length) throw new Malformed('`latency` is not a histogram for each bucket');
  return {
    version,
    widthMs,
    seriesBelow: all.at('seriesBelow').whole(2 ** 32),
    foldedBelow: all.at('foldedBelow').whole(2 ** 32),
    series: all
      .at('series')
      .list()
      .map(one => seriesOf(one, names, endOfBuckets)),
    latency: latencyOf(
      buckets,
      histograms.map(one => histogramOf(one, 0)),
    ),
    failed: sampleSetOf(all.at('failed'), names),
    good: sampleSetOf(all.at('good'), names),
    inputs: all
      .at('inputs')
      .list()
      .map(one => inputOf(one, names)),
  };
}

function seriesOf(one: Field, names: readonly string[], endOfBuckets: number): Series {
  const [buckets, counts] = [one.at(7).ascending(endOfBuckets), one.at(8).wholes()];
  if (buckets.length !== counts.length) throw new Malformed('`series` has not a number for each bucket');
  return {
    format: one.at(0).pick(names),
    kind: one.at(1).oneOf(kinds),
    ...(one.at(3).value !== null && { outcome: outcomeOf(one.at(3)) }),
    ...(one.at(2).whole(1) === 1 && { folded: true }),
    count: one.at(4).whole(),
    firstMs: one.at(5).time(),
    lastMs: one.at(6).time(),
    buckets: Int32Array.from(buckets),
    counts: Float64Array.from(counts),
    requestTime: histogramOf(one, 9),
    upstreamTime: histogramOf(one, 12),
  };
}

function outcomeOf(one: Field): Outcome {
  const text = (field: Field) => field.text();
  const outcome: { [key in keyof Outcome]: Outcome[key] | undefined } = {
    status: one.at('status').whole(),
    failed: one.at('failed').flag(),
    madeBy: one.at('madeBy').oneOf(makers),
    because: one.maybe('because', text),
    peer: one.maybe('peer', text),
    hiddenPeers: one.maybe('hiddenPeers', peers => peers.list().map(text)),
    server: one.maybe('server', text),
    method: one.maybe('method', text),
    class: one.maybe('class', word => word.oneOf(messageClasses)),
    level: one.maybe('level', text),
    message: one.maybe('message', text),
  };
  // What is undefined is not there, as it was before.
  return Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined)) as unknown as Outcome;
}

/** Three members of a list from `place` on. */
function histogramOf(list: Field, place: number): Histogram {
  const [steps, counts] = [list.at(place).ascending(histogramSteps), list.at(place + 1).wholes()];
  if (steps.length !== counts.length) throw new Malformed('a histogram has not a number for each step');
  return { steps, counts, sum: list.at(place + 2).whole() };
}

function latencyOf(buckets: readonly number[], histograms: readonly Histogram[]): LatencyTable {
  const counts = new Float64Array(buckets.length * coarseSteps);
  for (const [row, { steps, counts: own }] of histograms.entries()) {
    for (const [index, step] of steps.entries()) {
      const at = row * coarseSteps + coarseStepOf(step);
      counts[at] = (counts[at] ?? 0) + (own[index] ?? 0);
    }
  }
  return { buckets: Int32Array.from(buckets), counts, sums: Float64Array.from(histograms, ({ sum }) => sum) };
}

function sampleSetOf(one: Field, names: readonly string[]): SampleSet {
  const sampled = (line: Field): SampledLine => ({
    hash: line.at(0).whole(2 ** 32 - 1),
    format: line.at(1).pick(names),
    text: line.at(2).text(),
    timeMs: line.at(3).time(),
    count: line.at(4).whole(),
    path: line.at(5).pick(names),
    offset: line.at(6).whole(),
  });
  return { threshold: one.at(0).whole(2 ** 32), lines: one.at(1).list().map(sampled) };
}

function inputOf(one: Field, names: readonly string[]): InputCount {
  return {
    path: one.at(0).pick(names),
    bytes: one.at(1).whole(),
    lines: one.at(2).whole(),
    outside: one.at(3).whole(),
    continued: one.at(4).whole(),
    misfits: one.at(5).whole(),
    tooLong: one.at(6).whole(),
    formats: one
      .at(7)
      .list()
      .map(format => ({ id: format.at(0).pick(names), lines: format.at(1).whole() })),
    misfitSamples: one
      .at(8)
      .list()
      .map(line => ({ hash: line.at(0).whole(2 ** 32 - 1), text: line.at(1).text(), offset: line.at(2).whole() })),
    ...(one.at(9).value !== null && { firstMs: one.at(9).time() }),
    ...(one.at(10).value !== null && { lastMs: one.at(10).time() }),
  };
}

function samplesOf({ threshold, lines }: SampleSet, names: Names): unknown {
  return [
    threshold,
    lines.map(({ hash, format, text, timeMs, count, path, offset }) => [hash, names.of(format), text, timeOf(timeMs), count, names.of(path), offset]),
  ];
}

function listOf({ steps, counts, sum }: Histogram): readonly unknown[] {
  return [differences(steps), counts, sum];
}

function timeOf(ms: number): number | null {
  return Number.isNaN(ms) ? null : ms;
}

function differences(ascending: ArrayLike<number>): readonly number[] {
  return Array.from(ascending, (number, index) => number - (index === 0 ? 0 : (ascending[index - 1] ?? 0)));
}

/** Coarse steps are written as the steps in their middle. */
function rowOf({ counts, sums }: LatencyTable, row: number): Histogram {
  const own = counts.subarray(row * coarseSteps, (row + 1) * coarseSteps);
  const filled = [...own.keys()].filter(step => (own[step] ?? 0) > 0);
  return { steps: filled.map(middleStepOf), counts: filled.map(step => own[step] ?? 0), sum: sums[row] ?? 0 };
}

class Names {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.list.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}
