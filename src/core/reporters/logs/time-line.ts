import type { LogsReport } from '../../model/logs-report.ts';
import { glue, line, styled, type Line, type Span, type Style } from '../layout.ts';
import { formatCount } from '../wording.ts';
import { finePercent, lengthText, secondsText } from './figures.ts';
import { burstStarts, joinSteps, mainCurve, type Steps } from './steps.ts';
import { zoneClock, type ZoneClock } from './zone-clock.ts';

export interface DrawOptions {
  readonly width: number;
  readonly unicode: boolean;
}

interface Row {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly note: string;
  readonly style: Style;
}

const blocks = Array.from('▁▂▃▄▅▆▇█');
const asciiBlocks = Array.from('.:-=+*%#');
const labelWidth = 10;
const noteWidth = 20;
const narrowestPlot = 8;

/** The time line: the failing share over the requests, and below it when the peak was and bursts began. Empty where no line has a time. */
export function timeLines(report: LogsReport, options: DrawOptions): Line[] {
  const drawn = plan(report, options);
  if (drawn === undefined) return [];
  const { steps, perStep } = drawn;
  const rows = mainRows(steps, zoneClock(report.zone));
  return [...rows.map(row => curveLine(row, perStep, options)), axisLine(report, steps, perStep, options)];
}

/** More curves on the same axis: latency, statuses and peers. */
export function moreTimeLines(report: LogsReport, options: DrawOptions): Line[] {
  const drawn = plan(report, options);
  if (drawn === undefined) return [];
  const { steps, perStep } = drawn;
  const topOf = (values: readonly number[]): string => `peak ${formatCount(Math.max(0, ...values))}`;
  const rows: Row[] = [
    ...(steps.requests.some(count => count > 0) && steps.errors.some(count => count > 0)
      ? [{ label: 'messages', values: steps.errors, note: topOf(steps.errors), style: 'warn' as const }]
      : []),
    ...(steps.p95.some(each => each !== null) ? [{ label: 'p95', values: steps.p95, note: peakSeconds(steps.p95), style: 'code' as const }] : []),
    ...steps.byStatus.map(({ name, counts }): Row => ({ label: name, values: counts, note: topOf(counts), style: 'bad' })),
  ];
  // A peer's name is longer than the margin, so it stands on a row of its own.
  const peers = steps.byPeer.flatMap(({ name, counts }) => [
    line(2, name, { maxRows: 1 }),
    curveLine({ label: '', values: counts, note: topOf(counts), style: 'bad' }, perStep, options),
  ]);
  const curves = [...rows.map(row => curveLine(row, perStep, options)), ...peers];
  return curves.length > 0 ? [...curves, axisLine(report, steps, perStep, options)] : [];
}

function plan(report: LogsReport, { width }: DrawOptions): { readonly steps: Steps; readonly perStep: number } | undefined {
  const room = width - labelWidth - (width < 50 ? 0 : noteWidth);
  if (room < narrowestPlot) return undefined;
  const steps = joinSteps(report.timeline, room);
  return steps && { steps, perStep: Math.max(1, Math.floor(room / mainCurve(steps).values.length)) };
}

function mainRows(steps: Steps, clock: ZoneClock): readonly Row[] {
  const main = mainCurve(steps);
  const top = Math.max(0, ...main.values);
  const seconds = steps.widthMs / 1000;
  const at = clock.minute(steps.startMs + main.values.indexOf(top) * steps.widthMs);
  if (main.kind === 'errors') return [{ label: 'messages', values: steps.errors, note: `peak ${formatCount(top)} ${at}`, style: 'bad' }];
  const busiest = Math.max(0, ...steps.requests);
  const failing: Row = {
    label: 'failing',
    values: main.values,
    note: top === 0 ? 'none' : `peak ${main.kind === 'share' ? finePercent(top) : formatCount(top)} ${at}`,
    style: 'bad',
  };
  const load: Row = { label: 'requests', values: steps.requests, note: `peak ${rate(busiest / seconds)}`, style: 'quiet' };
  return [failing, ...(main.kind === 'share' ? [load] : [])];
}

