import { finePercent, secondsText } from '../../core/reporters/logs/figures.ts';
import type { PageData } from '../../core/reporters/logs/page-data.ts';
import { formatCount } from '../../core/reporters/wording.ts';

/** A chart as data: what is drawn, in which form, and how a value is told. */
export interface Chart {
  readonly title: string;
  readonly height: number;
  readonly series: readonly ChartSeries[];
  /** The series are added on top of each other. */
  readonly isStacked: boolean;
}

export interface ChartSeries {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly form: 'bars' | 'area' | 'line';
  readonly scale: 'share' | 'count' | 'seconds' | 'load';
  /** Number of the colour in the palette of the page. */
  readonly colour: number | 'quiet';
}

/** The charts that the data has something for, the answer first. */
export function chartsOf(data: PageData): readonly Chart[] {
  return [
    ...(hasAny(data.requests) ? [failingShare(data)] : []),
    ...stacked('Failed requests by status', data.byStatus),
    ...stacked(hasAny(data.requests) ? 'Failures by peer' : 'Messages by peer', data.byPeer),
    ...(data.median.some(isNumber) || data.p95.some(isNumber) ? [latency(data)] : []),
    ...(hasAny(data.errors) ? [messages(data)] : []),
  ];
}

/** How a value is told beside its series. */
export function tell(scale: ChartSeries['scale'], value: number | null): string {
  if (value === null) return '–';
  if (scale === 'share') return finePercent(value);
  return scale === 'seconds' ? secondsText(value) : formatCount(value);
}

function failingShare({ requests, failed }: PageData): Chart {
  const share = failed.map((count, index) => ratio(count, requests[index] ?? 0));
  return {
    title: 'Share of the requests that failed, with all requests',
    height: 260,
    isStacked: false,
    series: [
      { name: 'requests', values: requests, form: 'bars', scale: 'load', colour: 'quiet' },
      { name: 'failing share', values: share, form: 'area', scale: 'share', colour: 0 },
    ],
  };
}

/** No share where there was no request. */
function ratio(failed: number, requests: number): number | null {
  return requests > 0 || failed > 0 ? failed / Math.max(requests, failed) : null;
}

function stacked(title: string, named: PageData['byPeer']): readonly Chart[] {
  const shown = named.filter(({ counts }) => hasAny(counts));
  if (shown.length === 0) return [];
  const series = shown.map(({ name, counts }, index): ChartSeries => ({ name, values: counts, form: 'bars', scale: 'count', colour: index }));
  return [{ title, height: 200, isStacked: true, series }];
}

function latency({ median, p95 }: PageData): Chart {
  return {
    title: 'Latency',
    height: 200,
    isStacked: false,
    series: [
      { name: 'p95', values: p95, form: 'line', scale: 'seconds', colour: 1 },
      { name: 'median', values: median, form: 'line', scale: 'seconds', colour: 3 },
    ],
  };
}

function messages({ errors }: PageData): Chart {
  const series: ChartSeries = { name: 'messages', values: errors, form: 'bars', scale: 'count', colour: 1 };
  return { title: 'Messages of error logs that tell of a failure', height: 160, isStacked: false, series: [series] };
}

function hasAny(values: readonly number[]): boolean {
  return values.some(value => value > 0);
}

function isNumber(value: number | null): value is number {
  return value !== null;
}
