import type { Finding } from '../model/finding.ts';
import type { Report, ReportSymptom, Verdict } from '../model/report.ts';
import { causeLines, evidenceLines, nextLines, pathLine, statusMark, tellStory, type Detail, type Story } from './finding-lines.ts';
import { countRows, line, render, styled, type Line, type Look, type Style } from './layout.ts';
import { describeSymptom } from './symptom-text.ts';
import { agoText, openSinceMs } from '../model/last-failure.ts';
import { askedLines, isTrace, tallyText, traceRows } from './trace-lines.ts';
import { verboseLines } from './verbose.ts';
import { clockTime, formatCount, formatShare, formatWindow, plural, reason, sentence, windowLength } from './wording.ts';

export interface TerminalOptions extends Look {
  /** Everything instead of the first screen. */
  readonly verbose: boolean;
}

const screenRows = 24;
const narrowest = 24;
const widest = 100;

// From the most to the least that the first screen shows; the first that fits is taken.
const details: readonly Detail[] = [
  { evidence: 4, evidenceRows: 2, explanationRows: 4, stepRows: 4, air: true, circumstances: true },
  { evidence: 3, evidenceRows: 2, explanationRows: 3, stepRows: 4, air: true, circumstances: true },
  { evidence: 3, evidenceRows: 1, explanationRows: 3, stepRows: 3, air: true, circumstances: true },
  { evidence: 3, evidenceRows: 1, explanationRows: 3, stepRows: 2, air: false, circumstances: true },
  { evidence: 2, evidenceRows: 1, explanationRows: 2, stepRows: 2, air: false, circumstances: true },
  { evidence: 2, evidenceRows: 1, explanationRows: 2, stepRows: 2, air: false, circumstances: false },
];

const verdicts: Readonly<Record<Verdict, { readonly mark: string; readonly word: string; readonly style: Style }>> = {
  failing: { mark: '✗', word: 'FAILING', style: 'bad' },
  recovered: { mark: '✓', word: 'RECOVERED', style: 'good' },
  'at-risk': { mark: '!', word: 'AT RISK', style: 'warn' },
  healthy: { mark: '✓', word: 'HEALTHY', style: 'good' },
  inconclusive: { mark: '?', word: 'INCONCLUSIVE', style: 'warn' },
};

/** The report for a person at a terminal: what is wrong on one screen, or with `verbose` all of it. Ends with a newline. */
export function renderTerminal(report: Report, options: TerminalOptions): string {
  const look: Look = { ...options, width: Math.min(widest, Math.max(narrowest, Math.floor(options.width))) };
  const story = tellStory(report);
  const lines = options.verbose ? [...headLines(report, story), ...verboseLines(report, story, look.width)] : firstScreen(report, story, look);
  return `${render(lines, look)}\n`;
}

function firstScreen(report: Report, story: Story, look: Look): readonly Line[] {
  const { root } = story;
  if (!root) return [...headLines(report, story), ...calmLines(report, story), ...footLines(report, story)];
  const screens = details.map(detail => [...headLines(report, story), ...rootLines(report, story, root, detail, look.width), ...footLines(report, story)]);
  return screens.find(lines => countRows(lines, look) <= screenRows) ?? screens.at(-1) ?? [];
}

function headLines(report: Report, story: Story): Line[] {
  const { mark, word, style } = verdicts[report.verdict];
  const { hostname, name, nginx } = report.host;
  const versions = nginx.length === 0 ? '' : ` (${nginx.slice(0, 3).join(', ')})`;
  const host =
    isTrace(report) && report.trace !== undefined
      ? `${report.trace.url} from ${hostname}`
      : name === 'local' || name === hostname
        ? hostname
        : `${hostname || 'unknown host'} [${name}]`;
  return [
    line(0, styled('quiet', `badhop ${report.tool.version} · ${host}${versions} · ${formatWindow(report.window)}`), { hang: 2, maxRows: 3 }),
    line(0, [styled(style, `${mark} ${word}`), '  ', styled('strong', sentence(headline(report, story)))], { hang: 2, maxRows: 4 }),
  ];
}

