import type { LogsReport, PeerCount } from '../../model/logs-report.ts';
import { formatCount, plural, reason, sentence } from '../wording.ts';
import { finePercent, secondsText, shorten } from './figures.ts';
import { element, join, Markup, type Content } from './html-text.ts';
import { inputText, misfitShare } from './input-lines.ts';
import { pageScript, pageScriptHash, pageStyle, pageStyleHash } from './page-assets.ts';
import { pageData, scriptJson } from './page-data.ts';
import { findingCard, problemCard } from './problem-cards.ts';
import { stillPicture } from './still-picture.ts';
import { causeHeading, coverage, hiddenRetries, logVerdicts, makerName } from './terminal.ts';

// Bytes of markup for the parts whose number a log decides, so that the page can be attached to a ticket anywhere.
const room = { problems: 46_000, findings: 12_000, peers: 9000, inputs: 12_000, notes: 8000 } as const;

/**
 * The report as one page that opens offline: charts to look at, and all of the text without a script too. It loads nothing: its
 * policy allows the one script and the one style that it holds, by their hashes, and no connection. Under 200 KB.
 */
export function renderLogsHtml(report: LogsReport): string {
  const data = pageData(report);
  const body = element(
    'body',
    {},
    header(report),
    element('main', {}, ...overTime(report), ...problems(report), ...causes(report), ...peers(report), ...answers(report), ...logs(report), ...notes(report)),
    element(
      'footer',
      {},
      `Made by badhop ${report.tool.version} in ${secondsText(report.durationMs / 1000)}, started ${report.startedAt}. Times are ${report.zone}.`,
    ),
    ...(data ? [new Markup(`<script type="application/json" id="data">${scriptJson(data)}</script>\n<script>${pageScript}</script>`)] : []),
  );
  const policy = `default-src 'none'; script-src 'sha256-${pageScriptHash}'; style-src 'sha256-${pageStyleHash}'; base-uri 'none'; form-action 'none'`;
  const head = [
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    element('title', {}, `${logVerdicts[report.verdict].word}: ${shorten(report.summary, 120)}`).html,
    `<style>${pageStyle}</style>`,
  ];
  return `<!doctype html>\n<html lang="en">\n<head>\n${head.join('\n')}\n</head>\n${body.html}\n</html>\n`;
}

function header(report: LogsReport): Markup {
  const { word, style, mark } = logVerdicts[report.verdict];
  return element(
    'header',
    {},
    element(
      'div',
      {},
      element('span', { class: `badge ${style}` }, `${mark} ${word}`),
      element('h1', {}, sentence(shorten(report.summary, 600))),
      element('p', { class: 'soft' }, shorten(coverage(report), 300)),
      ...(report.partial === undefined ? [] : [element('p', { class: 'alert' }, `Only a part was read: ${sentence(shorten(report.partial, 300))}`)]),
      tiles(report),
    ),
  );
}

function tiles({ totals, inputs }: LogsReport): Markup {
  const { requests, failed, errors, latency } = totals;
  const misfits = inputs.reduce((sum, input) => sum + input.misfits, 0);
  const lines = inputs.reduce((sum, input) => sum + Math.max(input.lines - input.outside, input.misfits), 0);
  const tile = (value: string, label: string, isBad = false): Markup =>
    element('div', isBad ? { class: 'bad' } : {}, element('b', {}, value), element('span', {}, label));
  return element('div', { class: 'tiles' }, [
    ...(requests > 0
      ? [
          tile(formatCount(requests), 'requests'),
          tile(formatCount(failed), 'failed', failed > 0),
          tile(finePercent(failed / requests), 'of the requests failed', failed > 0),
        ]
      : []),
    ...(errors > 0 ? [tile(formatCount(errors), 'error messages')] : []),
    ...(totals.hiddenRetries > 0 ? [tile(formatCount(totals.hiddenRetries), 'hidden retries')] : []),
    ...(latency ? [tile(secondsText(latency.median), 'median latency'), tile(secondsText(latency.p95), 'p95 latency')] : []),
    tile(misfits === 0 ? 'all' : finePercent(1 - misfits / Math.max(1, lines)), `of ${plural(lines, 'line')} understood`),
  ]);
}

function overTime(report: LogsReport): readonly Markup[] {
  const still = stillPicture(report);
  return still ? [heading('Over time'), still, element('div', { id: 'charts' })] : [];
}

function heading(text: string): Markup {
  return element('h2', {}, text);
}

/** As many as the room holds, at least one, and how many there are besides. */
function within<Item>(
  items: readonly Item[],
  bytes: number,
  render: (item: Item, index: number) => Markup,
): { readonly shown: readonly Markup[]; readonly left: number } {
  const shown: Markup[] = [];
  let used = 0;
  for (const [index, item] of items.entries()) {
    const markup = render(item, index);
    used += markup.html.length;
    if (index > 0 && used > bytes) break;
    shown.push(markup);
  }
  return { shown, left: items.length - shown.length };
}

function leftOut(left: number, what: string): readonly Markup[] {
  return left > 0 ? [element('p', { class: 'soft' }, `and ${plural(left, `more ${what}`)}, all in the JSON report (badhop logs --format json)`)] : [];
}

function problems(report: LogsReport): readonly Markup[] {
  if (report.problems.length === 0) return [];
  const { shown, left } = within(report.problems, room.problems, (problem, index) => problemCard(report, problem, index + 1));
  return [heading('What failed'), ...shown, ...leftOut(left, 'problem')];
}

