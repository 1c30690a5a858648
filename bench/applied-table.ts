import type { ScenarioRecord } from '../lab/results.ts';
import { sortedRows, table } from './markdown-table.ts';

const heading = '## Plans that badhop carried out';

/** The part of `docs/accuracy.md` about changes: `days` are those on which they were made. */
export function appliedSection(records: readonly ScenarioRecord[], days: readonly string[]): string {
  const automatic = records.filter(({ applied, failedAt }) => applied !== undefined || failedAt === 'apply');
  const good = automatic.filter(({ result, applied }) => result === 'passed' && applied?.undone === true);
  const rows = automatic.map(({ scenario, fault, applied, result, failedAt }) => [
    scenario,
    fault ?? '-',
    applied?.plan ?? '-',
    failed(applied?.before),
    failed(applied?.after),
    result === 'passed' && applied?.undone === true ? 'bytes, owner, mode as before' : `failed at: ${failedAt ?? 'unknown'}`,
  ]);
  return [
    heading,
    '',
    'The same stories with `badhop fix --apply` under running traffic, the look of a user afterwards, and `badhop undo`. Failed requests are',
    'those in the access log: in the window of the diagnosis, and in the seconds after the change. Where the log shows none, the probes decide.',
    '',
    `Seen ${days.join(', ')}: ${good.length} of ${automatic.length} ended the errors and were taken back exactly.`,
    '',
    table(['Scenario', 'Fault', 'Plan', 'Failed before', 'Failed after', 'Undone'], sortedRows(rows)),
    '',
  ].join('\n');
}

/** That part of a page, so that it stays when the rest is made anew. */
export function appliedPartOf(page: string): string | undefined {
  const at = page.indexOf(`${heading}\n`);
  if (at < 0) return undefined;
  const end = page.indexOf('\n## ', at + heading.length);
  return end < 0 ? page.slice(at) : page.slice(at, end);
}

function failed(counts: { readonly requests: number; readonly failed: number } | undefined): string {
  return counts === undefined ? '-' : `${counts.failed} of ${counts.requests}`;
}
