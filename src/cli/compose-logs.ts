import { readFileSync } from 'node:fs';
import { faults } from '../core/faults/index.ts';
import { describeLogs } from '../core/logs/insight/describe-logs.ts';
import { readFields } from '../core/logs/scan/read-fields.ts';
import type { LogsReport } from '../core/model/logs-report.ts';
import { followLogs } from '../node/logs/follow-logs.ts';
import type { LogsRequest, LogsResult, Progress } from '../node/logs/request.ts';
import { rollUpLogs } from '../node/logs/roll-up-logs.ts';
import { redactText } from '../node/redact/redact.ts';

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
  const result = await rollUpLogs(question, { onProgress, signal });
  return describe(question, result, startedMs, performance.now() - started);
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
    faults: faults.map(({ meta }) => meta),
    readFields,
    redact: redactText,
  });
  const durationMs = Math.round(readingMs + performance.now() - began);
  return { ...insight, tool: { name: 'badhop', version }, startedAt: new Date(startedMs).toISOString(), durationMs };
}

/** The logs that this machine's nginx writes by its configuration, and the texts of the configuration files that may define their formats. */
export async function findHostLogs(version: string): Promise<{ readonly paths: readonly string[]; readonly configurations: readonly string[] }> {
  const { diagnoseLocal } = await import('./compose.ts');
  const { topology } = await diagnoseLocal({ since: { kind: 'length', ms: 1000 }, probing: false, version, onProgress: () => undefined });
  const paths = topology.servers.flatMap(server => [...server.accessLogs, ...server.errorLogs, ...(server.locationErrorLogs ?? [])].map(log => log.path));
  const files = topology.servers.flatMap(({ origin, accessLogs }) => [
    origin.path,
    ...accessLogs.flatMap(({ origin: from }) => (from.kind === 'file' ? [from.path] : [])),
  ]);
  // A pipe or a syslog server cannot be read back.
  const readable = paths.filter(path => path.startsWith('/') && !path.startsWith('/dev/'));
  return { paths: [...new Set(readable)], configurations: [...new Set([...files, '/etc/nginx/nginx.conf'])].flatMap(textOf) };
}

function textOf(path: string): readonly string[] {
  try {
    return [readFileSync(path, 'utf8')];
  } catch {
    // The format is recognised by the log's lines then.
    return [];
  }
}