function causes(report: LogsReport): readonly Markup[] {
  const { shown, left } = within(report.findings, room.findings, findingCard);
  const steps = report.next
    .slice(0, 12)
    .map(({ command, why }) => element('li', {}, element('pre', {}, shorten(command, 600)), element('p', { class: 'soft' }, sentence(shorten(why, 400)))));
  return [
    ...(shown.length > 0
      ? [heading(report.findings.every(each => causeHeading(each) === 'Advice') ? 'Advice' : 'Likely cause'), ...shown, ...leftOut(left, 'finding')]
      : []),
    ...(steps.length > 0 ? [heading('Run next'), element('div', { class: 'card' }, element('ul', {}, ...steps))] : []),
  ];
}

function table(head: readonly string[], rows: readonly Markup[], numbers: readonly number[]): Markup {
  const cells = head.map((text, index) => element('th', numbers.includes(index) ? { class: 'number' } : {}, text));
  return element(
    'div',
    { class: 'card scroll' },
    element('table', { class: 'list' }, element('thead', {}, element('tr', {}, ...cells)), element('tbody', {}, ...rows)),
  );
}

function cell(content: Content, kind?: 'number' | 'name'): Markup {
  return element('td', kind ? { class: kind } : {}, content);
}

function peers({ peers: all }: LogsReport): readonly Markup[] {
  if (all.length === 0) return [];
  const sorted = all.toSorted((a, b) => Number(b.standsOut) - Number(a.standsOut) || b.failed - a.failed);
  const worst = Math.max(...sorted.map(peer => peer.share), 1e-9);
  const { shown, left } = within(sorted, room.peers, peer => peerRow(peer, worst));
  return [heading('Peers'), table(['peer', 'requests', 'failed', 'share', '', 'median', 'p95'], shown, [1, 2, 3, 5, 6]), ...leftOut(left, 'peer')];
}

function peerRow({ peer, requests, failed, share, median, p95, standsOut }: PeerCount, worst: number): Markup {
  const isCounted = requests > 0;
  return element(
    'tr',
    standsOut ? { class: 'bad' } : {},
    cell(`${standsOut ? '✗ ' : ''}${shorten(peer, 80)}`, 'name'),
    cell(isCounted ? formatCount(requests) : '–', 'number'),
    cell(formatCount(failed), 'number'),
    cell(isCounted ? finePercent(share) : '–', 'number'),
    cell(isCounted ? bar(share / worst) : ''),
    ...[median, p95].map(seconds => cell(seconds === undefined ? '–' : secondsText(seconds), 'number')),
  );
}

function bar(part: number): Markup {
  const size = { height: 10, y: 0, x: 0, rx: 2 };
  return element(
    'svg',
    { class: 'bar', 'aria-hidden': 'true' },
    element('rect', { ...size, width: 90 }),
    element('rect', { ...size, class: 'part', width: (Math.min(1, Math.max(0, part)) * 90).toFixed(1) }),
  );
}

/** How many answers of each status, and who made those that failed. */
function answers({ totals }: LogsReport): readonly Markup[] {
  const statuses = Object.entries(totals.byStatus).toSorted(([, a], [, b]) => b - a);
  const makers = Object.entries(totals.byMadeBy).toSorted(([, a], [, b]) => b - a);
  if (statuses.length === 0) return [];
  const chip = ([name, count]: readonly [string, number]): Markup => element('span', {}, `${shorten(name, 40)} × ${formatCount(count)}`);
  return [
    heading('Answers'),
    element(
      'div',
      { class: 'card' },
      element('div', { class: 'chips' }, ...statuses.slice(0, 40).map(chip)),
      ...(makers.length > 0
        ? [
            element(
              'p',
              { class: 'soft' },
              `Failed answers were made by: ${makers.map(([name, count]) => `${makerName(name)} (${formatCount(count)})`).join(', ')}.`,
            ),
          ]
        : []),
      ...(totals.hiddenRetries > 0 ? [element('p', { class: 'soft' }, hiddenRetries(totals.hiddenRetries))] : []),
    ),
  ];
}

function logs({ inputs }: LogsReport): readonly Markup[] {
  const { shown, left } = within(inputs, room.inputs, input =>
    element(
      'tr',
      {},
      cell(
        join([
          element('code', {}, shorten(input.path, 160)),
          ...(input.unread === undefined ? [] : [element('p', {}, `Not read: ${sentence(shorten(input.unread, 200))}`)]),
          ...input.problems.slice(0, 4).map(text => element('p', {}, sentence(shorten(text, 200)))),
          ...(input.misfits > 0
            ? [
                element(
                  'p',
                  {},
                  `${finePercent(misfitShare(input))} of lines not understood (${formatCount(input.misfits)})${input.misfitSamples.length > 0 ? ', such as:' : '.'}`,
                ),
                ...input.misfitSamples.slice(0, 3).map(text => element('pre', {}, shorten(text, 240))),
              ]
            : []),
        ]),
        'name',
      ),
      cell(shorten(inputText(input), 240), 'name'),
    ),
  );
  return [heading('Logs'), table(['log', 'what it holds'], shown, []), ...leftOut(left, 'log')];
}

function notes({ notChecked, internalErrors }: LogsReport): readonly Markup[] {
  const { shown, left } = within(notChecked, room.notes, each =>
    element('li', {}, element('strong', {}, shorten(each.what, 160)), `: ${shorten(reason(each), 500)}`),
  );
  const own = internalErrors.slice(0, 5).map(text => element('pre', {}, shorten(text, 600)));
  return [
    ...(shown.length > 0 ? [heading('Not checked'), element('div', { class: 'card' }, element('ul', {}, ...shown)), ...leftOut(left, 'note')] : []),
    ...(own.length > 0 ? [heading("badhop's own errors"), ...own] : []),
  ];
}
