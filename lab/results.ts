import { appendFileSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Finding } from '../src/core/model/finding.ts';
import type { Verdict } from '../src/core/model/report.ts';
import type { AppliedPlan, RunnerResult } from './runner.ts';
import type { Scenario } from './scenario.ts';

/** What is kept of one played scenario: one line of JSON in the file that BADHOP_LAB_RESULTS names. */
export interface ScenarioRecord {
  readonly scenario: string;
  readonly kind: Scenario['kind'];
  /** The root cause that the scenario brings about. */
  readonly fault?: string;
  readonly result: 'passed' | 'failed';
  /** The runner's step that failed. */
  readonly failedAt?: string;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly machine: string;
  /** The whole scenario from boot to repair, without the wait for its turn. */
  readonly seconds: number;
  /** Milliseconds of each step, the wait for its turn included; absent in older results. */
  readonly times?: RunnerResult['times'];
  /** What hung in its hosts, and when. */
  readonly slow?: readonly string[];
  /** From the start of badhop to its end, the way into the host included. */
  readonly diagnosisMs?: number;
  readonly peakMiB?: number;
  readonly verdict?: Verdict;
  /** Fault id of the first finding, and how sure it is of it. */
  readonly first?: string;
  readonly confidence?: Finding['confidence'];
  readonly applied?: AppliedPlan;
  /** In the report's order. Absent where there was no report. */
  readonly findings?: readonly RecordedFinding[];
}

export type RecordedFinding = Pick<Finding, 'fault' | 'confidence' | 'status' | 'share' | 'causedBy'>;

export function recordOf(played: RunnerResult, at: Date, machine: string): ScenarioRecord {
  const { scenario, failure, failedAt, times, slow, diagnosisMs, maxMiB, report, applied } = played;
  const first = report?.findings[0];
  return {
    scenario: scenario.name,
    kind: scenario.kind,
    ...(scenario.fault !== undefined && { fault: scenario.fault }),
    result: failure === undefined ? 'passed' : 'failed',
    ...(failedAt !== undefined && { failedAt }),
    at: at.toISOString(),
    machine,
    seconds: Math.round((Object.values(times).reduce((sum, ms) => sum + ms, 0) - (times['wait'] ?? 0)) / 100) / 10,
    times,
    ...(slow && { slow }),
    ...(diagnosisMs !== undefined && { diagnosisMs }),
    ...(maxMiB !== undefined && { peakMiB: Math.round(maxMiB) }),
    ...(applied && { applied }),
    ...(report && { verdict: report.verdict }),
    ...(first && { first: first.fault, confidence: first.confidence }),
    ...(report && {
      findings: report.findings.map(({ fault, confidence, status, share, causedBy }) => ({
        fault,
        confidence,
        status,
        share,
        ...(causedBy !== undefined && { causedBy }),
      })),
    }),
  };
}

/** Adds a line; the line is short, so that two that are written at once do not mix. */
export function appendRecord(path: string, record: ScenarioRecord): void {
  appendFileSync(path, `${JSON.stringify(record)}\n`);
}

/** The last record of each scenario, by name. Throws at a line that is none, and says which. */
export function readRecords(path: string): ReadonlyMap<string, ScenarioRecord> {
  const records = new Map<string, ScenarioRecord>();
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    const record = parsed(line);
    if (record === undefined) throw new Error(`line ${index + 1} of ${path} is not the record of a scenario`);
    records.set(record.scenario, record);
  }
  return records;
}

function parsed(line: string): ScenarioRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<ScenarioRecord> | null;
    const isRecord =
      typeof value?.scenario === 'string' && typeof value.seconds === 'number' && typeof value.machine === 'string' && typeof value.at === 'string';
    return isRecord ? (value as ScenarioRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** What kind of machine this is, without its name: `2 cores (AMD EPYC), 8 GiB, Node.js 24.21.0`. */
export function machineKind(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? '';
  const count = `${cores.length} core${cores.length === 1 ? '' : 's'}`;
  return `${count}${model === '' ? '' : ` (${model})`}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node.js ${process.versions.node}`;
}
