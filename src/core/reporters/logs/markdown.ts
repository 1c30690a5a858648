import type { LogProblem, LogsReport, PeerCount } from '../../model/logs-report.ts';
import { render, type Line } from '../layout.ts';
import { escapeText } from '../text.ts';
import { formatCount, formatShare, plural, readableSource, reason, sentence } from '../wording.ts';
import { bytesText, finePercent, secondsText, shorten } from './figures.ts';
import { inputText, misfitShare } from './input-lines.ts';
import { causeHeading, coverage, hiddenRetries, logVerdicts, makerName } from './terminal.ts';
import { timeLines } from './time-line.ts';
import { whenText } from './problem-lines.ts';

const most = { problems: 20, samples: 2, peers: 12, inputs: 40, rows: 8 } as const;
const longest = 600;
const timeLineWidth = 96;

/** The report for a ticket or a post-mortem, in CommonMark with tables as GitHub and GitLab have them. Ends with a newline. */
export function renderLogsMarkdown(report: LogsReport): string {
  const { mark, word } = logVerdicts[report.verdict];
  const blocks = [
    `# ${mark} ${word}: ${prose(sentence(report.summary))}`,
    prose(coverage(report)),
    ...(report.partial === undefined ? [] : [`**Only a part was read:** ${prose(sentence(report.partial))}`]),
    ...pictureBlocks(timeLines(report, { width: timeLineWidth, unicode: true })),
    ...report.problems.slice(0, most.problems).flatMap((problem, index) => problemBlocks(report, problem, index + 1)),
    ...(report.problems.length > most.problems ? [`And ${plural(report.problems.length - most.problems, 'more problem')}.`] : []),
    ...findingBlocks(report),
    ...nextBlocks(report),
    ...peerBlocks(report),
    ...totalBlocks(report),
    ...inputBlocks(report),
    ...notCheckedBlocks(report),
    `*Made by badhop ${prose(report.tool.version)}, started ${prose(report.startedAt)}. Times are ${prose(report.zone)}.*`,
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Text in a sentence: nothing in it is read as markup, a link or HTML. */
export function prose(text: string): string {
  return escapeText(shorten(text, longest))
    .split(' ')
    .map(word => (linked.test(word) ? code(word) : word.replaceAll(/[\\`*_{}[\]<>#|~&$]/g, String.raw`\$&`)))
    .join(' ');
}

// Ticket sites make a link or a mention of these whatever is escaped, but not in code; the last two would start a list or a rule.
const linked = /:\/\/|www\.|@\w|#\d|^\d+[.)]$|^[-+=>]+$/i;

/** Text as it is, between as many backticks as it needs. */
export function code(text: string): string {
  const safe = escapeText(shorten(text, longest)).trim() || ' ';
  const fence = '`'.repeat(longestRun(safe) + 1);
  const pad = safe.startsWith('`') || safe.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${safe}${pad}${fence}`;
}

/** Lines as they are, in a block that nothing in them ends. */
function codeBlock(lines: readonly string[], language = 'text'): string {
  const safe = lines.map(text => escapeText(shorten(text, 2 * longest)));
  const fence = '`'.repeat(Math.max(3, ...safe.map(text => longestRun(text) + 1)));
  return [`${fence}${language}`, ...safe, fence].join('\n');
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(run => run.length));
}

/** In a table a bar ends the cell, in code too. */
function cell(markdown: string): string {
  return markdown.replaceAll(/(?<!\\)\|/g, String.raw`\|`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[], firstNumber: number): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [row(head), row(head.map((_, index) => (index >= firstNumber ? '---:' : '---'))), ...rows.map(row)].join('\n');
}

function pictureBlocks(lines: readonly Line[]): readonly string[] {
  if (lines.length === 0) return [];
  return [['```text', render(lines, { width: timeLineWidth, colour: false, unicode: true }), '```'].join('\n')];
}

function problemBlocks(report: LogsReport, problem: LogProblem, number: number): readonly string[] {
  const { share, because, peers, where, goesWith = [], messages, samples } = problem;
  const facts = [
    prose(whenText(report, problem)),
    ...(share === undefined ? [] : [`${finePercent(share)} of the requests.`]),
    ...(because === undefined ? [] : [`Cannot tell who made it: ${prose(sentence(because))}`]),
    ...(peers.length > 0
      ? [
          `At ${peers
            .slice(0, most.rows)
            .map(({ peer, count }) => `${code(peer)} (${formatCount(count)})`)
            .join(', ')}${peers.length > most.rows ? ` and ${peers.length - most.rows} more` : ''}.`,
        ]
      : []),
    ...where
      .slice(0, most.rows)
      .map(
        each =>
          `${prose(each.text)} (${each.estimated ? 'about ' : ''}${finePercent(each.amongFailing)} of the failures, ${finePercent(each.amongOthers)} of the rest).`,
      ),
    ...goesWith.map(each => `Goes with ${each.what}: ${prose(each.text)} (correlation ${each.correlation.toFixed(2)}).`),
    ...messages.slice(0, most.rows).map(({ text, count }) => `${formatCount(count)} × ${code(text)}`),
  ];
  return [
    `## ${number}. ${prose(problem.title)}`,
    list(facts),
    ...samples.slice(0, most.samples).flatMap(({ source, text }) => [code(readableSource(source)), codeBlock([text])]),
  ];
}

function list(items: readonly string[]): string {
  return items.map(text => `- ${text}`).join('\n');
}

function findingBlocks({ findings }: LogsReport): readonly string[] {
  return findings
    .slice(0, most.rows)
    .flatMap(finding => [
      `## ${causeHeading(finding) === 'Cause' ? 'Likely cause' : 'Advice'}: ${prose(finding.title)}`,
      `${prose(sentence(finding.explanation))} (${finding.confidence}${finding.share > 0 && causeHeading(finding) === 'Cause' ? `, ${formatShare(finding.share)} of the failures` : ''}; ${code(`badhop explain ${finding.fault}`)})`,
      ...finding.evidence.slice(0, most.samples).flatMap(({ source, text }) => [code(readableSource(source)), codeBlock([text])]),
    ]);
}

function nextBlocks({ next }: LogsReport): readonly string[] {
  if (next.length === 0) return [];
  return ['## Run next', ...next.slice(0, most.rows).flatMap(({ command, why }) => [prose(sentence(why)), codeBlock([command], 'sh')])];
}

function peerBlocks({ peers }: LogsReport): readonly string[] {
  if (peers.length === 0) return [];
  const sorted = peers.toSorted((a, b) => Number(b.standsOut) - Number(a.standsOut) || b.failed - a.failed);
  const left = sorted.length - most.peers;
  return [
    '## Peers',
    table(['Peer', 'Requests', 'Failed', 'Share', 'Median', 'p95'], sorted.slice(0, most.peers).map(peerRow), 1),
    ...(left > 0 ? [`And ${formatCount(left)} more.`] : []),
  ];
}

function peerRow({ peer, requests, failed, share, median, p95, standsOut }: PeerCount): readonly string[] {
  const counted = requests > 0 ? [formatCount(requests), formatCount(failed), finePercent(share)] : ['–', formatCount(failed), '–'];
  return [
    `${standsOut ? '✗ ' : ''}${code(shorten(peer, 80))}`,
    ...counted,
    ...[median, p95].map(seconds => (seconds === undefined ? '–' : secondsText(seconds))),
  ];
}

function totalBlocks({ totals }: LogsReport): readonly string[] {
  const statuses = Object.entries(totals.byStatus).toSorted(([, a], [, b]) => b - a);
  const makers = Object.entries(totals.byMadeBy).toSorted(([, a], [, b]) => b - a);
  const { latency } = totals;
  const facts = [
    ...(statuses.length > 0
      ? [
          statuses
            .slice(0, 30)
            .map(([status, count]) => `${prose(status)} × ${formatCount(count)}`)
            .join(', '),
        ]
      : []),
    ...(makers.length > 0 ? [`Failed answers were made by: ${makers.map(([name, count]) => `${makerName(name)} (${formatCount(count)})`).join(', ')}.`] : []),
    ...(totals.hiddenRetries > 0 ? [hiddenRetries(totals.hiddenRetries)] : []),
    ...(latency
      ? [`Latency: median ${secondsText(latency.median)}, p95 ${secondsText(latency.p95)}, p99 ${secondsText(latency.p99)} (±${finePercent(latency.error)}).`]
      : []),
  ];
  return facts.length === 0 ? [] : ['## Answers', list(facts)];
}

function inputBlocks({ inputs }: LogsReport): readonly string[] {
  const shown = inputs.slice(0, most.inputs);
  const rows = shown.map(input => [
    code(shorten(input.path, 160)),
    input.unread === undefined ? prose(inputText(input)) : `not read, ${prose(input.unread)}`,
    bytesText(input.bytes),
  ]);
  const notes = shown.flatMap(input => [
    ...input.problems.map(text => `- ${code(shorten(input.path, 160))}: ${prose(sentence(text))}`),
    ...(input.misfits > 0
      ? [`- ${finePercent(misfitShare(input))} of the lines of ${code(shorten(input.path, 160))} not understood (${formatCount(input.misfits)}).`]
      : []),
  ]);
  const examples = shown.flatMap(input => input.misfitSamples.slice(0, 2)).slice(0, most.rows);
  return [
    '## Logs',
    table(['Log', 'What it holds', 'Size'], rows, 2),
    ...(inputs.length > shown.length ? [`And ${formatCount(inputs.length - shown.length)} more.`] : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...(examples.length > 0 ? ['Lines not understood, such as:', codeBlock(examples)] : []),
  ];
}

function notCheckedBlocks({ notChecked }: LogsReport): readonly string[] {
  if (notChecked.length === 0) return [];
  return ['## Not checked', list(notChecked.slice(0, most.inputs).map(each => `**${prose(each.what)}**: ${prose(reason(each))}`))];
}
