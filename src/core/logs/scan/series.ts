import type { LogFormat, Outcome } from './format.ts';
import { histogramSteps } from './histogram.ts';
import { textHash } from './line-hash.ts';

/** Whole, folded (of many alike in the main things), or what is left of too many folded ones. */
export type SeriesLevel = 0 | 1 | 2;

export interface SeriesName {
  readonly level: SeriesLevel;
  readonly format: string;
  readonly kind: LogFormat['kind'];
  readonly outcome: Outcome | undefined;
  /** The same for the same of all these, and for no other. */
  readonly key: string;
  readonly hash: number;
}

/** Counts of steps, and in the last place the sum. */
export type StepCounts = Float64Array<ArrayBuffer>;
export const sumPlace: number = histogramSteps;

/** Undefined where no line has one. */
export interface SeriesNumbers {
  readonly requestTime: StepCounts | undefined;
  readonly upstreamTime: StepCounts | undefined;
}

export interface SeriesCounts {
  readonly name: SeriesName;
  readonly index: number;
  count: number;
  firstMs: number;
  lastMs: number;
  requestTime: StepCounts | undefined;
  upstreamTime: StepCounts | undefined;
  /** What it was folded into. */
  into: SeriesCounts | undefined;
}

export function nameSeries(level: SeriesLevel, format: string, kind: LogFormat['kind'], outcome: Outcome | undefined): SeriesName {
  const told = level === 2 || outcome === undefined ? undefined : level === 1 ? folded(outcome) : outcome;
  const key = JSON.stringify([format, kind, level, ...(told === undefined ? [] : partsOf(told))]);
  return { level, format, kind, outcome: told, key, hash: textHash(key) };
}

function folded({ status, failed, madeBy, because, class: messageClass }: Outcome): Outcome {
  return { status, failed, madeBy, ...(because !== undefined && { because }), ...(messageClass !== undefined && { class: messageClass }) };
}

function partsOf(outcome: Outcome): readonly unknown[] {
  const { status, failed, madeBy, because, peer, hiddenPeers, server, method, class: messageClass, level, message } = outcome;
  return [status, failed, madeBy, because, peer, hiddenPeers, server, method, messageClass, level, message].map(part => part ?? null);
}
