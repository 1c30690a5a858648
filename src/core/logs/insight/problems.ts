/** From groups to problems: what weighs, with its messages, its shape, and where it is. */
import type { LogProblem, Timeline } from '../../model/logs-report.ts';
import { formatLogSource } from '../../model/facts/logs.ts';
import type { RollUp, Series } from '../scan/roll-up.ts';
import type { Dimension } from './dimensions.ts';
import { goesWith } from './goes-with.ts';
import { countsOf, sumOf, type Grid } from './grid.ts';
import { failingPeers, isRetried, type Group } from './groups.ts';
import { joinMessages } from './join-messages.ts';
import { titleOf } from './problem-words.ts';
import type { ReadLine, ReadSamples } from './sample-lines.ts';
import { shapeInTime, type Shaped } from './time-shape.ts';
import { isOnlyBursts, isTooFew, isTurnedAway, weighs, weighsBy, type WeightInput } from './weight.ts';
import { findWhere, Others, type Where } from './where.ts';
import { isoTime } from './words.ts';

/** A problem with what findings are made of. */
export interface Told {
  readonly problem: LogProblem;
  readonly group: Group;
  /** Of error logs; the group itself, where it is one of messages. */
  readonly messages: readonly Group[];
  readonly where: Where;
}

export interface ProblemsInput {
  readonly rollUp: RollUp;
  readonly grid: Grid;
  readonly steps: Grid;
  readonly timeline: Timeline;
  readonly groups: readonly Group[];
  readonly requests: number;
  /** Requests by bin of the grid; absent where there is no access log. */
  readonly load: Float64Array | undefined;
  readonly lines: number;
  readonly firstMs: number;
  readonly endMs: number;
  /** Read when first asked for: a healthy log needs none. */
  samples(): { readonly failed: ReadSamples; readonly good: ReadSamples };
}

const mostProblems = 32;
/** Groups whose shape is looked at, and among them those searched for a period: the largest. */
const mostShaped = 48;
const mostSearched = 3;
const mostMessages = 8;
const mostPeers = 20;

export function findProblems(input: ProblemsInput): readonly Told[] {
  const { grid, rollUp, groups, requests, load } = input;
  const { byRequests, own } = joinMessages(groups);
  const exposure = load ?? new Float64Array(grid.bins).fill(1);
  const limited = groupsByOrder(rollUp, grid);
  let good: Good | undefined;
  const goodOnes = (): Good => (good ??= goodOf(input));
  const told: Told[] = [];
  const candidates = [...groups.filter(({ kind }) => kind !== 'messages'), ...mergeMessages(own)].sort((a, b) => b.count - a.count).slice(0, mostShaped);
  for (const [index, group] of candidates.entries()) {
    const shaped = shapeOf(group, index < mostSearched, load, exposure, input);
    const weight: WeightInput = {
      group,
      shaped,
      requests,
      load,
      lines: input.lines,
      spanMs: input.endMs - input.firstMs,
      isByOrder: limited(group),
    };
    const byItself = weighs(weight);
    if (!byItself && isTooFew(group)) continue;
    const where = whereOf(group, shaped, input, goodOnes);
    if (isTurnedAway(where, group) || (!byItself && !weighsBy(where, weight))) continue;
    const ongoing = isOnlyBursts(weight) && !weighsBy(where, weight) ? burstGoesOn(shaped, input) : shaped.ongoing;
    const messages = group.kind === 'messages' ? partsOf(group, own) : (byRequests.get(group.key) ?? []);
    told.push(tell(group, messages, { ...shaped, ongoing }, where, input));
  }
  return told.slice(0, mostProblems);
}

/** The last burst is still there, or was until a moment ago. */
function burstGoesOn({ stretches, ongoing }: Shaped, { grid, endMs }: ProblemsInput): boolean {
  const last = stretches.at(-1);
  if (!ongoing || last === undefined) return false;
  const silenceMs = endMs - (grid.startMs + last.to * grid.widthMs);
  const gaps = stretches
    .slice(1)
    .map(({ from }, index) => from - (stretches[index]?.to ?? from))
    .sort((a, b) => a - b);
  const usualMs = gaps.length >= 2 ? 2 * (gaps[gaps.length >> 1] ?? 0) * grid.widthMs : 0;
  return silenceMs <= Math.max(30_000, usualMs);
}