/** What is going on, in numbers where there are any: the cause is told below, so the summary that names it would say it twice. */
function headline(report: Report, { root }: Story): string {
  const { verdict, traffic, window, summary } = report;
  if (isTrace(report)) return root && verdict === 'failing' ? tallyText(report) || summary : summary;
  const failed =
    traffic.requests >= traffic.failed ? `${formatCount(traffic.failed)} of ${plural(traffic.requests, 'request')}` : plural(traffic.failed, 'request');
  if (root && verdict === 'failing') {
    return traffic.failed > 0
      ? `${failed} failed in the last ${windowLength(window)}, ${whetherItGoesOn(report)}`
      : 'No failing request was seen yet, but one would fail now';
  }
  if (root && verdict === 'recovered' && traffic.failed > 0) return `${failed} failed in the last ${windowLength(window)}, and none does any more`;
  return summary;
}

function whetherItGoesOn({ symptoms, checked, window }: Report): string {
  const failing = symptoms.map(symptom => ({ ...symptom, lastMs: Date.parse(symptom.lastAt) }));
  const silentMs = checked === undefined ? undefined : openSinceMs(failing, checked.probes, Date.parse(window.to));
  return silentMs === undefined ? 'and it goes on' : `the last one ${agoText(silentMs)}; no backend was asked whether it goes on`;
}

/** A report without a root: what the verdict rests on. */
function calmLines(report: Report, { otherRoots, advice }: Story): Line[] {
  const hints = [...otherRoots, ...advice].slice(0, 4).map(finding => oneLine(report, finding));
  return [
    ...checkedLines(report),
    ...askedLines(report),
    ...symptomLines(report).slice(0, 3),
    ...hints,
    ...(report.verdict === 'inconclusive' ? notCheckedLines(report) : []),
  ];
}

function rootLines(report: Report, { otherRoots: others }: Story, root: Finding, detail: Detail, width: number): Line[] {
  const heading = { active: 'Root cause', past: 'What it was', latent: 'What will fail' }[root.status];
  const blank = detail.air ? [line(0, '')] : [];
  const tail = [
    ...others.slice(0, 4).map(finding => oneLine(report, finding)),
    ...(others.length > 4 ? [line(0, `and ${plural(others.length - 4, 'more finding')} with --verbose`)] : []),
    ...(root.consequences.length > 0 ? [line(0, [styled('strong', 'Follows from it: '), root.consequences.join(', ')], { hang: 2, maxRows: 2 })] : []),
    ...unexplainedLines(report),
    ...(report.verdict === 'inconclusive' ? notCheckedLines(report) : []),
  ];
  return [
    line(0, ''),
    pathLine(report, root),
    ...(report.trace !== undefined && isTrace(report) ? traceRows(report.trace) : askedLines(report)),
    ...blank,
    ...causeLines(report, root, heading, detail.explanationRows),
    ...stoppedLines(report, root),
    ...(detail.circumstances ? circumstanceLines(report, root) : []),
    ...blank,
    line(0, styled('strong', 'Proof:')),
    ...evidenceLines(root.evidence, { pieces: detail.evidence, rows: detail.evidenceRows, width }),
    ...blank,
    ...nextLines(root, detail.stepRows),
    ...(tail.length > 0 ? blank : []),
    ...tail,
  ];
}

/** Another root, or advice, in one row. */
function oneLine(report: Report, finding: Finding): Line {
  const { mark, style } = statusMark(finding);
  const isAdvice = finding.advice === true || finding.status === 'latent';
  const word = isAdvice ? 'Advice: ' : finding.status === 'past' ? 'Earlier: ' : 'Also: ';
  const share = finding.share > 0 && report.traffic.failed > 0 ? [`${formatShare(finding.share)} `] : [];
  const sure = finding.confidence === 'confirmed' ? [] : [styled('quiet', ` (${finding.confidence})`)];
  const lead = isAdvice ? [] : [styled(style, `${mark} `), ...share];
  return line(0, [styled('strong', word), ...lead, `${finding.subject.name}: ${finding.title}`, ...sure], { hang: 2, maxRows: 2 });
}

function stoppedLines(report: Report, root: Finding): Line[] {
  if (root.status !== 'past') return [];
  const last = report.symptoms
    .filter(each => root.symptoms.includes(each.id))
    .map(each => each.lastAt)
    .toSorted()
    .at(-1);
  return last === undefined ? [] : [line(2, `The last failing request was at ${clockTime(last)}.`)];
}

