import { Option, type Command } from 'commander';
import { BadhopError } from '../../core/model/error.ts';
import type { CommandContext } from '../command-context.ts';
import { printChanges } from '../print-changes.ts';
import { chooseState, stateOption } from '../state-option.ts';
import { parseWidth } from '../width.ts';

interface HistoryOptions {
  readonly format: 'terminal' | 'json';
  readonly state?: string;
  readonly color: boolean;
  readonly width?: number;
}

/** `badhop history`: what badhop has changed on this host. */
export function addHistory(program: Command, context: CommandContext): Command {
  return program
    .command('history')
    .description('list what badhop has changed on this host: who, when, what, and how it ended')
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .addOption(stateOption())
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .action(async (options: HistoryOptions) => {
      const { listChanges } = await import('../compose-undo.ts');
      const report = readable(() => listChanges({ version: context.version, state: chooseState(options.state) }));
      await printChanges(report, options);
      // A change that is open, or that nobody can read, is something to look into.
      context.finish(report.changes.some(({ result }) => result === 'open' || result === 'unreadable') ? 1 : 0);
    });
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadhopError) throw error;
    throw new BadhopError('state-unusable', error instanceof Error ? error.message : String(error), { cause: error, hint: 'Run as root to read it.' });
  }
}
