import type { LogsReport, Timeline } from '../../model/logs-report.ts';

/** A timeline with its steps joined so that it fits; `null` start where no line has a time. */
export interface Steps {
  readonly startMs: number;
  readonly widthMs: number;
  readonly requests: readonly number[];
  readonly failed: readonly number[];
  readonly errors: readonly number[];
  readonly median: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly byPeer: readonly Named[];
  readonly byStatus: readonly Named[];
}

export interface Named {
  readonly name: string;
  readonly counts: readonly number[];
}

/** The timeline in at most `most` steps: counts add up, of medians and percentiles the highest stays. Undefined where nothing has a time. */
export function joinSteps(timeline: Timeline, most: number): Steps | undefined {
  const startMs = Date.parse(timeline.startsAt ?? '');
  const length = Math.max(timeline.requests.length, timeline.failed.length, timeline.errors.length);
  if (Number.isNaN(startMs) || length === 0 || !(timeline.widthMs > 0)) return undefined;
  const size = Math.max(1, Math.ceil(length / Math.max(1, most)));
  const counts = (list: readonly number[]): readonly number[] => join(list, length, size, part => part.reduce((sum, each) => sum + each, 0));
  const highest = (list: readonly (number | null)[]): readonly (number | null)[] =>
    join(list, length, size, part => part.reduce((top, each) => (each === null ? top : Math.max(top ?? 0, each)), null));
  return {
    startMs,
    widthMs: timeline.widthMs * size,
    requests: counts(timeline.requests),
    failed: counts(timeline.failed),
    errors: counts(timeline.errors),
    median: highest(timeline.median),
    p95: highest(timeline.p95),
    byPeer: timeline.byPeer.map(({ peer, failed }) => ({ name: peer, counts: counts(failed) })),
    byStatus: timeline.byStatus.map(({ status, failed }) => ({ name: status, counts: counts(failed) })),
  };
}

function join<In, Out>(list: readonly In[], length: number, size: number, add: (part: readonly In[]) => Out): readonly Out[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, index) => add(list.slice(index * size, (index + 1) * size)));
}

/** What the time line is about: the share of requests that failed where there are requests, messages of error logs otherwise. */
export function mainCurve(steps: Steps): { readonly kind: 'share' | 'failed' | 'errors'; readonly values: readonly number[] } {
  if (steps.requests.some(count => count > 0)) {
    const values = steps.failed.map((count, index) => (count === 0 ? 0 : count / Math.max(count, steps.requests[index] ?? 0)));
    return { kind: 'share', values };
  }
  return steps.failed.some(count => count > 0) ? { kind: 'failed', values: steps.failed } : { kind: 'errors', values: steps.errors };
}

/** When bursts of any problem begin, each once, those with the most failures first. */
export function burstStarts(report: LogsReport): readonly { readonly ms: number; readonly toMs: number; readonly count: number }[] {
  const seen = new Set<number>();
  return report.problems
    .flatMap(problem => problem.shape.bursts.map(burst => ({ ms: Date.parse(burst.from), toMs: Date.parse(burst.to), count: burst.count })))
    .filter(({ ms, toMs }) => !Number.isNaN(ms) && !Number.isNaN(toMs))
    .toSorted((a, b) => b.count - a.count || a.ms - b.ms)
    .filter(({ ms }) => !seen.has(ms) && seen.add(ms));
}
