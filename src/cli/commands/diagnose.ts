import { Option, type Command } from 'commander';
import { renderJson } from '../../core/reporters/json.ts';
import { renderTerminal } from '../../core/reporters/terminal.ts';
import type { Report, Verdict } from '../../core/model/report.ts';
import { chooseLook, writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import type { CommandContext } from '../command-context.ts';
import { parseSince, type Since } from '../since.ts';
import { parseWidth } from '../width.ts';

interface DiagnoseOptions {
  readonly since?: Since;
  readonly format: 'terminal' | 'json';
  readonly verbose?: boolean;
  readonly probe: boolean;
  readonly bundle?: string;
  readonly color: boolean;
  readonly width?: number;
}

const exitCodes: Readonly<Record<Verdict, number>> = { healthy: 0, recovered: 0, failing: 1, 'at-risk': 1, inconclusive: 3 };

/** `badhop diagnose`: the full checklist on this machine or a recorded one. */
export function addDiagnose(program: Command, context: CommandContext): Command {
  return program
    .command('diagnose', { isDefault: true })
    .description('find what is broken and why (the default)')
    .option('--since <when>', 'how far back to look: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)', (text: string) => parseSince(text))
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .option('-v, --verbose', 'show everything that was found, ruled out and not checked')
    .option('--no-probe', 'only read; ask no backend anything')
    .option('--bundle <dir>', 'diagnose a recording made by `badhop collect`')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .action(async (options: DiagnoseOptions) => {
      const report = await diagnose(options, context.version);
      await writeOut(renderReport(report, options));
      context.finish(exitCodes[report.verdict]);
    });
}

async function diagnose({ bundle, since, probe }: DiagnoseOptions, version: string): Promise<Report> {
  const progress = createProgress(process.stderr, process.env);
  progress.show('starting');
  try {
    const { diagnoseBundle, diagnoseLocal } = await import('../compose.ts');
    const request = { since, probing: probe, version, onProgress: (stage: string) => progress.show(stage) };
    return await (bundle === undefined ? diagnoseLocal(request) : diagnoseBundle(bundle, request));
  } finally {
    progress.end();
  }
}

function renderReport(report: Report, { format, verbose = false, color, width }: DiagnoseOptions): string {
  if (format === 'json') return renderJson(report);
  return renderTerminal(report, { ...chooseLook(process.stdout, process.env, { color, width }), verbose });
}
