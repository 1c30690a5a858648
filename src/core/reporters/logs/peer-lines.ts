import type { LogsReport, PeerCount } from '../../model/logs-report.ts';
import { glue, line, styled, type Line, type Look } from '../layout.ts';
import { escapeText, textWidth } from '../text.ts';
import { formatCount, plural } from '../wording.ts';
import { finePercent, secondsText } from './figures.ts';

interface Column {
  readonly head: string;
  /** The lower, the longer it stays on a narrow screen. */
  readonly rank: number;
  text(peer: PeerCount): string;
}

const widestName = 40;
const narrowestName = 14;
const columnWidth = 10;
// A service behind a resolver may have had thousands; the JSON has them all.
const mostRows = 60;

// Of a peer that only error logs name, requests are not known.
const columns: readonly Column[] = [
  { head: 'requests', rank: 2, text: ({ requests }) => (requests > 0 ? formatCount(requests) : '-') },
  { head: 'failed', rank: 0, text: ({ failed }) => formatCount(failed) },
  { head: 'share', rank: 1, text: ({ requests, share }) => (requests > 0 ? finePercent(share) : '-') },
  { head: 'median', rank: 4, text: ({ median }) => (median === undefined ? '-' : secondsText(median)) },
  { head: 'p95', rank: 3, text: ({ p95 }) => (p95 === undefined ? '-' : secondsText(p95)) },
];

/**
 * The peers as a table, those that stand out first. On the first screen only where one stands out: twelve peers that
 * fail alike are no news.
 */
export function peerLines({ peers }: LogsReport, most: number, { width, unicode }: Look): Line[] {
  if (most === 0 || peers.length === 0 || (most !== Infinity && !peers.some(peer => peer.standsOut))) return [];
  const sorted = peers.toSorted((a, b) => Number(b.standsOut) - Number(a.standsOut) || b.failed - a.failed);
  const shown = sorted.slice(0, Math.min(most, mostRows));
  const hasTimes = shown.some(peer => peer.median !== undefined || peer.p95 !== undefined);
  const fitting = Math.max(1, Math.min(hasTimes ? 5 : 3, Math.floor((width - 2 - narrowestName) / columnWidth)));
  const kept = columns.filter(({ rank }) => rank < fitting);
  const room = Math.min(widestName, width - 2 - kept.length * columnWidth);
  const names = shown.map(({ peer }) => cut(escapeText(peer, !unicode), room, unicode));
  const nameWidth = Math.max(4, ...names.map(name => textWidth(name)));
  const row = (mark: string, name: string, cells: readonly string[]): string =>
    `${mark} ${name}${' '.repeat(Math.max(0, nameWidth - textWidth(name)))}${cells.map(text => text.padStart(columnWidth)).join('')}`.replaceAll(' ', glue);
  const head = row(
    ' ',
    'peer',
    kept.map(column => column.head),
  );
  const rows = shown.map((peer, index) => {
    const text = row(
      peer.standsOut ? '✗' : ' ',
      names[index] ?? '',
      kept.map(column => column.text(peer)),
    );
    return line(0, peer.standsOut ? styled('bad', text) : text, { maxRows: 1 });
  });
  const rest = sorted.slice(shown.length);
  const failed = rest.reduce((sum, peer) => sum + peer.failed, 0);
  const left = rest.length > 0 ? [line(2, styled('quiet', `and ${formatCount(rest.length)} more with ${plural(failed, 'failure')}`), { maxRows: 1 })] : [];
  return [line(0, styled('quiet', head), { maxRows: 1 }), ...rows, ...left];
}

function cut(text: string, room: number, unicode: boolean): string {
  if (textWidth(text) <= room) return text;
  let shown = '';
  for (const char of text) {
    if (textWidth(shown + char) > room - 1) break;
    shown += char;
  }
  return `${shown}${unicode ? '…' : '~'}`;
}
