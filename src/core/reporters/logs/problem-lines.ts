import type { LogProblem, LogsReport } from '../../model/logs-report.ts';
import { line, styled, type Line, type Span } from '../layout.ts';
import { formatCount, readableSource, sentence } from '../wording.ts';
import { finePercent, shorten } from './figures.ts';
import { momentText, zoneClock } from './zone-clock.ts';

/** How much of a problem is shown. */
export interface ProblemDetail {
  readonly where: number;
  readonly messages: number;
  readonly samples: number;
  readonly sampleRows: number;
  readonly peers: boolean;
  readonly when: boolean;
}

// A line of a log longer than this tells no more to a reader at a terminal.
const longestSample = 4096;

/** A problem: what, how it lies in time, at which peers, which requests, with what messages, and lines that stand for it. */
export function problemLines(report: LogsReport, problem: LogProblem, number: number, detail: ProblemDetail, width: number): Line[] {
  const { mark, style } = problem.ongoing ? ({ mark: '✗', style: 'bad' } as const) : ({ mark: '!', style: 'warn' } as const);
  const share = problem.share === undefined ? '' : ` (${finePercent(problem.share)} of the requests)`;
  const messages = problem.messages.slice(0, detail.messages);
  return [
    line(0, [styled(style, `${mark} ${number}. `), styled('strong', problem.title), styled('quiet', share)], { hang: 5, maxRows: detail.when ? 3 : 1 }),
    ...(detail.when ? [line(5, whenText(report, problem), { maxRows: 2 })] : []),
    ...(problem.because === undefined || !detail.when
      ? []
      : [line(5, [styled('quiet', 'cannot tell who made it: '), problem.because], { hang: 7, maxRows: 2 })]),
    ...(detail.peers && problem.peers.length > 0 ? [line(5, peerSpans(problem), { hang: 7, maxRows: detail.where > 2 ? 6 : 1 })] : []),
    ...problem.where.slice(0, detail.where).map(each => line(5, [styled('quiet', 'where: '), each.text, shares(each)], { hang: 7, maxRows: 2 })),
    ...(detail.where === Infinity ? (problem.goesWith ?? []) : []).map(each =>
      line(5, [styled('quiet', `goes with ${each.what}: `), each.text, styled('quiet', ` (correlation ${each.correlation.toFixed(2)})`)], { hang: 7 }),
    ),
    ...messages.map(({ text, count }) =>
      line(5, [styled('quiet', `${formatCount(count)} × `), shorten(text, longestSample)], { hang: 7, maxRows: detail.messages > 1 ? 4 : 1 }),
    ),
    ...sampleLines(problem, detail, width),
  ];
}

/** When it began and ended, and how it is spread between. */
export function whenText({ zone, window }: LogsReport, problem: LogProblem): string {
  const clock = zoneClock(zone);
  const span = window && { fromMs: Date.parse(window.from), toMs: Date.parse(window.to) };
  const [first, last] = [Date.parse(problem.firstAt), Date.parse(problem.lastAt)].map(ms => momentText(clock, ms, span));
  const when = first === last ? `at ${first}` : `${first} to ${last}`;
  return `${when}, ${problem.ongoing ? 'going on' : 'over by the end'}. ${sentence(capital(problem.shape.text))}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `at 10.0.0.7:8080 (4,102), 10.0.0.8:8080 (2)`. */
function peerSpans({ peers }: LogProblem): readonly Span[] {
  const shown = peers.slice(0, 8);
  const rest = peers.length - shown.length;
  return [
    styled('quiet', 'at '),
    shown.map(({ peer, count }) => (peers.length === 1 ? peer : `${peer} (${formatCount(count)})`)).join(', '),
    ...(rest > 0 ? [styled('quiet', ` and ${rest} more`)] : []),
  ];
}

/** How much more frequent it is among the failures. A sentence that has a share of its own says enough. */
function shares({ amongFailing, amongOthers, estimated, text }: LogProblem['where'][number]): Span {
  if (text.includes('%')) return '';
  return styled('quiet', ` (${estimated ? 'about ' : ''}${finePercent(amongFailing)} of the failures, ${finePercent(amongOthers)} of the rest)`);
}

function sampleLines({ samples }: LogProblem, { samples: most, sampleRows }: ProblemDetail, width: number): Line[] {
  return samples.slice(0, most).flatMap(({ source, text }) => {
    const place = readableSource(source);
    const shown = shorten(text, longestSample);
    if (place.length + text.length + 9 <= width) return [line(5, [styled('quiet', `${place}: `), shown], { maxRows: 1 })];
    return [line(5, styled('quiet', place), { hang: 7, maxRows: 2 }), line(7, shown, { maxRows: sampleRows })];
  });
}