/** Messages of one class that belong to no request are one problem. */
function mergeMessages(own: readonly Group[]): readonly Group[] {
  const byClass = new Map<string, Group[]>();
  for (const group of own) byClass.set(group.class ?? '', [...(byClass.get(group.class ?? '') ?? []), group]);
  return [...byClass.values()]
    .map(list => {
      const [first] = list;
      if (first === undefined || list.length === 1) return first;
      const counts = new Float64Array(first.counts.length);
      const peers = new Map<string, number>();
      for (const group of list) {
        for (let at = 0; at < counts.length; at += 1) counts[at] = (counts[at] ?? 0) + (group.counts[at] ?? 0);
        for (const [peer, count] of group.peers) peers.set(peer, (peers.get(peer) ?? 0) + count);
      }
      return {
        ...first,
        series: list.flatMap(({ series }) => series),
        count: sumOf(list.map(({ count }) => count)),
        firstMs: Math.min(...list.map(({ firstMs }) => firstMs)),
        lastMs: Math.max(...list.map(({ lastMs }) => lastMs)),
        counts,
        peers: new Map([...peers].sort((a, b) => b[1] - a[1])),
      };
    })
    .filter(group => group !== undefined);
}

function partsOf(group: Group, own: readonly Group[]): readonly Group[] {
  return own.filter(each => each.class === group.class);
}

function shapeOf(group: Group, looksForPeriod: boolean, load: Float64Array | undefined, exposure: Float64Array, input: ProblemsInput): Shaped {
  const isPossible = group.count >= 6 && sumOf(group.counts) >= 6;
  // Reading samples costs time, which a log with a failure or two need not spend.
  const lines = isPossible ? linesOf(group, input) : [];
  const timesMs = lines.flatMap(({ line }) => (Number.isFinite(line.timeMs) ? [line.timeMs] : [])).sort((a, b) => a - b);
  return shapeInTime({
    counts: group.counts,
    exposure: group.kind === 'messages' && load !== undefined ? exposure.map((requests, at) => Math.max(requests, group.counts[at] ?? 0)) : exposure,
    load,
    grid: input.grid,
    firstMs: group.firstMs,
    lastMs: group.lastMs,
    endMs: input.endMs,
    timesMs,
    knowsAllTimes: isPossible && input.samples().failed.isWhole,
    looksForPeriod: looksForPeriod && isPossible,
  });
}

/** In the order of their hashes, but for a group that was merged. */
function linesOf(group: Group, input: ProblemsInput): readonly ReadLine[] {
  const { byKey } = input.samples().failed;
  if (group.kind !== 'messages') return byKey.get(group.key) ?? [];
  const keys = new Set(group.series.map(({ outcome }) => `messages\0${outcome?.class ?? ''}\0${outcome?.message ?? ''}`));
  return [...keys].flatMap(key => byKey.get(key) ?? []);
}

const noWhere: Where = { told: [], echoedPeers: [] };

/** What did not fail. */
interface Good {
  readonly others: Others;
  readonly series: readonly Series[];
  readonly count: number;
}

function goodOf(input: ProblemsInput): Good {
  const series = input.rollUp.series.filter(({ kind, outcome }) => kind === 'access' && outcome?.failed === false);
  const lines = input.samples().good.lines.filter(({ format }) => format.kind === 'access');
  return { others: new Others(lines), series, count: sumOf(series.map(({ count }) => count)) };
}

function whereOf(group: Group, shaped: Shaped, input: ProblemsInput, goodOnes: () => Good): Where {
  if (group.kind === 'messages' || isTooFew(group)) return noWhere;
  const { others, series, count } = goodOnes();
  const isBrief = shaped.shape.when === 'burst' || shaped.shape.when === 'bursts';
  return findWhere({
    failing: linesOf(group, input),
    good: others,
    failingCount: group.count,
    goodCount: count,
    exact: dimension => exactCounts(dimension, group.series, series),
    isBrief,
  });
}

