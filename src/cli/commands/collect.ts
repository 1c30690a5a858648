import type { Command } from 'commander';
import { escapeText } from '../../core/reporters/text.ts';
import { writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import type { CommandContext } from '../program.ts';
import { parseSince, type Since } from '../since.ts';

interface CollectOptions {
  readonly out: string;
  readonly since?: Since;
  readonly probe: boolean;
}

/** `badhop collect`: runs a diagnosis and keeps everything that it read. */
export function addCollect(program: Command, context: CommandContext): Command {
  return program
    .command('collect')
    .description('record what a diagnosis reads into a folder, with secrets removed')
    .requiredOption('--out <dir>', 'the folder to write; new or empty')
    .option('--since <when>', 'how far back to look: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)', parseSince)
    .option('--no-probe', 'only read; ask no backend anything')
    .action(async ({ out, since, probe }: CollectOptions) => {
      const progress = createProgress(process.stderr, process.env);
      progress.show('starting');
      try {
        const { recordBundle } = await import('../compose.ts');
        const report = await recordBundle(out, { since, probing: probe, version: context.version, onProgress: stage => progress.show(stage) });
        progress.end();
        const folder = escapeText(out);
        await writeOut(
          `Recorded ${escapeText(report.host.hostname)} into ${folder} (verdict here: ${report.verdict}). Secrets were removed; look it over before you share it.\nDiagnose it anywhere with: badhop --bundle ${folder}\n`,
        );
      } finally {
        progress.end();
      }
    });
}
