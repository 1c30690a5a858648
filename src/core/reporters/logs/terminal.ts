import type { Finding } from '../../model/finding.ts';
import type { LogsReport } from '../../model/logs-report.ts';
import type { Verdict } from '../../model/report.ts';
import { causeLines, evidenceLines, nextLines } from '../finding-lines.ts';
import { countRows, line, render, styled, wholeLine, type Line, type Look, type Style } from '../layout.ts';
import { formatCount, plural, reason, sentence } from '../wording.ts';
import { bytesText, finePercent, secondsText } from './figures.ts';
import { inputLines, notUnderstood, unreadLines } from './input-lines.ts';
import { peerLines } from './peer-lines.ts';
import { problemLines, type ProblemDetail } from './problem-lines.ts';
import { moreTimeLines, timeLines } from './time-line.ts';
import { spanText, zoneClock } from './zone-clock.ts';

export interface LogsTerminalOptions extends Look {
  /** Everything instead of the first screen. */
  readonly verbose: boolean;
}

/** How much the first screen shows. */
interface Detail {
  /** Of the problems, the most frequent first. */
  readonly problems: readonly ProblemDetail[];
  readonly peers: number;
  readonly causeRows: number;
  readonly next: number;
  /** Of lines that were not understood. */
  readonly examples: number;
  readonly air: boolean;
}

const screenRows = 24;
const narrowest = 24;
const widest = 120;

const titleOnly: ProblemDetail = { where: 0, messages: 0, samples: 0, sampleRows: 1, peers: false, when: false };
export const full: ProblemDetail = { where: 2, messages: 1, samples: 1, sampleRows: 2, peers: true, when: true };
export const brief: ProblemDetail = { where: 1, messages: 1, samples: 0, sampleRows: 1, peers: true, when: true };
const bare: ProblemDetail = { where: 1, messages: 0, samples: 0, sampleRows: 1, peers: false, when: true };
const all: ProblemDetail = { where: Infinity, messages: Infinity, samples: Infinity, sampleRows: 12, peers: true, when: true };

// From the most to the least that the first screen shows; the first that fits is taken.
const details: readonly Detail[] = [
  { problems: [full, brief, brief], peers: 4, causeRows: 3, next: 2, examples: 1, air: true },
  { problems: [full, bare, bare], peers: 3, causeRows: 3, next: 2, examples: 1, air: false },
  { problems: [full, bare, titleOnly], peers: 3, causeRows: 2, next: 1, examples: 1, air: false },
  { problems: [brief, bare, titleOnly], peers: 2, causeRows: 2, next: 1, examples: 0, air: false },
  { problems: [brief, titleOnly, titleOnly], peers: 2, causeRows: 1, next: 1, examples: 0, air: false },
  { problems: [brief, titleOnly], peers: 1, causeRows: 1, next: 1, examples: 0, air: false },
  { problems: [bare], peers: 1, causeRows: 1, next: 1, examples: 0, air: false },
  { problems: [titleOnly], peers: 1, causeRows: 1, next: 1, examples: 0, air: false },
];

export const logVerdicts: Readonly<Record<Verdict, { readonly mark: string; readonly word: string; readonly style: Style }>> = {
  failing: { mark: '✗', word: 'FAILING', style: 'bad' },
  recovered: { mark: '✓', word: 'RECOVERED', style: 'good' },
  'at-risk': { mark: '!', word: 'AT RISK', style: 'warn' },
  healthy: { mark: '✓', word: 'HEALTHY', style: 'good' },
  inconclusive: { mark: '?', word: 'INCONCLUSIVE', style: 'warn' },
};

/** The report for a person at a terminal: the answer first and all that matters on one screen, or with `verbose` all of it. Ends with a newline. */
export function renderLogsTerminal(report: LogsReport, options: LogsTerminalOptions): string {
  const look = lookFor(options);
  const lines = options.verbose ? everything(report, look) : firstScreen(report, look);
  return `${render(lines, look)}\n`;
}

/** The width held to what can be read. */
export function lookFor(options: LogsTerminalOptions): Look {
  return { ...options, width: Math.min(widest, Math.max(narrowest, Math.floor(options.width))) };
}

