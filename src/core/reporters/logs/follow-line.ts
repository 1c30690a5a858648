import type { LogsReport } from '../../model/logs-report.ts';
import { line, render, styled, type Look, type Span } from '../layout.ts';
import { formatCount, plural } from '../wording.ts';
import { finePercent } from './figures.ts';
import { zoneClock } from './zone-clock.ts';

const most = 3;

/**
 * What came since the report before, in one row: `07:31:20  1,204 requests, 34 failed (2.8 %): 502 × 30, 504 × 4; 10.0.0.7:8080 (30)`.
 * Empty where nothing came. Ends without a newline.
 */
export function followLine(report: LogsReport, before: LogsReport | undefined, look: Look): string {
  const { totals, window, zone } = report;
  const requests = totals.requests - (before?.totals.requests ?? 0);
  const failed = totals.failed - (before?.totals.failed ?? 0);
  const errors = totals.errors - (before?.totals.errors ?? 0);
  if (requests <= 0 && errors <= 0) return '';
  const statuses = more(
    countsOf(report, before, problem => [[problem.status === undefined ? (problem.class ?? 'other') : String(problem.status), problem.count]]),
  );
  const peers = more(countsOf(report, before, problem => problem.peers.map(({ peer, count }) => [peer, count])));
  const spans: Span[] = [
    styled('quiet', window ? zoneClock(zone).time(Date.parse(window.to)) : ''),
    '  ',
    [...(requests > 0 ? [plural(requests, 'request')] : []), ...(errors > 0 ? [plural(errors, 'error message')] : [])].join(', '),
    ...(failed > 0 ? [', ', styled('bad', `${formatCount(failed)} failed (${finePercent(failed / Math.max(requests, failed))})`)] : []),
    ...(statuses.length > 0 ? [`: ${statuses.map(([name, count]) => `${name} × ${formatCount(count)}`).join(', ')}`] : []),
    ...(peers.length > 0 ? [`; ${peers.map(([name, count]) => `${name} (${formatCount(count)})`).join(', ')}`] : []),
  ];
  return render([line(0, spans, { maxRows: 1 })], look);
}

/** How much each name has more than before, over all problems. */
function countsOf(
  report: LogsReport,
  before: LogsReport | undefined,
  read: (problem: LogsReport['problems'][number]) => readonly (readonly [string, number])[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [name, count] of report.problems.flatMap(read)) counts.set(name, (counts.get(name) ?? 0) + count);
  for (const [name, count] of before?.problems.flatMap(read) ?? []) counts.set(name, (counts.get(name) ?? 0) - count);
  return counts;
}

function more(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts]
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most);
}
