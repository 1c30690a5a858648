import { Option, type Command } from 'commander';
import type { SizeReport, SizeVerdict } from '../../core/model/size-report.ts';
import { jsonText } from '../../core/reporters/json.ts';
import { renderSizing } from '../../core/reporters/sizing.ts';
import type { CommandContext } from '../command-context.ts';
import { chooseLook, writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import { parseSince, type Since } from '../since.ts';
import { parseWidth } from '../width.ts';

interface SizeOptions {
  readonly since?: Since;
  readonly format: 'terminal' | 'json';
  readonly verbose?: boolean;
  readonly bundle?: string;
  readonly color: boolean;
  readonly width?: number;
}

const examples = `
Examples:
  badhop size                           worker and connection limits of this machine, against its memory and its load
  badhop size --since 2h --verbose      need from the last two hours of the log; every sum and plan
  badhop size --format json | jq '.pools[] | {name, now, recommended, verdict}'
  badhop size --bundle ./bundle         of a host that \`badhop collect\` recorded

Run it under load: what workers grow to, and how many are needed, shows then alone. It changes nothing and asks no backend.
Exit codes: 0 nothing to change, 1 a limit is too small, or too large for the memory, 2 badhop could not run,
3 it cannot be told (no workers, nothing to do, or what is needed could not be read).`;

const exitCodes: Readonly<Record<SizeVerdict, number>> = { fits: 0, change: 1, unknown: 3 };

/** `badhop size`: worker and connection limits from what this host measures. */
export function addSize(program: Command, context: CommandContext): Command {
  return program
    .command('size')
    .description('worker and connection limits from measured memory and load, beside what is set now')
    .option('--since <when>', 'how far back the logs are read: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)', (text: string) => parseSince(text))
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .option('-v, --verbose', 'show every sum, plan and limit')
    .option('--bundle <dir>', 'size a recording made by `badhop collect`')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .addHelpText('after', examples)
    .action(async (options: SizeOptions) => {
      const report = await size(options, context.version);
      await writeOut(
        options.format === 'json'
          ? jsonText(report)
          : renderSizing(report, { ...chooseLook(process.stdout, process.env, options), verbose: options.verbose === true }),
      );
      context.finish(exitCodes[report.verdict]);
    });
}

async function size({ bundle, since }: SizeOptions, version: string): Promise<SizeReport> {
  const progress = createProgress(process.stderr, process.env);
  progress.show('starting');
  try {
    const { sizeBundle, sizeLocal } = await import('../compose-size.ts');
    const request = { since, version, onProgress: (stage: string) => progress.show(stage) };
    return await (bundle === undefined ? sizeLocal(request) : sizeBundle(bundle, request));
  } finally {
    progress.end();
  }
}
