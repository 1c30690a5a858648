import type { MadeBy } from '../../model/facts/logs.ts';
import type { LogTotals } from '../../model/logs-report.ts';
import type { RollUp } from '../scan/roll-up.ts';
import { isRetried } from './groups.ts';
import { latencyOf } from './times.ts';

export function totalsOf({ series }: RollUp): LogTotals {
  let [requests, failed, hiddenRetries, errors] = [0, 0, 0, 0];
  const byStatus = new Map<number, number>();
  const byMadeBy: Partial<Record<MadeBy, number>> = {};
  for (const { kind, count, outcome, folded } of series) {
    if (kind === 'error') {
      if (outcome?.failed === true) errors += count;
      continue;
    }
    requests += count;
    if (outcome === undefined) continue;
    if (outcome.status !== 0) byStatus.set(outcome.status, (byStatus.get(outcome.status) ?? 0) + count);
    if (isRetried(outcome, folded)) hiddenRetries += count;
    else if (outcome.failed) {
      failed += count;
      byMadeBy[outcome.madeBy] = (byMadeBy[outcome.madeBy] ?? 0) + count;
    }
  }
  const latency = latencyOf(series);
  const statuses = [...byStatus].sort((a, b) => a[0] - b[0]).map(([status, count]) => [String(status), count] as const);
  return { requests, failed, hiddenRetries, errors, byStatus: Object.fromEntries(statuses), byMadeBy, ...(latency === undefined ? {} : { latency }) };
}
