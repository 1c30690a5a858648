import type { Timeline } from '../../model/logs-report.ts';
import type { RollUp, Series } from '../scan/roll-up.ts';
import { addInto, countsOf, sumOf, type Grid } from './grid.ts';
import { failingPeers, isRetried } from './groups.ts';
import { latencySteps } from './times.ts';
import { isoTime } from './words.ts';

const mostSteps = 240;
const mostPeers = 8;
const mostStatuses = 12;
const minute = 60_000;
const hour = 60 * minute;
const niceWidths = [
  10_000,
  20_000,
  30_000,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
];
const day = 24 * hour;

/** The span of the analysis in at most 240 steps of a width that people read easily. */
export function stepsOf({ startMs, widthMs, bins }: Grid): Grid {
  const spanMs = widthMs * bins;
  const days = [1, 2, 7, 14, 28].map(count => count * day);
  const fits = [...niceWidths, ...days].find(each => each % widthMs === 0 && spanMs / each <= mostSteps - 1);
  const width = fits ?? widthMs * Math.ceil(spanMs / (mostSteps - 1) / widthMs);
  const start = Math.floor(startMs / width) * width;
  return { startMs: start, widthMs: width, bins: Math.ceil((startMs + spanMs - start) / width) };
}

/** `load`: the requests of each step. */
export function makeTimeline(rollUp: RollUp, steps: Grid, load: Float64Array): Timeline {
  // A series is gone through once, however many lists it belongs to.
  const counted = new Map<Series, Float64Array>();
  const count = (series: readonly Series[]): number[] => {
    const sum = new Float64Array(steps.bins);
    for (const one of series) {
      let own = counted.get(one);
      if (own === undefined) counted.set(one, (own = countsOf([one], rollUp.widthMs, steps)));
      addInto(sum, own);
    }
    return Array.from(sum);
  };
  const requests = rollUp.series.filter(({ kind }) => kind === 'access');
  const failed = requests.filter(({ outcome, folded }) => outcome?.failed === true && !isRetried(outcome, folded));
  const errors = rollUp.series.filter(({ kind, outcome }) => kind === 'error' && outcome?.failed === true);
  const { median, p95 } = latencySteps(rollUp, steps);
  const failing = rollUp.series.filter(({ outcome }) => outcome?.failed === true);
  // Where both kinds of log tell of the same failures, the requests are counted.
  const namesPeers = failing.some(({ kind, outcome }) => kind === 'access' && outcome !== undefined && failingPeers(outcome).length > 0);
  const byPeer = split(
    failing.filter(({ kind }) => !namesPeers || kind === 'access'),
    series => (series.outcome === undefined ? [] : failingPeers(series.outcome)),
  );
  return {
    startsAt: isoTime(steps.startMs),
    widthMs: steps.widthMs,
    requests: Array.from(load),
    failed: count(failed),
    errors: count(errors),
    median,
    p95,
    byPeer: byPeer.slice(0, mostPeers).map(([peer, series]) => ({ peer, failed: count(series) })),
    byStatus: split(failed, ({ outcome }) => (outcome === undefined || outcome.status === 0 ? [] : [String(outcome.status)]))
      .slice(0, mostStatuses)
      .map(([status, series]) => ({ status, failed: count(series) })),
  };
}

export const emptyTimeline: Timeline = { widthMs: 10_000, requests: [], failed: [], errors: [], median: [], p95: [], byPeer: [], byStatus: [] };

/** Series by a name that they have, those with the most lines first. */
function split(series: readonly Series[], namesOf: (series: Series) => readonly string[]): readonly (readonly [string, readonly Series[]])[] {
  const byName = new Map<string, Series[]>();
  for (const one of series) {
    for (const name of namesOf(one)) {
      const list = byName.get(name);
      if (list === undefined) byName.set(name, [one]);
      else list.push(one);
    }
  }
  const total = (list: readonly Series[]): number => sumOf(list.map(({ count }) => count));
  return [...byName].sort((a, b) => total(b[1]) - total(a[1]) || (a[0] < b[0] ? -1 : 1));
}
