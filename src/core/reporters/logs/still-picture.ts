import type { LogsReport } from '../../model/logs-report.ts';
import { formatCount } from '../wording.ts';
import { finePercent } from './figures.ts';
import { element, type Markup } from './html-text.ts';
import { burstStarts, joinSteps, mainCurve } from './steps.ts';
import { momentText, zoneClock } from './zone-clock.ts';

const width = 1000;
const height = 150;
const mostSteps = 250;

/** The time line as a picture that needs no script: the failing share over the requests, with bursts shaded. */
export function stillPicture(report: LogsReport): Markup | undefined {
  const steps = joinSteps(report.timeline, mostSteps);
  if (!steps) return undefined;
  const clock = zoneClock(report.zone);
  const { kind, values } = mainCurve(steps);
  const top = Math.max(0, ...values);
  const endMs = steps.startMs + values.length * steps.widthMs;
  const span = { fromMs: steps.startMs, toMs: endMs };
  const xOf = (ms: number): number => Math.min(width, Math.max(0, Math.round(((ms - steps.startMs) / (endMs - steps.startMs)) * width)));
  const peakMs = steps.startMs + values.indexOf(top) * steps.widthMs;
  const peak = top === 0 ? 'nothing failed' : `peak ${kind === 'share' ? finePercent(top) : formatCount(top)} at ${momentText(clock, peakMs, span)}`;
  const label = { share: 'Share of the requests that failed', failed: 'Failed requests', errors: 'Messages that tell of a failure' }[kind];
  const shades = burstStarts(report)
    .slice(0, 100)
    .map(({ ms, toMs }) => element('rect', { class: 'burst', x: xOf(ms), y: 0, width: Math.max(2, xOf(toMs) - xOf(ms)), height }));
  return element(
    'figure',
    { id: 'still' },
    element('figcaption', {}, `${label}: ${peak}`),
    element(
      'svg',
      { viewBox: `0 0 ${width} ${height + 22}`, role: 'img', 'aria-label': `${label} over time, ${peak}` },
      ...(kind === 'share' ? [element('path', { class: 'load', d: bars(steps.requests) })] : []),
      ...shades,
      element('path', { class: 'failing', d: bars(values) }),
      element('line', { class: 'base', x1: 0, x2: width, y1: height, y2: height }),
      element('text', { x: 0, y: height + 17 }, momentText(clock, steps.startMs, span)),
      element('text', { x: width, y: height + 17, 'text-anchor': 'end' }, `${momentText(clock, endMs, span)} ${clock.zone}`),
    ),
  );
}

/** One bar a step, as a single path. What is not nothing is at least a pixel high. */
function bars(values: readonly number[]): string {
  const top = Math.max(...values);
  const step = width / values.length;
  return values
    .map((value, index) => {
      if (!(value > 0)) return '';
      const tall = Math.max(1, Math.round((value / top) * (height - 4)));
      return `M${(index * step).toFixed(1)} ${height}v-${tall}h${Math.max(0.8, step - 0.4).toFixed(1)}v${tall}z`;
    })
    .join('');
}