function firstScreen(report: LogsReport, look: Look): readonly Line[] {
  const screens = details.map(detail => screen(report, look, detail));
  return screens.find(lines => countRows(lines, look) <= screenRows) ?? screens.at(-1) ?? [];
}

function screen(report: LogsReport, look: Look, detail: Detail): Line[] {
  const blank = detail.air ? [line(0, '')] : [];
  const problems = report.problems.slice(0, detail.problems.length);
  const peers = peerLines(report, detail.peers, look);
  const [finding] = report.findings;
  return [
    ...headLines(report),
    ...spaced(timeLines(report, look), [line(0, '')]),
    ...spaced(
      problems.flatMap((problem, index) => problemLines(report, problem, index + 1, detail.problems[index] ?? bare, look.width)),
      blank,
    ),
    ...spaced(peers, blank),
    ...(finding ? spaced(causeLines(traffic(report, finding), finding, causeHeading(finding), detail.causeRows), blank) : []),
    ...spaced(nextSteps(report, detail.next), blank),
    ...spaced([...unreadLines(report, 2), ...notUnderstood(report, detail.examples)], blank),
    ...(report.verdict === 'inconclusive' ? notCheckedLines(report, 4) : []),
    ...footLines(report, problems.length),
  ];
}

function everything(report: LogsReport, look: Look): Line[] {
  const { width } = look;
  return [
    ...headLines(report),
    ...spaced(timeLines(report, look), [line(0, '')]),
    ...section('Over time', moreTimeLines(report, look)),
    ...section('Totals', totalLines(report)),
    ...section(
      'Problems',
      report.problems.flatMap((problem, index) => problemLines(report, problem, index + 1, all, width)),
    ),
    ...section('Peers', peerLines(report, Infinity, look)),
    ...report.findings.flatMap(finding => findingLines(report, finding, width)),
    ...section('Run next', nextSteps(report, Infinity)),
    ...section('Logs', inputLines(report)),
    ...section('Not checked', notCheckedLines(report, Infinity)),
    ...section(
      "badhop's own errors",
      report.internalErrors.map(text => line(2, text, { hang: 4, maxRows: 6 })),
    ),
  ];
}

export function spaced(lines: readonly Line[], blank: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : [...blank, ...lines];
}

function section(heading: string, lines: readonly Line[]): Line[] {
  return lines.length === 0 ? [] : [line(0, ''), line(0, styled('strong', heading)), ...lines];
}

/** The verdict in a sentence, and what it was made of. */
export function headLines(report: LogsReport): Line[] {
  const { mark, word, style } = logVerdicts[report.verdict];
  return [
    line(0, [styled(style, `${mark} ${word}`), '  ', styled('strong', sentence(report.summary))], { hang: 2, maxRows: 4 }),
    line(0, styled('quiet', coverage(report)), { hang: 2, maxRows: 3 }),
    ...(report.partial === undefined ? [] : [line(0, styled('warn', `! Only a part was read: ${sentence(report.partial)}`), { hang: 2, maxRows: 3 })]),
  ];
}

/** `2026-11-21 06:00:00–08:00:00 UTC · 1,204,331 requests, 4,120 failed (0.34 %) · 3 logs, 1.2 GB`. */
export function coverage({ window, zone, totals, inputs }: LogsReport): string {
  const { requests, failed, errors } = totals;
  const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0);
  const share = requests > 0 ? ` (${finePercent(failed / requests)})` : '';
  return [
    ...(window ? [spanText(zoneClock(zone), Date.parse(window.from), Date.parse(window.to))] : []),
    ...(requests > 0 ? [`${plural(requests, 'request')}, ${formatCount(failed)} failed${share}`] : []),
    ...(errors > 0 ? [plural(errors, 'error message')] : []),
    ...(totals.hiddenRetries > 0 ? [plural(totals.hiddenRetries, 'hidden retry', 'hidden retries')] : []),
    `${plural(inputs.length, 'log')}, ${bytesText(bytes)}`,
  ].join(' · ');
}

