import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { printChanges } from '../print-changes.ts';
import { createProgress } from '../progress.ts';
import { chooseState, stateOption } from '../state-option.ts';
import { parseWidth } from '../width.ts';

interface UndoOptions {
  readonly format: 'terminal' | 'json';
  readonly state?: string;
  readonly color: boolean;
  readonly width?: number;
}

const codes = { applied: 0, unverified: 3, 'rolled-back': 1, 'roll-back-failed': 1, refused: 2 } as const;

/** `badhop undo`: takes a change back that was applied. */
export function addUndo(program: Command, context: CommandContext): Command {
  return program
    .command('undo')
    .description('take a change back: the old bytes, owner and mode, then what takes them up')
    .argument('[id]', 'the change, as `badhop history` names it; without it, the last one that is in force')
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .addOption(stateOption())
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .action(async (id: string | undefined, options: UndoOptions) => {
      const progress = createProgress(process.stderr, process.env);
      const { undoLocal } = await import('../compose-undo.ts');
      const report = await undoLocal({
        id,
        version: context.version,
        state: chooseState(options.state),
        onProgress: stage => progress.show(stage),
      }).finally(() => progress.end());
      await printChanges(report, options);
      context.finish(codes[report.result.outcome]);
    });
}