function rate(perSecond: number): string {
  return `${perSecond < 9.95 ? Number(perSecond.toFixed(perSecond < 0.95 ? 2 : 1)) : formatCount(perSecond)}/s`;
}

function peakSeconds(values: readonly (number | null)[]): string {
  return `peak ${secondsText(Math.max(0, ...values.map(each => each ?? 0)))}`;
}

function curveLine({ label, values, note, style }: Row, perStep: number, { width, unicode }: DrawOptions): Line {
  const top = Math.max(0, ...values.map(each => each ?? 0));
  const chars = values.map(each => block(each ?? 0, top, unicode).repeat(perStep)).join('');
  const spans: Span[] = [
    styled(
      'quiet',
      label
        .slice(0, labelWidth - 1)
        .padEnd(labelWidth)
        .replaceAll(' ', glue),
    ),
    styled(style, chars),
  ];
  return line(0, width < 50 ? spans : [...spans, styled('quiet', `${glue}${note.replaceAll(' ', glue)}`)], { maxRows: 1 });
}

/** What is not nothing is seen, however small beside the peak. */
function block(value: number, top: number, unicode: boolean): string {
  if (!(value > 0)) return glue;
  const marks = unicode ? blocks : asciiBlocks;
  return marks[Math.min(marks.length - 1, Math.max(0, Math.ceil((value / top) * marks.length) - 1))] ?? glue;
}

/** Where bursts begin, or the peak where none does, and the edges. Of marks that would touch, the weightier stays. */
function axisLine(report: LogsReport, steps: Steps, perStep: number, { width, unicode }: DrawOptions): Line {
  const clock = zoneClock(report.zone);
  const { values } = mainCurve(steps);
  const columns = values.length * perStep;
  const mark = unicode ? '▲' : '^';
  const isLong = steps.widthMs >= 3_600_000 || clock.day(steps.startMs) !== clock.day(steps.startMs + values.length * steps.widthMs);
  const columnOf = (ms: number): number => Math.floor((ms - steps.startMs) / steps.widthMs) * perStep;
  const name = (ms: number): string => (isLong ? `${clock.day(ms).slice(5)} ${clock.minute(ms)}` : clock.time(ms));
  const top = Math.max(...values);
  const peakMs = steps.startMs + values.indexOf(top) * steps.widthMs;
  const edge = edgeName(clock, steps, isLong);
  const bursts = burstStarts(report);
  const marked = bursts.length > 0 ? bursts.map(({ ms }) => ms) : top > 0 ? [peakMs] : [];
  const wanted = [
    ...marked.map(ms => ({ at: columnOf(ms), text: `${mark}${name(ms)}` })),
    { at: 0, text: edge(steps.startMs) },
    { at: columns, text: edge(steps.startMs + values.length * steps.widthMs) },
  ];
  const cells = Array.from({ length: columns }, () => glue);
  for (const { at, text } of wanted) {
    if (at < 0 || at > columns) continue;
    const isMark = text.startsWith(mark);
    // Near the right end the time stands before its mark.
    const fitsRight = at + text.length <= columns;
    const shown = fitsRight || !isMark ? text : `${text.slice(1)}${mark}`;
    const start = fitsRight ? at : isMark ? at + 1 - shown.length : columns - shown.length;
    const isFree = start >= 0 && cells.slice(Math.max(0, start - 1), start + shown.length + 1).every(cell => cell === glue);
    if (isFree) cells.splice(start, shown.length, ...Array.from(shown, char => (char === ' ' ? glue : char)));
  }
  const step = `${glue}${lengthText(steps.widthMs).replaceAll(' ', glue)}${glue}a${glue}step`;
  return line(0, [glue.repeat(labelWidth), styled('quiet', cells.join('')), ...(width < 50 ? [] : [styled('quiet', step)])], { maxRows: 1 });
}

function edgeName(clock: ZoneClock, { widthMs }: Steps, isLong: boolean): (ms: number) => string {
  if (isLong) return ms => `${clock.day(ms).slice(5)} ${clock.minute(ms)}`;
  return widthMs % 60_000 === 0 ? ms => clock.minute(ms) : ms => clock.time(ms);
}
