/** The period of failures: found in their spectrum, proven by votes of its cycles, and measured at their own times. */
import { hasShortPeriod, periodCandidates, spectrumOf } from './period-candidates.ts';
import { drift, foldsNear, toFundamental } from './period-fold.ts';
import { measurePeriod } from './period-measure.ts';
import { eventsOf, type Events } from './events.ts';
import { lnPOfFold, lnPOfLag, Pulses, windowStart } from './period-test.ts';
import { quantileOf } from './statistics.ts';

export interface PeriodInput {
  /** Failures in equal bins. */
  readonly counts: Float64Array;
  /** Of the counts, where they are known. */
  readonly events?: Events;
  readonly widthMs: number;
  readonly startMs: number;
  /** All requests in the same bins; absent where they are not known. */
  readonly load?: Float64Array;
  /** Exact times of failures, ascending, as far as they are known. */
  readonly timesMs: readonly number[];
}

export interface Period {
  readonly everyMs: number;
  /** Nine in ten failures that keep to it come within this of their moment; never less than what the period may be wrong by. */
  readonly plusMinusMs: number;
  readonly pValue: number;
  /** How many of the cycles had a failure at their moment. */
  readonly met: number;
  readonly cycles: number;
  /** Of all failures, the share that came at those moments. */
  readonly share: number;
}

/** Failures that come in a window of `window` bins around `phase` of each cycle of `period` bins, or, where it drifts, a period after each other. */
export interface Proven {
  readonly period: number;
  readonly phase: number;
  readonly window: number;
  readonly lnP: number;
  readonly drifts: boolean;
}

const shortestMs = 20_000;
const mostP = 1e-4;
const fewestEvents = 6;
/** Up to so many the test costs little, and the narrowest window that passes is looked for. */
const fewEvents = 300;
const mostCandidates = 4;
const mostDrifting = 2;
/** What is weaker than this many standard deviations cannot pass the test. */
const leastScore = 5;

/** What a search found; whether one in narrower bins may find a shorter period. */
export interface PeriodSearch {
  readonly period?: Period;
  readonly mayBeShorter: boolean;
}

export function findPeriod(input: PeriodInput): PeriodSearch {
  const { counts, widthMs } = input;
  const shortest = Math.max(5, shortestMs / widthMs);
  const longest = counts.length / 3;
  const events = input.events ?? eventsOf(counts);
  const pulses = new Pulses(capped(events));
  if (pulses.filled.length < fewestEvents || longest <= shortest) return { mayBeShorter: false };
  const spectrum = spectrumOf(pulses);
  const mayBeShorter = hasShortPeriod(spectrum, shortest);
  const candidates = periodCandidates(spectrum, shortest, longest, mostCandidates);
  // As many independent periods as there are frequencies and windows, each with as many phases.
  const isProven = (one: Proven): boolean => one.lnP + lnTrials(counts.length, shortest, one) < Math.log(mostP);
  const proven = locked(pulses, candidates).find(isProven) ?? drifting(pulses, candidates.slice(0, mostDrifting)).find(isProven);
  if (proven !== undefined && growsWithLoad(input, proven)) return { mayBeShorter: false };
  if (proven === undefined) return { mayBeShorter };
  const period = measurePeriod(input, events, toFundamental(pulses, proven), Math.exp(proven.lnP + lnTrials(counts.length, shortest, proven)));
  return { period, mayBeShorter };
}

/** Those that keep to the phase of their cycle, the likeliest first. */
function locked(pulses: Pulses, candidates: readonly number[]): readonly Proven[] {
  return candidates
    .flatMap(near => foldsNear(pulses, near))
    .filter(({ score }) => score > leastScore)
    .sort((a, b) => b.score - a.score)
    .slice(0, pulses.filled.length <= fewEvents ? 12 : 2)
    .map(fold => ({ ...fold, lnP: lnPOfFold(pulses, fold.period, fold.phase, fold.window), drifts: false }))
    .sort((a, b) => a.lnP - b.lnP);
}

/** Those that only follow each other. */
function drifting(pulses: Pulses, candidates: readonly number[]): readonly Proven[] {
  return candidates
    .map(near => drift(pulses, near))
    .filter(lag => lag !== undefined)
    .filter(({ score }) => score > leastScore)
    .map(({ period, window }) => ({ period, phase: 0, window, lnP: lnPOfLag(pulses, period, window), drifts: true }))
    .sort((a, b) => a.lnP - b.lnP);
}

function lnTrials(bins: number, shortest: number, { period, window }: Proven): number {
  return Math.log((bins / shortest) * (period / window) * 64);
}

/** No bin counts for more than what crowded ones usually hold: an outage is one event, not a thousand. */
function capped(events: Events): Events {
  const sorted = events.amounts.slice().sort();
  const crowded = quantileOf(sorted, 0.9);
  const most = Math.max(1, crowded + 2 * (crowded - quantileOf(sorted, 0.5)));
  if ((sorted.at(-1) ?? 0) <= most) return events;
  const amounts = events.amounts.slice();
  for (let index = 0; index < amounts.length; index += 1) if ((amounts[index] ?? 0) > most) amounts[index] = most;
  return { ...events, amounts };
}

/** The requests themselves come in this rhythm, and the share of them that fails does not. */
function growsWithLoad({ counts, load }: PeriodInput, proven: Proven): boolean {
  if (load === undefined) return false;
  const inside = insideOf(counts, proven);
  let [failedIn, failedOut, loadIn, loadOut] = [0, 0, 0, 0];
  for (let at = 0; at < counts.length; at += 1) {
    if (inside[at] === 1) {
      failedIn += counts[at] ?? 0;
      loadIn += load[at] ?? 0;
    } else {
      failedOut += counts[at] ?? 0;
      loadOut += load[at] ?? 0;
    }
  }
  return loadOut > 0 && loadIn > 0 && failedIn / loadIn < (1.5 * failedOut) / loadOut;
}

/** Bins in which the period lets failures expect: a window of each cycle, or one behind each failure. */
function insideOf(counts: Float64Array, { period, phase, window, drifts }: Proven): Uint8Array {
  const inside = new Uint8Array(counts.length);
  const mark = (start: number): void => void inside.fill(1, Math.max(0, start), Math.max(0, start + window));
  if (drifts) {
    for (let at = 0; at < counts.length; at += 1) if ((counts[at] ?? 0) > 0) mark(windowStart(period, at + 0.5, window, 1));
  } else for (let cycle = 0; windowStart(period, phase, window, cycle) < counts.length; cycle += 1) mark(windowStart(period, phase, window, cycle));
  return inside;
}
