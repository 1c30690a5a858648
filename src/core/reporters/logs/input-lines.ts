import type { LogInput, LogsReport } from '../../model/logs-report.ts';
import { line, styled, type Line } from '../layout.ts';
import { formatCount, plural, sentence } from '../wording.ts';
import { bytesText, finePercent, shorten } from './figures.ts';

// Thousands of rotated files are told by their number; the JSON names them all.
const mostInputs = 60;
const longestExample = 400;

/** How many of an input's lines fit no format, as a share of those inside the window. */
export function misfitShare({ lines, outside, misfits }: LogInput): number {
  return misfits / Math.max(1, lines - outside, misfits);
}

/** `3.1 % of lines not understood`, with examples, the worst log first. */
export function notUnderstood({ inputs }: LogsReport, examples: number): Line[] {
  const worst = inputs.filter(input => input.misfits > 0).toSorted((a, b) => b.misfits - a.misfits);
  const [first] = worst;
  if (!first) return [];
  const misfits = worst.reduce((sum, input) => sum + input.misfits, 0);
  const lines = inputs.reduce((sum, input) => sum + Math.max(input.lines - input.outside, input.misfits), 0);
  const place = inputs.length === 1 ? '' : worst.length === 1 ? `, all in ${first.path}` : `, most in ${first.path}`;
  const such = first.misfitSamples.length > 0 && examples > 0 ? ', such as:' : '.';
  return [
    line(0, [styled('warn', `! ${finePercent(misfits / Math.max(1, lines))} of lines not understood`), ` (${formatCount(misfits)})${place}${such}`], {
      hang: 2,
      maxRows: 2,
    }),
    ...first.misfitSamples.slice(0, examples).map(text => line(4, shorten(text, longestExample), { hang: 6, maxRows: 1 })),
  ];
}

/** Logs that could not be read, or not to their end. */
export function unreadLines({ inputs }: LogsReport, most: number): Line[] {
  const bad = inputs.filter(input => input.unread !== undefined || input.problems.length > 0);
  const shown = bad.slice(0, most).map(input => line(0, [styled('warn', '! '), input.path, `: ${sentence(trouble(input))}`], { hang: 2, maxRows: 2 }));
  return [...shown, ...(bad.length > most ? [line(2, styled('quiet', `and ${plural(bad.length - most, 'more log')} with problems`))] : [])];
}

function trouble({ unread, problems }: LogInput): string {
  return unread === undefined ? problems.join('; ') : `not read, ${unread}`;
}

/** Every log: its format and lines, what was not understood with examples, and what went wrong. */
export function inputLines({ inputs }: LogsReport): Line[] {
  const shown = inputs.slice(0, mostInputs);
  return [
    ...shown.flatMap(input => [
      line(2, [styled('strong', input.path), input.unread === undefined ? `: ${inputText(input)}` : ''], { hang: 4, maxRows: 4 }),
      ...(input.unread === undefined ? [] : [line(4, styled('warn', sentence(`not read, ${input.unread}`)), { maxRows: 4 })]),
      ...input.problems.map(text => line(4, styled('warn', sentence(text)), { maxRows: 4 })),
      ...(input.misfits > 0
        ? [
            line(4, styled('warn', `${finePercent(misfitShare(input))} of lines not understood (${formatCount(input.misfits)}), such as:`)),
            ...input.misfitSamples.map(text => line(6, shorten(text, longestExample), { hang: 8, maxRows: 3 })),
          ]
        : []),
    ]),
    ...(inputs.length > shown.length ? [line(2, styled('quiet', `and ${formatCount(inputs.length - shown.length)} more`))] : []),
  ];
}

/** `nginx access log (combined), 38,000 lines, 9.1 MB; 120 lines outside the window`. */
export function inputText(input: LogInput): string {
  const { format, lines, bytes, outside, continued, otherFormats = [], skipped } = input;
  if (skipped !== undefined) return `left out: ${skipped}`;
  return [
    `${format?.title ?? 'no format fits'}, ${plural(lines, 'line')}, ${bytesText(bytes)}`,
    ...(outside > 0 ? [`${plural(outside, 'line')} outside the window`] : []),
    ...(continued > 0 ? [`${plural(continued, 'line')} that continue a message`] : []),
    ...otherFormats.map(other => `${plural(other.lines, 'line')} of ${other.id}`),
  ].join('; ');
}
