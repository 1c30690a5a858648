import { BadhopError } from '../core/model/error.ts';
import type { LogsReport } from '../core/model/logs-report.ts';
import { escapeText } from '../core/reporters/text.ts';
import { plural, sentence } from '../core/reporters/wording.ts';
import { bytesText } from '../core/reporters/logs/figures.ts';
import type { LogsOptions } from './commands/logs.ts';
import type { LogsQuestion } from './compose-logs.ts';
import type { HostLogs } from './host-logs.ts';
import { createLogProgress } from './log-progress.ts';
import { chooseForm, isPipedIn, readLogFormats, type ReportForm } from './log-options.ts';
import { momentMs, readZone } from './moment.ts';
import { chooseLook, isOutputClosed, writeOut, type OutputLook } from './output.ts';
import { createProgress } from './progress.ts';
import { checkReportFile, writeReportFile } from './report-file.ts';
import { onInterrupt } from './signals.ts';

interface LogsRun {
  readonly report: LogsReport;
  /** By Ctrl-C: the report tells what was read by then. */
  readonly isInterrupted: boolean;
}

/** Reads what was asked for, and writes the report to stdout or its file. */
export async function runLogs(files: readonly string[], options: LogsOptions, version: string): Promise<LogsRun> {
  const form = chooseForm(options.format, options.out);
  const look = chooseLook(process.stdout, process.env, options);
  if (form === 'html' && options.out === undefined && process.stdout.isTTY) {
    throw new BadhopError('usage', '--format html: a page is nothing for a terminal', { hint: 'Give it a file: --out report.html' });
  }
  const question = await ask(files, options, version);
  if (options.out !== undefined) await checkReportFile(options.out, question.paths);
  if (options.follow === true) return await follow(question, form, look, options);

  const abort = new AbortController();
  const release = onInterrupt(() => abort.abort());
  const startedMs = performance.now();
  const progress = createLogProgress(process.stderr, process.env, () => performance.now() - startedMs);
  try {
    const { reportLogs } = await import('./compose-logs.ts');
    const report = await reportLogs(question, reading => progress.show(reading), abort.signal);
    progress.end();
    refuseUnread(report);
    await deliver(report, form, look, options);
    return { report, isInterrupted: abort.signal.aborted };
  } finally {
    release();
    progress.end();
  }
}

/** Until Ctrl-C, or nobody reads it any more. */
async function follow(question: LogsQuestion, form: ReportForm, look: OutputLook, { out, until, verbose = false }: LogsOptions): Promise<LogsRun> {
  if (form !== 'terminal' || out !== undefined) {
    throw new BadhopError('usage', '--follow: what is followed is told at a terminal or line by line', { hint: 'Leave out --out and --format, or --follow.' });
  }
  if (until !== undefined) throw new BadhopError('usage', '--follow has no end, so there is no --until', { hint: 'Leave one of them out.' });
  const abort = new AbortController();
  const release = onInterrupt(() => abort.abort());
  const waiting = createProgress(process.stderr, process.env);
  waiting.show('nothing new yet');
  try {
    const [{ followReports }, { createFollowView }] = await Promise.all([import('./compose-logs.ts'), import('./follow-view.ts')]);
    const isScreen = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
    const view = createFollowView({ isScreen, rows: process.stdout.rows, verbose, write: writeOut }, look);
    let shown: Promise<void> = Promise.resolve();
    const onReport = (report: LogsReport): void => {
      waiting.end();
      shown = shown
        .then(() => view.show(report))
        .catch(() => abort.abort())
        .finally(() => {
          if (isOutputClosed()) abort.abort();
        });
    };
    const report = await followReports(question, { everyMs: view.everyMs, signal: abort.signal, onReport });
    await shown;
    waiting.end();
    await view.end(report);
    return { report, isInterrupted: abort.signal.aborted && !isOutputClosed() };
  } finally {
    release();
    waiting.end();
  }
}

async function ask(files: readonly string[], options: LogsOptions, version: string): Promise<LogsQuestion> {
  const zone = readZone(options.zone);
  const nowMs = Date.now();
  const sinceMs = options.since === undefined ? Number.NEGATIVE_INFINITY : momentMs(options.since, nowMs, zone);
  const untilMs = options.until === undefined ? Number.POSITIVE_INFINITY : momentMs(options.until, nowMs, zone);
  if (untilMs <= sinceMs) throw new BadhopError('usage', '--until lies before --since, so nothing is between them', { hint: 'See `badhop logs --help`.' });
  const formats = readLogFormats(options.logFormat ?? []);
  const journalUnits = options.journal ?? [];
  const named = { journalUnits, sinceMs, untilMs, nowMs, zone: zone.logZone, zoneName: zone.name, version };
  const more = {
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.engine === undefined ? {} : { engine: options.engine }),
  };
  if (files.length > 0 || journalUnits.length > 0) return { ...named, ...more, paths: files, formats };
  if (isPipedIn()) return { ...named, ...more, paths: ['-'], formats };
  const host = await hostLogs(version, Number.isFinite(sinceMs) && options.follow !== true);
  const configurations = [...formats.configurations, ...host.configurations];
  return { ...named, ...more, paths: host.paths, journalUnits: host.journalUnits, formats: { ...formats, configurations } };
}

async function hostLogs(version: string, rotated: boolean): Promise<HostLogs> {
  const progress = createProgress(process.stderr, process.env);
  progress.show("looking for the logs of this machine's nginx");
  try {
    const { findHostLogs } = await import('./compose-logs.ts');
    const found = await findHostLogs(version, rotated);
    if (found.paths.length + found.journalUnits.length > 0) return found;
    throw new BadhopError('usage', 'no log was named, and no configuration of an nginx on this machine names one', {
      hint: 'Give files, folders or patterns, such as `badhop logs /var/log/nginx/`, or `-` for standard input.',
    });
  } finally {
    progress.end();
  }
}

/** Where nothing at all could be read there is no report. */
function refuseUnread({ inputs }: LogsReport): void {
  const [first, ...rest] = inputs.filter(input => input.unread !== undefined);
  if (first === undefined || rest.length + 1 < inputs.length) {
    if (inputs.length > 0) return;
    throw new BadhopError('log-unreadable', 'there is no log in what was named');
  }
  const others = rest.length === 0 ? '' : `; nor could ${plural(rest.length, 'other')}`;
  throw new BadhopError('log-unreadable', `${first.path}: ${first.unread ?? ''}${others}`);
}

async function deliver(report: LogsReport, form: ReportForm, look: OutputLook, { out, verbose = false }: LogsOptions): Promise<void> {
  const text = await renderLogs(report, form, out === undefined ? look : { ...look, colour: false }, verbose);
  if (out === undefined) {
    await writeOut(text);
    return;
  }
  await writeReportFile(out, text);
  await writeOut(`${sentence(escapeText(report.summary))}\nThe report is in ${escapeText(out)} (${bytesText(Buffer.byteLength(text))}).\n`);
}

async function renderLogs(report: LogsReport, form: ReportForm, look: OutputLook, verbose: boolean): Promise<string> {
  switch (form) {
    case 'terminal':
      return (await import('../core/reporters/logs/terminal.ts')).renderLogsTerminal(report, { ...look, verbose });
    case 'json':
      return (await import('../core/reporters/logs/json.ts')).renderLogsJson(report);
    case 'markdown':
      return (await import('../core/reporters/logs/markdown.ts')).renderLogsMarkdown(report);
    case 'html':
      return (await import('../core/reporters/logs/html.ts')).renderLogsHtml(report);
  }
}