function totalLines({ totals, durationMs, tool }: LogsReport): Line[] {
  const statuses = Object.entries(totals.byStatus).toSorted(([, a], [, b]) => b - a);
  const makers = Object.entries(totals.byMadeBy).toSorted(([, a], [, b]) => b - a);
  const { latency } = totals;
  return [
    ...(statuses.length > 0 ? [line(2, `Answers: ${statuses.map(([status, count]) => `${status} × ${formatCount(count)}`).join(', ')}`, { hang: 4 })] : []),
    ...(makers.length > 0
      ? [line(2, `Failures made by: ${makers.map(([maker, count]) => `${makerName(maker)} ${formatCount(count)}`).join(', ')}`, { hang: 4 })]
      : []),
    ...(totals.hiddenRetries > 0 ? [line(2, hiddenRetries(totals.hiddenRetries), { hang: 4 })] : []),
    ...(latency
      ? [
          line(
            2,
            `Latency: median ${secondsText(latency.median)}, mean ${secondsText(latency.mean)}, p95 ${secondsText(latency.p95)}, p99 ${secondsText(latency.p99)} of ${plural(latency.count, 'request')} (±${finePercent(latency.error)})`,
            { hang: 4 },
          ),
        ]
      : []),
    line(2, `Read by badhop ${tool.version} in ${secondsText(durationMs / 1000)}.`),
  ];
}

/** What a reader calls who made an answer. */
export function makerName(madeBy: string): string {
  return { backend: 'the backend', nginx: 'nginx', proxy: 'the proxy', client: 'the client', unknown: 'unknown' }[madeBy] ?? madeBy;
}

export function hiddenRetries(count: number): string {
  return `${plural(count, 'request')} succeeded only because another peer was asked after one failed.`;
}

function findingLines(report: LogsReport, finding: Finding, width: number): Line[] {
  return [
    line(0, ''),
    ...causeLines(traffic(report, finding), finding, causeHeading(finding), Infinity),
    line(2, [styled('quiet', 'fault '), finding.fault, styled('quiet', ', seen at '), finding.subject.name], { hang: 4 }),
    ...evidenceLines(finding.evidence, { pieces: Infinity, rows: 12, width }),
    ...nextLines(finding, Infinity),
  ];
}

/** What does not fail by itself explains no failure. */
export function causeHeading({ status, advice }: Finding): 'Cause' | 'Advice' {
  return status === 'latent' || advice === true ? 'Advice' : 'Cause';
}

function traffic({ totals }: LogsReport, finding: Finding): Parameters<typeof causeLines>[0] {
  const failed = causeHeading(finding) === 'Advice' ? 0 : totals.failed + totals.errors;
  return { traffic: { requests: totals.requests, failed, explainedShare: 0, unexplainedShare: 0 } };
}

/** What to run where, to know the rest. */
function nextSteps({ next }: LogsReport, most: number): Line[] {
  const shown = next.slice(0, most);
  if (shown.length === 0) return [];
  const lead = most === Infinity ? '' : 'Run next: ';
  return shown.flatMap(({ command, why }) => [
    wholeLine(0, [styled('strong', lead), styled('code', command)]),
    line(4, styled('quiet', sentence(why)), { maxRows: most === Infinity ? 4 : 1 }),
  ]);
}

export function notCheckedLines({ notChecked }: LogsReport, most: number): Line[] {
  return notChecked.slice(0, most).map(each => line(2, [styled('strong', each.what), `: ${reason(each)}`], { hang: 4, maxRows: most === Infinity ? 12 : 3 }));
}

/** What the screen leaves out, in one row. */
function footLines(report: LogsReport, shown: number): Line[] {
  const { notChecked, internalErrors, findings, problems } = report;
  const left = [
    ...(problems.length > shown ? [plural(problems.length - shown, 'more problem')] : []),
    ...(findings.length > 1 ? [plural(findings.length - 1, 'more finding')] : []),
    ...(notChecked.length > 0 ? [`${formatCount(notChecked.length)} not checked`] : []),
  ];
  const own = internalErrors.length > 0 ? [line(0, styled('warn', `${plural(internalErrors.length, 'part')} of badhop failed; --verbose says which.`))] : [];
  const isMore = problems.length > 0 || left.length > 0;
  const text = `More with --verbose${left.length > 0 ? `: ${left.join(', ')}` : ''}; --format html draws it.`;
  return [...own, ...(isMore ? [line(0, styled('quiet', text), { hang: 2, maxRows: 2 })] : [])];
}
