import uPlot from 'uplot';
import type { PageData } from '../../core/reporters/logs/page-data.ts';
import { zoneClock } from '../../core/reporters/logs/zone-clock.ts';
import { tell, type Chart, type ChartSeries } from './charts.ts';

interface Drawing {
  readonly chart: Chart;
  readonly data: PageData;
  readonly holder: HTMLElement;
  readonly whole: { readonly min: number; readonly max: number };
  readonly onZoom: (min: number, max: number) => void;
  readonly onReset: () => void;
}

interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly quiet: string;
  readonly burst: string;
  readonly palette: readonly string[];
}

const axisWidth = 58;

/** Draws one chart into its holder. All charts share the time under the pointer. */
export function draw({ chart, data, holder, whole, onZoom, onReset }: Drawing): uPlot {
  const colours = coloursOf(holder);
  const middles = chart.series[0]?.values.map((_, index) => (data.startMs + (index + 0.5) * data.widthMs) / 1000) ?? [];
  const hidden = new Set<number>();
  const rows = (): uPlot.AlignedData => [middles, ...(chart.isStacked ? stack(chart.series, hidden) : chart.series.map(({ values }) => [...values]))];
  const clock = zoneClock(data.zone);
  const resetAll = (): null => {
    onReset();
    return null;
  };
  const options: uPlot.Options = {
    width: Math.max(240, holder.clientWidth),
    height: chart.height,
    // uPlot lays its ticks by the local time of a Date: one that shows the zone's clock puts them on full hours there.
    tzDate: seconds => new Date(`${clock.day(seconds * 1000)}T${clock.time(seconds * 1000)}`),
    series: [{ label: clock.zone, value: (_, seconds) => timeText(data, seconds) }, ...chart.series.map(series => seriesOf(series, colours))],
    scales: scalesOf(chart, whole),
    axes: [
      {
        stroke: colours.text,
        grid: { stroke: colours.grid },
        ticks: { stroke: colours.grid },
        space: 70,
        size: 32,
        values: (_, ticks, _axis, _space, step) => ticks.map(tick => tickText(data, tick, step)),
      },
      ...valueAxes(chart, colours),
    ],
    cursor: { sync: { key: 'time' }, drag: { x: true, y: false }, points: { size: 7 }, bind: { dblclick: () => resetAll } },
    legend: { live: true, markers: { width: 0, fill: (_, index) => colourOf(chart.series[index - 1], colours) } },
    hooks: {
      drawClear: [plot => shadeBursts(plot, data, colours)],
      setScale: [
        (plot, key) => {
          const { min, max } = plot.scales[key] ?? {};
          if (key === 'x' && typeof min === 'number' && typeof max === 'number') onZoom(min, max);
        },
      ],
      setSeries: [
        (plot, index, { show }) => {
          if (index === null || show === undefined || !chart.isStacked) return;
          if (show) hidden.delete(index - 1);
          else hidden.add(index - 1);
          plot.setData(rows(), false);
          plot.redraw();
        },
      ],
    },
  };
  return new uPlot(options, rows(), holder);
}

/** Sums from the last series on: the first, which is the whole, is drawn before the others that stand in front of it. */
function stack(series: readonly ChartSeries[], hidden: ReadonlySet<number>): number[][] {
  const sums = Array.from({ length: series[0]?.values.length ?? 0 }, () => 0);
  const rows = series.toReversed().map(({ values }, index) => {
    const isHidden = hidden.has(series.length - 1 - index);
    for (const at of isHidden ? [] : sums.keys()) sums[at] = (sums[at] ?? 0) + (values[at] ?? 0);
    return [...sums];
  });
  return rows.toReversed();
}

function seriesOf(series: ChartSeries, colours: Colours): uPlot.Series {
  const colour = colourOf(series, colours);
  const paths = series.form === 'bars' ? uPlot.paths.bars?.({ size: [1, Infinity] }) : uPlot.paths.linear?.();
  return {
    label: series.name,
    scale: series.scale,
    stroke: colour,
    width: series.form === 'bars' ? 0 : 2,
    ...(series.form === 'line' ? {} : { fill: series.form === 'area' ? `${colour}40` : colour }),
    ...(paths ? { paths } : {}),
    points: { show: false },
    // Its own value and not the sum, where it stands on others.
    value: (_, __, ___, at) => tell(series.scale, at === null ? null : (series.values[at] ?? null)),
  };
}

function scalesOf(chart: Chart, whole: Drawing['whole']): uPlot.Scales {
  const fromZero: uPlot.Scale = { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] };
  const names = [...new Set(chart.series.map(({ scale }) => scale))];
  return { x: { time: true, min: whole.min, max: whole.max }, ...Object.fromEntries(names.map(name => [name, fromZero])) };
}

function valueAxes(chart: Chart, colours: Colours): uPlot.Axis[] {
  const names = [...new Set(chart.series.map(({ scale }) => scale))];
  return names.map(scale => ({
    scale,
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum exists in uPlot's types alone, not when it runs
    side: (scale === 'load' ? 1 : 3) as uPlot.Axis.Side,
    size: axisWidth,
    stroke: colours.text,
    ticks: { stroke: colours.grid },
    grid: { show: scale !== 'load', stroke: colours.grid },
    values: (_, ticks) => ticks.map(tick => axisText(scale, tick)),
  }));
}

function axisText(scale: ChartSeries['scale'], tick: number): string {
  if (scale === 'share') return `${Number((tick * 100).toPrecision(3))} %`;
  if (scale === 'seconds') return tick > 0 && tick < 0.1 ? `${Number((tick * 1000).toPrecision(3))} ms` : `${Number(tick.toPrecision(3))} s`;
  if (tick >= 1e6) return `${Number((tick / 1e6).toPrecision(3))} M`;
  return tick >= 1e4 ? `${Number((tick / 1e3).toPrecision(3))} k` : Number.isInteger(tick) ? String(tick) : '';
}

function timeText({ zone, widthMs }: PageData, seconds: number | null): string {
  if (seconds === null) return '–';
  const clock = zoneClock(zone);
  const fromMs = seconds * 1000 - widthMs / 2;
  return `${clock.day(fromMs)} ${clock.time(fromMs)}–${clock.time(fromMs + widthMs)}`;
}

function tickText({ zone, startMs, failed, widthMs }: PageData, seconds: number, step: number): string {
  const clock = zoneClock(zone);
  const ms = seconds * 1000;
  if (step >= 86_400) return clock.day(ms).slice(5);
  const isOneDay = clock.day(startMs) === clock.day(startMs + failed.length * widthMs);
  if (!isOneDay && clock.minute(ms) === '00:00') return clock.day(ms).slice(5);
  return step >= 60 ? clock.minute(ms) : clock.time(ms);
}

function shadeBursts(plot: uPlot, { bursts }: PageData, colours: Colours): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colours.burst;
  for (const { fromMs, toMs } of bursts) {
    const from = Math.max(bbox.left, plot.valToPos(fromMs / 1000, 'x', true));
    const to = Math.min(bbox.left + bbox.width, plot.valToPos(toMs / 1000, 'x', true));
    if (to >= bbox.left && from <= bbox.left + bbox.width) ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
  }
  ctx.restore();
}

function colourOf(series: ChartSeries | undefined, { quiet, palette }: Colours): string {
  if (!series) return 'transparent';
  return series.colour === 'quiet' ? quiet : (palette[series.colour % palette.length] ?? quiet);
}

function coloursOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read('soft'),
    grid: read('line'),
    quiet: read('load'),
    burst: read('burst'),
    palette: Array.from({ length: 8 }, (_, index) => read(`series-${index}`)),
  };
}
