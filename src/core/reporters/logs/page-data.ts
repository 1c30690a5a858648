import type { LogsReport } from '../../model/logs-report.ts';
import { escapeText } from '../text.ts';
import { shorten } from './figures.ts';
import { burstStarts, joinSteps, type Named, type Steps } from './steps.ts';

/** What the charts of the page are drawn from: it stands in the page as JSON. Names are written out, nothing else in it is text of a log. */
export interface PageData extends Steps {
  readonly zone: string;
  /** The most severe first. */
  readonly bursts: readonly { readonly fromMs: number; readonly toMs: number }[];
}

// As wide as a large screen; more steps would be seen by nobody and weigh in the ticket.
const mostSteps = 480;
const mostBursts = 200;
const longestName = 60;

/** Undefined where no line has a time. */
export function pageData(report: LogsReport): PageData | undefined {
  const steps = joinSteps(report.timeline, mostSteps);
  if (!steps) return undefined;
  return {
    ...steps,
    median: steps.median.map(brief),
    p95: steps.p95.map(brief),
    byPeer: steps.byPeer.map(writtenOut),
    byStatus: steps.byStatus.map(writtenOut),
    zone: shorten(escapeText(report.zone), longestName),
    bursts: burstStarts(report)
      .slice(0, mostBursts)
      .map(({ ms, toMs }) => ({ fromMs: ms, toMs })),
  };
}

function brief(seconds: number | null): number | null {
  return seconds === null ? null : Number(seconds.toPrecision(4));
}

function writtenOut({ name, counts }: Named): Named {
  return { name: shorten(escapeText(name), longestName), counts };
}

/** The data as JSON that may stand in a `script` element: nothing in it ends the element or a line. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&\u007F-\u009F\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
