import type uPlot from 'uplot';
import type { PageData } from '../../core/reporters/logs/page-data.ts';
import { zoneClock } from '../../core/reporters/logs/zone-clock.ts';
import { chartsOf, type Chart } from './charts.ts';
import { draw } from './draw.ts';

/**
 * Draws the charts of the page that `badhop logs --format html` writes. All of the page's text is in its HTML already; this adds
 * the charts, and takes the still picture away that stands there without it.
 */
function start(): void {
  const place = document.getElementById('charts');
  const text = document.getElementById('data')?.textContent;
  if (!place || !text) return;
  const data = JSON.parse(text) as PageData;
  const charts = chartsOf(data);
  const plots = new Map<Chart, uPlot>();
  const whole = { min: data.startMs / 1000, max: (data.startMs + data.failed.length * data.widthMs) / 1000 };
  let isBusy = false;

  const zoom = (min: number, max: number): void => {
    if (isBusy) return;
    isBusy = true;
    for (const plot of plots.values()) plot.setScale('x', { min, max });
    isBusy = false;
    const isWhole = Math.abs(min - whole.min) < 1 && Math.abs(max - whole.max) < 1;
    reset.disabled = isWhole;
  };

  const buttons = document.createElement('p');
  buttons.className = 'zoom';
  const reset = button('Whole time', () => zoom(whole.min, whole.max));
  reset.disabled = true;
  buttons.append(...burstButtons(data, whole, zoom), reset);
  const hint = document.createElement('span');
  hint.className = 'hint';
  hint.textContent = 'Drag over a chart to look closer; double-click to see all again.';
  buttons.append(hint);

  const holders = charts.map(chart => {
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = chart.title;
    const holder = document.createElement('div');
    figure.append(caption, holder);
    place.append(figure);
    return { chart, holder };
  });
  place.before(buttons);

  const drawAll = (): void => {
    const first = plots.values().next().value;
    const { min = whole.min, max = whole.max } = first?.scales['x'] ?? {};
    for (const { chart, holder } of holders) {
      plots.get(chart)?.destroy();
      plots.set(chart, draw({ chart, data, holder, whole, onZoom: zoom, onReset: () => zoom(whole.min, whole.max) }));
    }
    zoom(min, max);
  };
  drawAll();
  document.getElementById('still')?.setAttribute('hidden', '');

  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  let widthSeen = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth === widthSeen || place.clientWidth === 0) return;
    widthSeen = place.clientWidth;
    for (const { chart, holder } of holders) plots.get(chart)?.setSize({ width: holder.clientWidth, height: chart.height });
  }).observe(place);
}

/** The bursts that weigh most, in the order of time, each with some of what was before and after it. */
function burstButtons(data: PageData, whole: { readonly min: number; readonly max: number }, zoom: (min: number, max: number) => void): HTMLButtonElement[] {
  const clock = zoneClock(data.zone);
  return data.bursts
    .slice(0, 4)
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .map(({ fromMs, toMs }) => {
      const margin = Math.max(toMs - fromMs, 10 * data.widthMs) / 1000;
      return button(`Burst at ${clock.time(fromMs)}`, () => zoom(Math.max(whole.min, fromMs / 1000 - margin), Math.min(whole.max, toMs / 1000 + margin)));
    });
}

function button(text: string, onClick: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', onClick);
  return element;
}

start();
