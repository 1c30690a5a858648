/** Whether the failing share goes with the load, or with slow answers (Spearman), told only where it is beyond chance and strong. */
import type { LogProblem } from '../../model/logs-report.ts';
import { correlationOf, lnNormalTail, ranksOf } from './statistics.ts';

type GoesWith = NonNullable<LogProblem['goesWith']>[number];

const leastCorrelation = 0.5;
const mostLnP = Math.log(1e-3);
const fewestSteps = 24;
/** Steps with fewer failures expected at the average share tell little of it. */
const leastExpected = 0.5;

export interface StepCounts {
  readonly requests: readonly number[];
  /** Seconds; null where there is none. */
  readonly median: readonly (number | null)[];
}

/** `failed`: of the problem, by the steps of the time line. */
export function goesWith(failed: ArrayLike<number>, { requests, median }: StepCounts): readonly GoesWith[] {
  const all = requests.reduce((sum, count) => sum + count, 0);
  const failing = Array.from(failed).reduce((sum, count) => sum + count, 0);
  const steps = requests.flatMap((count, step) => (count * failing >= leastExpected * all && count > 0 ? [step] : []));
  const found: GoesWith[] = [];
  const share = (step: number): number => (failed[step] ?? 0) / (requests[step] ?? 1);
  const load = correlate(
    steps.map(share),
    steps.map(step => requests[step] ?? 0),
  );
  if (load !== undefined) {
    const text = load > 0 ? 'the busier it is, the larger the share that fails' : 'the quieter it is, the larger the share that fails';
    found.push({ what: 'load', correlation: load, text });
  }
  const timed = steps.filter(step => (median[step] ?? null) !== null);
  const latency = correlate(
    timed.map(share),
    timed.map(step => median[step] ?? 0),
  );
  if (latency !== undefined && latency > 0)
    found.push({ what: 'latency', correlation: latency, text: 'the slower the answers are, the larger the share that fails' });
  return found;
}

function correlate(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length < fewestSteps) return undefined;
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const correlation = correlationOf(x, y);
  if (Math.abs(correlation) < leastCorrelation) return undefined;
  // Steps that follow each other are alike: they count as fewer (Bartlett).
  const alike = Math.max(0, correlationOf(x.subarray(1), x.subarray(0, -1)) * correlationOf(y.subarray(1), y.subarray(0, -1)));
  const independent = (a.length * (1 - alike)) / (1 + alike);
  if (independent < 6) return undefined;
  const z = Math.atanh(Math.min(0.999, Math.abs(correlation))) * Math.sqrt((independent - 3) / 1.06);
  return lnNormalTail(z) + Math.LN2 > mostLnP ? undefined : Math.round(correlation * 100) / 100;
}
