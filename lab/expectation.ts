import type { Report } from '../src/core/model/report.ts';
import { misbehaviour } from './badhop.ts';
import type { BadhopRun } from './badhop.ts';
import type { Expectation } from './scenario.ts';

/** What in the report is not as expected, a sentence each; empty where all is. */
export function mismatches(expected: Expectation, report: Report, exitCode: number, run?: BadhopRun): string[] {
  const wrong: string[] = [];
  const first = report.findings[0];
  const demand = (isSo: boolean, text: string): void => {
    if (!isSo) wrong.push(text);
  };
  const oneOf = <T>(allowed: T | readonly T[], value: T): boolean => [allowed].flat().includes(value);

  if (expected.verdict !== undefined)
    demand(oneOf(expected.verdict, report.verdict), `the verdict is ${report.verdict}, not ${[expected.verdict].flat().join(' or ')}`);
  if (expected.exitCode !== undefined) demand(exitCode === expected.exitCode, `the exit code is ${exitCode}, not ${expected.exitCode}`);
  if (expected.first !== undefined) {
    const allowed = [expected.first, ...(expected.orFirst ?? [])];
    demand(first !== undefined && allowed.includes(first.fault), `the first finding is ${first?.fault ?? 'missing'}, not ${allowed.join(' or ')}`);
  }
  if (first !== undefined) {
    if (expected.firstConfidence !== undefined) {
      demand(oneOf(expected.firstConfidence, first.confidence), `${first.fault} is ${first.confidence}, not ${[expected.firstConfidence].flat().join(' or ')}`);
    }
    if (expected.status !== undefined) demand(first.status === expected.status, `${first.fault} is ${first.status}, not ${expected.status}`);
    for (const [key, value] of Object.entries(expected.subject ?? {})) {
      const actual = first.subject[key as keyof typeof first.subject];
      demand(JSON.stringify(actual) === JSON.stringify(value), `its subject has ${key} ${JSON.stringify(actual)}, not ${JSON.stringify(value)}`);
    }
    demand(first.share >= (expected.minShare ?? 0), `it explains ${first.share} of the failing requests, less than ${expected.minShare}`);
    for (const fault of expected.consequences ?? [])
      demand(first.consequences.includes(fault), `${fault} is not among its consequences (${first.consequences.join(', ') || 'none'})`);
    for (const piece of expected.evidence ?? []) {
      const found = first.evidence.some(({ source, text }) => [source, text].some(part => holds(part, piece)));
      demand(found, `its evidence does not show ${String(piece)}`);
    }
  }
  for (const other of expected.findings ?? []) {
    const found = report.findings.some(
      finding =>
        finding.fault === other.fault && finding.confidence === (other.confidence ?? finding.confidence) && finding.status === (other.status ?? finding.status),
    );
    demand(found, `${[other.confidence, other.status, other.fault].filter(Boolean).join(' ')} is not found`);
  }
  const active = report.findings.filter(finding => finding.status === 'active');
  for (const fault of expected.notFindings ?? []) demand(!active.some(finding => finding.fault === fault), `${fault} is found, and it is not so`);
  if (expected.noneActive) demand(active.length === 0, `nothing is broken, but these are active: ${active.map(finding => finding.fault).join(', ')}`);
  for (const fault of expected.ruledOut ?? [])
    demand(
      report.ruledOut.some(each => each.fault === fault),
      `${fault} is not ruled out`,
    );
  for (const piece of expected.notChecked ?? []) {
    const found = report.notChecked.some(({ what, why, how }) => holds(`${what}: ${why} ${how}`, piece));
    demand(found, `what was not checked does not say ${String(piece)}`);
  }
  const since = report.symptoms.flatMap(symptom => symptom.since ?? []);
  for (const piece of expected.since ?? [])
    demand(
      since.some(({ text, diff = '' }) => holds(`${text}\n${diff}`, piece)),
      `no symptom is said to fail since ${String(piece)} (${since.map(each => each.text).join('; ') || 'none says since when'})`,
    );
  for (const piece of expected.notSince ?? []) {
    const found = since.find(({ text }) => holds(text, piece));
    demand(found === undefined, `it did not begin then, but it is said to fail ${found?.text ?? ''}`);
  }
  if (expected.where !== undefined) {
    const where = report.symptoms.flatMap(symptom => symptom.where ?? []);
    demand(
      where.some(text => holds(text, expected.where ?? '')),
      `no symptom is said to be ${String(expected.where)} (${where.join('; ') || 'none says where'})`,
    );
  }
  if (run) {
    wrong.push(...misbehaviour(run));
    demand(run.ms <= (expected.maxMs ?? Infinity), `it took ${run.ms} ms, more than ${expected.maxMs}`);
    demand((run.maxMiB ?? 0) <= (expected.maxMiB ?? Infinity), `it held ${Math.round(run.maxMiB ?? 0)} MiB, more than ${expected.maxMiB}`);
  }
  demand(report.internalErrors.length === 0, `badhop failed inside: ${report.internalErrors.join('; ')}`);
  return [...wrong, ...(expected.check?.(report) ?? [])];
}

function holds(text: string, piece: string | RegExp): boolean {
  return typeof piece === 'string' ? text.includes(piece) : piece.test(text);
}

/** What the report says, short, for a message about a failed scenario. */
export function digest(report: Report): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const lines = [
    `verdict ${report.verdict}: ${report.summary}`,
    `traffic: ${report.traffic.failed} of ${report.traffic.requests} requests failed, ${percent(report.traffic.explainedShare)} explained`,
    'findings:',
    ...report.findings.flatMap(finding => [
      `  ${finding.fault}  ${finding.confidence} ${finding.status}  ${percent(finding.share)}  ${finding.subject.kind} ${finding.subject.id}  → ${finding.consequences.join(', ') || '-'}`,
      ...finding.evidence.slice(0, 3).map(({ source, text }) => `      ${source}: ${text.slice(0, 160)}`),
    ]),
    'symptoms:',
    ...report.symptoms.map(symptom => `  ${symptom.class}  × ${symptom.count}  ${JSON.stringify(symptom.samples[0]?.text ?? '').slice(0, 160)}`),
    'ruled out:',
    ...report.ruledOut.map(each => `  ${each.fault}: ${each.because}`),
    'not checked:',
    ...report.notChecked.slice(0, 12).map(each => `  ${each.what}: ${each.why}`),
  ];
  return lines.join('\n');
}
