import type { Finding, FixPlan } from '../model/finding.ts';
import { agoText, openSinceMs } from '../model/last-failure.ts';
import type { Report } from '../model/report.ts';
import { causeLines, evidenceLines, pathLine, planFacts, stepLines, type Story } from './finding-lines.ts';
import { line, styled, wholeLine, type Line } from './layout.ts';
import { listWays } from './path.ts';
import { describeSymptom } from './symptom-text.ts';
import { shellLine } from './text.ts';
import { isTrace, traceSections } from './trace-lines.ts';
import { clockTime, formatShare, plural, readableSource, reason, sentence } from './wording.ts';

// A host may have thousands of routes; beyond this the list helps nobody, and the JSON has them all.
const mostWays = 60;

/** Everything that the report holds, below its head. */
export function verboseLines(report: Report, story: Story, width: number): Line[] {
  const { host, traffic } = report;
  return [
    line(2, `${host.os}, kernel ${host.kernel}, ${isTrace(report) ? 'asked' : 'read'} as ${host.user}, in ${(report.durationMs / 1000).toFixed(1)} s`),
    line(2, `${plural(traffic.requests, 'request')}, ${traffic.failed} failed, ${formatShare(traffic.explainedShare)} of those explained`),
    ...(isTrace(report) ? [] : section('Paths', wayLines(report))),
    ...[...(story.root ? [story.root] : []), ...story.otherRoots].flatMap(finding => findingLines(report, finding, 'Root cause', width)),
    ...story.consequences.flatMap(finding => findingLines(report, finding, 'Follows', width)),
    ...story.advice.flatMap(finding => findingLines(report, finding, 'Advice', width)),
    ...(report.trace === undefined ? [] : traceSections(report.trace).flatMap(({ heading, lines }) => section(heading, lines))),
    ...section(
      'Symptoms',
      report.symptoms.flatMap(each => symptomBlock(report, each, width)),
    ),
    ...section(
      'Ruled out',
      report.ruledOut.map(each => line(2, [styled('strong', each.fault), `: ${sentence(each.because)}`], { hang: 4 })),
    ),
    ...section(
      'Not checked',
      report.notChecked.map(each => line(2, [styled('strong', each.what), `: ${reason(each)}`], { hang: 4 })),
    ),
    ...section(
      "badhop's own errors",
      report.internalErrors.map(text => line(2, text, { hang: 4, maxRows: 6 })),
    ),
  ];
}

function section(heading: string, lines: readonly Line[]): Line[] {
  return lines.length === 0 ? [] : [line(0, ''), line(0, styled('strong', heading)), ...lines];
}

function wayLines({ topology }: Report): Line[] {
  const ways = listWays(topology);
  const shown = ways.slice(0, mostWays).map(hops => line(2, ['client', ...hops].join(' → '), { hang: 4 }));
  return ways.length > mostWays ? [...shown, line(2, `and ${ways.length - mostWays} more`)] : shown;
}

function findingLines(report: Report, finding: Finding, heading: string, width: number): Line[] {
  return [
    line(0, ''),
    ...causeLines(report, finding, heading, Infinity),
    line(2, [styled('quiet', 'fault '), finding.fault, styled('quiet', ', seen at '), finding.subject.name], { hang: 4 }),
    pathLine(report, finding),
    ...evidenceLines(finding.evidence, { pieces: Infinity, rows: 12, width }),
    ...(finding.consequences.length > 0 ? [line(2, [styled('quiet', 'leads to '), finding.consequences.join(', ')], { hang: 4 })] : []),
    ...finding.fixes.flatMap(planLines),
  ];
}

function planLines(plan: FixPlan): Line[] {
  return [
    line(2, [styled('strong', `Fix ${plan.id}:`), ` ${plan.summary}`, styled('quiet', ` (${planFacts(plan)})`)], { hang: 4 }),
    ...plan.steps.flatMap((step, index) => [line(4, styled('quiet', `step ${index + 1}`)), ...stepLines(step, 6)]),
    ...plan.validate.map(argv => wholeLine(4, [styled('quiet', 'must pass: '), styled('code', shellLine(argv))])),
    line(4, [styled('quiet', 'it worked when: '), plan.verify], { hang: 6 }),
  ];
}

function symptomBlock(report: Report, symptom: Report['symptoms'][number], width: number): Line[] {
  const causes = report.findings.filter(finding => finding.symptoms.includes(symptom.id)).map(finding => finding.fault);
  const when = symptom.firstAt === symptom.lastAt ? `at ${clockTime(symptom.firstAt)}` : `${clockTime(symptom.firstAt)}–${clockTime(symptom.lastAt)}`;
  const silentMs = openSinceMs([{ ...symptom, lastMs: Date.parse(symptom.lastAt) }], report.checked?.probes ?? 1, Date.parse(report.window.to));
  const state = symptom.ongoing ? (silentMs === undefined ? 'going on' : `last ${agoText(silentMs)}`) : 'stopped';
  return [
    line(2, describeSymptom(symptom), { hang: 4 }),
    line(
      4,
      styled('quiet', `${when}, ${state}, ${symptom.shape}; ${causes.length > 0 ? `explained by ${[...new Set(causes)].join(', ')}` : 'not explained'}`),
      { hang: 6 },
    ),
    ...(symptom.since ?? []).flatMap(each => [
      line(4, [styled('quiet', `since ${clockTime(each.at)}: `), each.text, styled('quiet', ` (${readableSource(each.source)})`)], { hang: 6 }),
      ...(each.diff ?? '').split('\n').flatMap(row => (row === '' ? [] : [line(6, row, { hang: 8, maxRows: 2 })])),
    ]),
    ...(symptom.where === undefined ? [] : [line(4, [styled('quiet', 'where: '), symptom.where], { hang: 6 })]),
    ...evidenceLines(symptom.samples, { pieces: 2, rows: 3, width }),
  ];
}
