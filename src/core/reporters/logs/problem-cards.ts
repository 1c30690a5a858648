import type { Finding } from '../../model/finding.ts';
import type { LogProblem, LogsReport } from '../../model/logs-report.ts';
import { formatCount, formatShare, readableSource, sentence } from '../wording.ts';
import { finePercent, shorten } from './figures.ts';
import { element, type Markup } from './html-text.ts';
import { whenText } from './problem-lines.ts';
import { causeHeading, makerName } from './terminal.ts';

const most = { peers: 8, where: 5, messages: 5, samples: 3, evidence: 4 } as const;
const longest = { text: 400, sample: 900, message: 400, where: 240, peer: 80 } as const;

/** A problem of the report as a card of the page. */
export function problemCard(report: LogsReport, problem: LogProblem, number: number): Markup {
  const { status, madeBy, ongoing, share, because, peers, where, messages, samples, goesWith = [] } = problem;
  return element(
    'article',
    { class: ongoing ? 'bad' : 'warn' },
    element('h3', {}, `${number}. ${shorten(problem.title, longest.text)}`),
    element(
      'div',
      { class: 'chips' },
      element('span', { class: ongoing ? 'bad' : 'good' }, ongoing ? '✗ going on' : '✓ over by the end'),
      ...(status === undefined ? [] : [element('span', {}, String(status))]),
      element('span', {}, `made by: ${makerName(madeBy)}`),
      ...(problem.class === undefined ? [] : [element('span', {}, problem.class)]),
      ...(share === undefined ? [] : [element('span', {}, `${finePercent(share)} of the requests`)]),
    ),
    element('p', {}, shorten(whenText(report, problem), longest.text)),
    ...(because === undefined ? [] : [element('p', { class: 'soft' }, `Cannot tell who made it: ${sentence(shorten(because, longest.text))}`)]),
    ...(peers.length > 0 ? [element('p', {}, 'At ', ...peerList(problem))] : []),
    ...(where.length > 0 ? [element('ul', {}, ...where.slice(0, most.where).map(whereItem))] : []),
    ...goesWith
      .slice(0, 2)
      .map(each => element('p', {}, `Goes with ${each.what}: ${shorten(each.text, longest.text)} (correlation ${each.correlation.toFixed(2)}).`)),
    ...messages
      .slice(0, most.messages)
      .map(({ text, count }) => element('p', {}, `${formatCount(count)} × `, element('code', {}, shorten(text, longest.message)))),
    ...sampleBlocks(samples),
  );
}

function peerList({ peers }: LogProblem): readonly (string | Markup)[] {
  const shown = peers
    .slice(0, most.peers)
    .flatMap(({ peer, count }, index) => [...(index === 0 ? [] : [', ']), element('code', {}, shorten(peer, longest.peer)), ` (${formatCount(count)})`]);
  return peers.length > most.peers ? [...shown, ` and ${peers.length - most.peers} more.`] : shown;
}

function whereItem({ text, amongFailing, amongOthers, estimated }: LogProblem['where'][number]): Markup {
  const shares = `${estimated ? 'about ' : ''}${finePercent(amongFailing)} of the failures, ${finePercent(amongOthers)} of the rest`;
  return element('li', {}, shorten(text, longest.where), ' ', element('span', { class: 'soft' }, `(${shares})`));
}

/** The first line is open to see; the others wait behind a click. */
function sampleBlocks(samples: LogProblem['samples']): readonly Markup[] {
  const blocks = samples
    .slice(0, most.samples)
    .map(({ source, text }) => [element('p', { class: 'place' }, shorten(readableSource(source), 160)), element('pre', {}, shorten(text, longest.sample))]);
  const [first = [], ...rest] = blocks;
  if (rest.length === 0) return first;
  return [...first, element('details', {}, element('summary', {}, rest.length === 1 ? 'One more line' : `${rest.length} more lines`), ...rest.flat())];
}

/** A finding as a card: what is true, how sure, and the lines that say so. */
export function findingCard(finding: Finding): Markup {
  const share = finding.share > 0 && causeHeading(finding) === 'Cause' ? `, ${formatShare(finding.share)} of the failures` : '';
  return element(
    'article',
    { class: finding.status === 'active' ? 'bad' : 'warn' },
    element('h3', {}, shorten(finding.title, longest.text)),
    element(
      'div',
      { class: 'chips' },
      element('span', {}, `${causeHeading(finding) === 'Cause' ? '' : 'advice, '}${finding.confidence}${share}`),
      element('span', {}, finding.fault),
      element('span', {}, shorten(finding.subject.name, longest.peer)),
    ),
    element('p', {}, sentence(shorten(finding.explanation, 2 * longest.text))),
    ...finding.evidence
      .slice(0, most.evidence)
      .flatMap(({ source, text }) => [
        element('p', { class: 'place' }, shorten(readableSource(source), 160)),
        element('pre', {}, shorten(text, longest.sample)),
      ]),
    element('p', { class: 'soft' }, 'What it means and what to do: ', element('code', {}, `badhop explain ${finding.fault}`)),
  );
}