/** Exact counts of the dimensions that series carry. Folded series do not. */
function exactCounts(dimension: Dimension, failing: readonly Series[], good: readonly Series[]): ReturnType<Parameters<typeof findWhere>[0]['exact']> {
  if (dimension !== 'peer' && dimension !== 'method' && dimension !== 'server') return undefined;
  if ([...failing, ...good].some(({ folded, outcome }) => folded === true || outcome === undefined)) return undefined;
  return { failing: countBy(dimension, failing), good: countBy(dimension, good) };
}

function countBy(dimension: 'peer' | 'method' | 'server', series: readonly Series[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome, count } of series) {
    if (outcome === undefined) continue;
    const value = dimension === 'peer' && isRetried(outcome) ? failingPeers(outcome).at(-1) : outcome[dimension];
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return counts;
}

/** Messages that tell of requests refused by order; a group of 503 or 429 that comes with as many of them is no failure of a hop. */
function groupsByOrder(rollUp: RollUp, grid: Grid): (group: Group) => boolean {
  const series = rollUp.series.filter(({ outcome }) => outcome?.class === 'rate-limited');
  const counts = countsOf(series, rollUp.widthMs, grid);
  const all = sumOf(counts);
  return ({ status, madeBy, counts: own, count }) => {
    if (all === 0 || madeBy === 'backend' || (status !== 503 && status !== 429)) return false;
    let met = 0;
    for (let at = 0; at < own.length; at += 1) met += Math.min(own[at] ?? 0, (counts[at] ?? 0) + (counts[at - 1] ?? 0) + (counts[at + 1] ?? 0));
    return met >= 0.5 * count;
  };
}

function tell(group: Group, messages: readonly Group[], { shape, ongoing }: Shaped, where: Where, input: ProblemsInput): Told {
  const { requests, rollUp, steps, timeline } = input;
  const largest = messages.toSorted((a, b) => b.count - a.count)[0];
  const kind = group.class ?? largest?.class;
  const id = [group.kind, group.status, group.kind === 'requests' ? group.madeBy : undefined, kind].filter(part => part !== undefined).join('-');
  const peers = group.peers.size > 0 ? group.peers : (largest?.peers ?? group.peers);
  const along = requests === 0 || group.kind === 'messages' ? [] : goesWith(countsOf(group.series, rollUp.widthMs, steps), timeline);
  const problem: LogProblem = {
    id,
    title: titleOf(group, kind),
    ...(group.status === undefined ? {} : { status: group.status }),
    ...(kind === undefined ? {} : { class: kind }),
    madeBy: group.madeBy,
    ...(group.because === undefined ? {} : { because: group.because }),
    count: group.count,
    ...(requests === 0 || group.kind === 'messages' ? {} : { share: Number((group.count / requests).toPrecision(4)) }),
    firstAt: isoTime(group.firstMs),
    lastAt: isoTime(group.lastMs),
    ongoing,
    shape,
    peers: [...peers].slice(0, mostPeers).map(([peer, count]) => ({ peer, count })),
    where: where.told.map(({ value }) => value),
    messages: messages
      .toSorted((a, b) => b.count - a.count)
      .slice(0, mostMessages)
      .map(({ message, class: of, count, level }) => ({ text: message ?? '', class: of ?? 'other', count, ...(level === undefined ? {} : { level }) })),
    samples: [
      ...samplesOf(linesOf(group, input)),
      ...messages.slice(0, 2).flatMap(each => (each === group || group.kind === 'messages' ? [] : samplesOf(linesOf(each, input)).slice(0, 1))),
    ],
    ...(along.length === 0 ? {} : { goesWith: along }),
  };
  return { problem, group, messages, where };
}

/** The first, one from the middle and the last. */
function samplesOf(lines: readonly ReadLine[]): LogProblem['samples'] {
  const sorted = lines.toSorted((a, b) => a.line.timeMs - b.line.timeMs || a.line.offset - b.line.offset);
  const chosen = new Set([sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].filter(line => line !== undefined));
  return [...chosen].map(({ line }) => ({ source: formatLogSource(line), at: isoTime(line.timeMs), text: line.text.slice(0, 2048) }));
}
