import { Option, type Command } from 'commander';
import { renderJson } from '../../core/reporters/json.ts';
import { renderTerminal } from '../../core/reporters/terminal.ts';
import { BadhopError } from '../../core/model/error.ts';
import type { Report } from '../../core/model/report.ts';
import { chooseLook, writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import type { CommandContext } from '../command-context.ts';
import { parseSince, type Since } from '../since.ts';
import { verdictCodes } from '../verdict-codes.ts';
import { parseWidth } from '../width.ts';

interface DiagnoseOptions {
  readonly since?: Since;
  readonly tailWindow?: Since;
  readonly format: 'terminal' | 'json';
  readonly verbose?: boolean;
  readonly probe: boolean;
  readonly bundle?: string;
  readonly url?: string;
  readonly color: boolean;
  readonly width?: number;
}

/** `badhop diagnose`: the full checklist on this machine or a recorded one. */
export function addDiagnose(program: Command, context: CommandContext): Command {
  return program
    .command('diagnose', { isDefault: true })
    .description('find what is broken and why (the default)')
    .option('--since <when>', 'how far back to look: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)', (text: string) => parseSince(text))
    .option('--tail-window <when>', 'read the logs over this longer time too: since when, how bad, in what rhythm', (text: string) =>
      parseSince(text, '--tail-window'),
    )
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .option('-v, --verbose', 'show everything that was found, ruled out and not checked')
    .option('--no-probe', 'only read; ask no backend anything')
    .option('--bundle <dir>', 'diagnose a recording made by `badhop collect`')
    .option('--url <url>', 'send one request to this URL at this machine, and find the log line that it makes')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .action(async (options: DiagnoseOptions) => {
      const { tailWindow, bundle } = options;
      if (tailWindow !== undefined) checkTailWindow(tailWindow, bundle);
      const now = await diagnose(options, context.version);
      const { report, isInterrupted } = tailWindow === undefined ? { report: now, isInterrupted: false } : await lookBack(now, tailWindow, context);
      await writeOut(await renderReport(report, options));
      const { interruptedCode } = await import('../signals.ts');
      context.finish(isInterrupted ? interruptedCode : verdictCodes[report.verdict]);
    });
}

function checkTailWindow(since: Since, bundle: string | undefined): void {
  if (bundle !== undefined) {
    throw new BadhopError('usage', '--tail-window: a recording holds no more of the logs than the window it was made for', {
      hint: 'Give it on the host itself, or read copies of the logs with `badhop logs`.',
    });
  }
  if (since.kind === 'moment' && since.ms > Date.now() + 86_400_000) {
    throw new BadhopError('usage', `--tail-window ${since.text} lies in the future`, { hint: 'Give a length such as 24h or 7d, or a time that has been.' });
  }
}

/** The report with what its host's logs say of a longer time. The first Ctrl-C ends the reading, not the report. */
async function lookBack(report: Report, since: Since, { version }: CommandContext): Promise<{ readonly report: Report; readonly isInterrupted: boolean }> {
  const [{ readHistory }, { onInterrupt }] = await Promise.all([import('../log-history.ts'), import('../signals.ts')]);
  const abort = new AbortController();
  const release = onInterrupt(() => abort.abort());
  try {
    const history = await readHistory(report, since, version, abort.signal);
    const none = {
      what: 'the logs over a longer time',
      why: 'the configuration of nginx on this host names no log that is kept here',
      how: 'give the files to `badhop logs`',
    };
    const full = history === undefined ? { ...report, notChecked: [...report.notChecked, none] } : { ...report, history };
    return { report: full, isInterrupted: abort.signal.aborted };
  } catch (error) {
    // What is known of the present is told all the same.
    const internalErrors = [...report.internalErrors, `the logs over a longer time: ${error instanceof Error ? error.message : String(error)}`];
    return { report: { ...report, internalErrors }, isInterrupted: abort.signal.aborted };
  } finally {
    release();
  }
}

async function diagnose({ bundle, since, probe, url }: DiagnoseOptions, version: string): Promise<Report> {
  if (url !== undefined && bundle !== undefined) {
    throw new BadhopError('usage', '--url: a recording answers no request', { hint: 'Give it on the host itself, or use `badhop trace` from anywhere.' });
  }
  const progress = createProgress(process.stderr, process.env);
  progress.show('starting');
  try {
    const { diagnoseBundle, diagnoseLocal } = await import('../compose.ts');
    const request = { since, probing: probe, version, onProgress: (stage: string) => progress.show(stage) };
    if (url !== undefined) {
      const { diagnoseUrl } = await import('../compose-url.ts');
      return await diagnoseUrl(url, version, () => diagnoseLocal(request), request.onProgress);
    }
    return await (bundle === undefined ? diagnoseLocal(request) : diagnoseBundle(bundle, request));
  } finally {
    progress.end();
  }
}

async function renderReport(report: Report, { format, verbose = false, color, width }: DiagnoseOptions): Promise<string> {
  if (format === 'json') return renderJson(report);
  const look = { ...chooseLook(process.stdout, process.env, { color, width }), verbose };
  const screen = renderTerminal(report, look);
  if (report.history === undefined) return screen;
  const { renderHistory } = await import('../../core/reporters/logs/history.ts');
  return `${screen}\n${renderHistory(report.history, look)}`;
}
