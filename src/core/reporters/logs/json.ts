import type { LogsReport } from '../../model/logs-report.ts';
import { jsonText, type JsonOptions } from '../json.ts';

/** The contract as text: keys in the order of the contract, valid JSON for any text, and nothing in it that a terminal acts on. Ends with a newline. */
export function renderLogsJson(report: LogsReport, options: JsonOptions = {}): string {
  const { schemaVersion, kind, tool, startedAt, durationMs, window, zone, verdict, summary, partial, inputs, totals, timeline, problems, peers, ...rest } =
    report;
  return jsonText(
    { schemaVersion, kind, tool, startedAt, durationMs, window, zone, verdict, summary, partial, inputs, totals, timeline, problems, peers, ...rest },
    options,
  );
}
