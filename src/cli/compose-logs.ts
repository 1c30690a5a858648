import { statSync } from 'node:fs';
import { catalogue } from '../core/faults/catalogue.ts';
import { describeLogs } from '../core/logs/insight/describe-logs.ts';
import { readFields } from '../core/logs/scan/read-fields.ts';
import type { LogsReport } from '../core/model/logs-report.ts';
import type { LogsRequest, LogsResult, Progress } from '../node/logs/request.ts';
import { withoutCompression } from '../node/logs/rotation-order.ts';
import { rollUpLogs } from '../node/logs/roll-up-logs.ts';
import { redactText } from '../node/redact/redact.ts';
import { expectShortWork } from './compiler.ts';
import type { HostLogs } from './host-logs.ts';

const littleBytes = 32 * 1024 * 1024;
/** So many are described in a moment. */
const fewSeries = 256;

/** What a person may ask of logs. */
export interface LogsQuestion extends LogsRequest {
  readonly version: string;
  /** As the report tells it. */
  readonly zoneName: string;
}

/** Reads the logs and describes them. With the signal it stops reading and describes what was read by then. */
export async function reportLogs(question: LogsQuestion, onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<LogsReport> {
  const startedMs = Date.now();
  const started = performance.now();
  if (isLittle(question)) expectShortWork();
  const result = await rollUpLogs(question, { onProgress, signal });
  if (result.rollUp.series.length <= fewSeries) expectShortWork();
  return describe(question, result, startedMs, performance.now() - started);
}

/** Plain files that are read in a moment. */
function isLittle({ paths, journalUnits = [] }: LogsQuestion): boolean {
  if (paths.length === 0 || journalUnits.length > 0) return false;
  try {
    const files = paths.map(path => statSync(path));
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return bytes <= littleBytes && files.every(file => file.isFile()) && paths.every(path => withoutCompression(path) === path);
  } catch {
    // A pattern, standard input, or what is not there.
    return false;
  }
}

export interface Following {
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Of all that was read since it began, whenever something came. */
  readonly onReport: (report: LogsReport) => void;
}

/** Reads what is added to the logs until the signal comes; with a start of the window, what is there already too. */
export async function followReports(question: LogsQuestion, { everyMs, signal, onReport }: Following): Promise<LogsReport> {
  const startedMs = Date.now();
  const started = performance.now();
  const now = (result: LogsResult): LogsReport => describe({ ...question, nowMs: Date.now() }, result, startedMs, performance.now() - started);
  const from = Number.isFinite(question.sinceMs) ? 'start' : 'end';
  const { followLogs } = await import('../node/logs/follow-logs.ts');
  return now(await followLogs(question, { signal, everyMs, from, onRollUp: result => onReport(now(result)) }));
}

function describe({ version, zoneName, nowMs }: LogsQuestion, result: LogsResult, startedMs: number, readingMs: number): LogsReport {
  const { rollUp, formats, partial } = result;
  const began = performance.now();
  const insight = describeLogs({
    rollUp,
    formats,
    inputs: result.inputs,
    nowMs,
    zone: zoneName,
    ...(partial === undefined ? {} : { partial }),
    faults: catalogue,
    readFields,
    redact: redactText,
  });
  const durationMs = Math.round(readingMs + performance.now() - began);
  return { ...insight, tool: { name: 'badhop', version }, startedAt: new Date(startedMs).toISOString(), durationMs };
}

/** The logs that this machine's nginx writes by its configuration; with `rotated` also what rotation made of them. */
export async function findHostLogs(version: string, rotated: boolean): Promise<HostLogs> {
  const [{ diagnoseLocal }, { logsOf }] = await Promise.all([import('./compose.ts'), import('./host-logs.ts')]);
  const { topology } = await diagnoseLocal({ since: { kind: 'length', ms: 1000 }, probing: false, version, onProgress: () => undefined });
  return await logsOf(topology, rotated);
}
