import type { LogHistory, LogsReport } from '../../model/logs-report.ts';
import { line, render, styled, type Line } from '../layout.ts';
import { plural, windowLength } from '../wording.ts';
import { notUnderstood, unreadLines } from './input-lines.ts';
import { peerLines } from './peer-lines.ts';
import { problemLines } from './problem-lines.ts';
import { brief, full, headLines, lookFor, notCheckedLines, spaced, type LogsTerminalOptions } from './terminal.ts';
import { timeLines } from './time-line.ts';

const mostProblems = 5;
/** A log that begins later than this after what was asked for says nothing of the time before. */
const slackMs = 60_000;

/** What a host's logs say of a longer time, below the report of its diagnosis. Ends with a newline. */
export function renderHistory({ since, logs }: LogHistory, options: LogsTerminalOptions): string {
  const look = lookFor(options);
  const { verbose } = options;
  const shown = logs.problems.slice(0, verbose ? Infinity : mostProblems);
  const left = logs.problems.length - shown.length;
  const problems = shown.flatMap((problem, index) =>
    problemLines(logs, problem, index + 1, verbose || index === 0 ? full : { ...brief, samples: 1 }, look.width),
  );
  const lines: readonly Line[] = [
    line(0, styled('strong', `Its logs over the last ${windowLength({ from: since, to: logs.startedAt })}`)),
    ...headLines(logs),
    ...coverLines(since, logs),
    ...spaced(timeLines(logs, look), [line(0, '')]),
    ...spaced(problems, [line(0, '')]),
    ...(left > 0 ? [line(2, styled('quiet', `and ${plural(left, 'more problem')} with --verbose`))] : []),
    ...spaced(peerLines(logs, 4, look), [line(0, '')]),
    ...spaced([...unreadLines(logs, verbose ? Infinity : 2), ...notUnderstood(logs, 1)], [line(0, '')]),
    ...(verbose ? notCheckedLines(logs, Infinity) : []),
  ];
  return `${render(lines, look)}\n`;
}

/** Where the logs begin later than what was asked for: what failed before is not known. */
function coverLines(since: string, { window }: LogsReport): readonly Line[] {
  if (window === undefined || Date.parse(window.from) <= Date.parse(since) + slackMs) return [];
  return [
    line(0, styled('quiet', `The logs begin at ${window.from.slice(0, 19).replace('T', ' ')} UTC; of the time before they say nothing.`), {
      hang: 2,
      maxRows: 2,
    }),
  ];
}