/** When and where the largest symptom of the root shows itself, a row each. */
function circumstanceLines(report: Report, root: Finding): Line[] {
  const own = report.symptoms.filter(each => root.symptoms.includes(each.id)).toSorted((a, b) => b.count - a.count);
  // A file or package says more than the reload that took it up.
  const changes = (own.find(each => each.since !== undefined)?.since ?? []).toSorted((a, b) => rankOf(a) - rankOf(b));
  const where = own[0]?.where;
  return [
    ...(changes.length === 0 ? [] : [line(2, [styled('strong', 'Since: '), changes.map(each => each.text).join('; ')], { maxRows: 1 })]),
    ...(where === undefined ? [] : [line(2, [styled('strong', 'Where: '), where], { maxRows: 1 })]),
  ];
}

function rankOf(change: { readonly source: string; readonly diff?: string }): number {
  if (change.diff !== undefined) return 0;
  return change.source.startsWith('file:') ? 1 : 2;
}

/** What the verdict rests on. */
function checkedLines(report: Report): Line[] {
  const { topology, traffic, checked, trace } = report;
  if (trace !== undefined && isTrace(report)) return traceRows(trace);
  const asked = checked ? `, ${plural(checked.probes, 'probe')} sent` : '';
  const faults = checked ? `, ${plural(checked.faults, 'fault')} looked for` : '';
  const requests = `${plural(traffic.requests, 'request')} read in ${windowLength(report.window)}`;
  const text = `Checked: ${plural(topology.servers.length, 'server block')}, ${plural(topology.peers.length, 'backend address', 'backend addresses')}${asked}, ${requests}${faults}.`;
  const failed = traffic.failed > 0 ? [line(2, `${plural(traffic.failed, 'request')} failed.`)] : [];
  return [line(2, text), ...failed];
}

function symptomLines(report: Report): Line[] {
  return unexplained(report).map(symptom => line(2, describeSymptom(symptom), { hang: 4, maxRows: 3 }));
}

/** The groups of failing requests that no finding explains, the largest first. */
function unexplained({ symptoms, findings }: Report): readonly ReportSymptom[] {
  return symptoms.filter(symptom => !findings.some(finding => finding.symptoms.includes(symptom.id))).toSorted((a, b) => b.count - a.count);
}

function unexplainedLines(report: Report): Line[] {
  const { unexplainedShare, failed } = report.traffic;
  if (unexplainedShare <= 0 || failed === 0) return [];
  const [most] = unexplained(report);
  const example = most ? ` of the failures, mostly ${describeSymptom(most)}` : ' of the failures';
  return [line(0, [styled('strong', 'Unexplained: '), `${formatShare(unexplainedShare)}${example}`], { hang: 2, maxRows: 2 })];
}

function notCheckedLines({ notChecked }: Report): Line[] {
  if (notChecked.length === 0) return [];
  return [line(0, styled('strong', 'Not checked')), ...notChecked.slice(0, 4).map(each => line(2, `${each.what}: ${reason(each)}`, { hang: 4, maxRows: 3 }))];
}

/** What the screen leaves out, in one row. */
function footLines(report: Report, { root, advice }: Story): Line[] {
  const { notChecked, internalErrors, verdict, ruledOut } = report;
  const [first] = notChecked;
  const left = [
    ...(advice.length > 0 && root ? [`${advice.length} advice`] : []),
    ...(ruledOut.length > 0 ? [`${ruledOut.length} ruled out`] : []),
    ...(first ? [`${notChecked.length} not checked${verdict === 'inconclusive' ? '' : ` (${first.what}: ${first.how || first.why})`}`] : []),
  ];
  return [
    ...(internalErrors.length > 0
      ? [line(0, styled('warn', `${plural(internalErrors.length, 'part')} of badhop failed; --verbose says which.`), { hang: 2 })]
      : []),
    ...(left.length > 0 || report.findings.length > 0
      ? [line(0, styled('quiet', left.length > 0 ? `More with --verbose: ${left.join(', ')}` : 'More with --verbose'), { hang: 2, maxRows: 2 })]
      : []),
  ];
}
