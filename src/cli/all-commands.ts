import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { addCollect } from './commands/collect.ts';
import { addDiagnose } from './commands/diagnose.ts';
import { addExplain } from './commands/explain.ts';
import { addFix } from './commands/fix.ts';
import { addHistory } from './commands/history.ts';
import { addLint } from './commands/lint.ts';
import { addLogs } from './commands/logs.ts';
import { addSize } from './commands/size.ts';
import { addTrace } from './commands/trace.ts';
import { addUndo } from './commands/undo.ts';

/** Adds every command, in the order in which the help lists them. Gives the one that runs where none is named. */
export function addCommands(program: Command, context: CommandContext): Command {
  const diagnose = addDiagnose(program, context);
  addTrace(program, context);
  addLogs(program, context);
  addLint(program, context);
  addSize(program, context);
  addCollect(program, context);
  addFix(program, context);
  addUndo(program, context);
  addHistory(program, context);
  addExplain(program, context);
  return diagnose;
}
