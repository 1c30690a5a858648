import type { Command } from 'commander';
import { escapeText, shellLine } from '../../core/reporters/text.ts';
import { writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import type { CommandContext } from '../command-context.ts';
import { parseSince } from '../since.ts';

interface CollectOptions {
  readonly out: string;
  readonly since?: string;
  readonly probe: boolean;
}

/** `badhop collect`: runs a diagnosis and keeps everything that it read. */
export function addCollect(program: Command, context: CommandContext): Command {
  return program
    .command('collect')
    .description('record what a diagnosis reads into a folder, with secrets removed')
    .requiredOption('--out <dir>', 'the folder to write; new or empty')
    .option('--since <when>', 'how far back to look: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)')
    .option('--no-probe', 'only read; ask no backend anything')
    .action(async ({ out, since, probe }: CollectOptions) => {
      const window = since === undefined ? undefined : parseSince(since);
      const progress = createProgress(process.stderr, process.env);
      progress.show('starting');
      try {
        const { recordBundle } = await import('../compose.ts');
        const report = await recordBundle(out, { since: window, probing: probe, version: context.version, onProgress: stage => progress.show(stage) });
        progress.end();
        const command = shellLine(['badhop', '--bundle', out]);
        await writeOut(
          `Recorded ${escapeText(report.host.hostname)} into ${escapeText(out)}; the verdict here is ${report.verdict}.\n` +
            `Known kinds of secrets were removed; look it over before you share it. To read it anywhere:\n  ${command}\n`,
        );
      } finally {
        progress.end();
      }
    });
}
