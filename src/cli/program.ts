import { Command, CommanderError } from 'commander';
import { BadhopError } from '../core/model/error.ts';
import type { CommandContext } from './command-context.ts';
import { endOpenChanges } from './open-changes.ts';
import { writeOut } from './output.ts';
import { chooseState } from './state-option.ts';

const examples = `
Examples:
  badhop                                  diagnose this machine, the last 15 minutes
  badhop --since 2h --verbose             look further back, show everything
  badhop --format json | jq .findings[0]  the root cause, for a program
  badhop trace https://shop.example/cart  ask from outside: which hop answered the error
  badhop logs /var/log/nginx/             what the logs say: who failed, when, since what
  badhop lint deploy/nginx.conf           what the configuration alone shows, for review and CI
  badhop size                             worker and connection limits from measured memory and load
  badhop collect --out ./bundle           record what badhop reads, secrets removed
  badhop --bundle ./bundle                diagnose that recording somewhere else
  badhop fix                              the plans for it; --apply carries one out, guarded
  badhop undo                             take the last change back
  badhop explain socket-stale             what a fault means and what to do

Exit codes: 0 nothing wrong (healthy, recovered), 1 findings, 2 badhop could not run, 3 inconclusive.`;

/** Runs one command line; resolves to its exit code. Throws a BadhopError for wrong use. */
export async function runProgram(argv: readonly string[], version: string): Promise<number> {
  let code = 0;
  const context: CommandContext = {
    version,
    finish(result) {
      code = result;
    },
  };
  const helpTexts: string[] = [];
  const program = createProgram(context, text => helpTexts.push(text));
  await addCommandsFor(argv, program, context);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error, program, argv);
  }
  if (helpTexts.length > 0) await writeOut(helpTexts.join(''));
  return code;
}

/** Without its commands. */
function createProgram(context: CommandContext, onHelp: (text: string) => void): Command {
  const program = new Command('badhop')
    .description('Finds the bad hop behind a 502 Bad Gateway, proves it, and says what to do.')
    .usage('[command] [options]')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ sortSubcommands: false })
    .configureOutput({ writeOut: onHelp, writeErr: () => undefined })
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride();
  program.hook('preAction', async (_program, command) => {
    const { state } = command.opts<{ readonly state?: string }>();
    await endOpenChanges(chooseState(state));
  });
  return program;
}

/** Of `logs`, whose reader waits for the first byte, the others are not loaded. */
async function addCommandsFor(argv: readonly string[], program: Command, context: CommandContext): Promise<void> {
  if (argv[0] === 'logs') {
    (await import('./commands/logs.ts')).addLogs(program, context);
    return;
  }
  const diagnose = (await import('./all-commands.ts')).addCommands(program, context);
  program.addHelpText('after', () => `\nOptions of diagnose, the command where none is named:\n${optionsOf(diagnose)}\n${examples}`);
}

function optionsOf(command: Command): string {
  const help = command.createHelp();
  const width = help.padWidth(command, help);
  return help
    .visibleOptions(command)
    .filter(option => option.long !== '--help')
    .map(option => help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help))
    .join('\n');
}

/** Commander's complaint as one of ours. A word that is no command reaches the default command as an argument too many. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): BadhopError {
  const names = program.commands.map(command => command.name());
  const [word, second] = argv.filter(each => !each.startsWith('-'));
  const unknown =
    error.code === 'commander.help' ? second : error.code === 'commander.excessArguments' && word !== undefined && !names.includes(word) ? word : undefined;
  if (unknown !== undefined) {
    return new BadhopError('usage', `unknown command '${unknown}'`, { hint: `The commands are ${names.join(', ')}. See \`badhop --help\`.` });
  }
  const [message = '', ...suggestion] = error.message.replace(/^error: /, '').split('\n');
  const meant = suggestion.map(text => ` ${text}`).join('');
  return new BadhopError('usage', `${message}${meant}`);
}
