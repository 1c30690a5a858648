import { isFarewell, isKnownCommand } from '../../core/changes/commands.ts';
import type { RecordedCommand } from '../../core/model/change.ts';
import type { Host } from '../../core/model/host.ts';
import { forThoseLeft, strangerOf } from './processes.ts';

/** How a command ended. `text` is what it said, in one line, where it failed; `output` all of it. */
export interface CommandOutcome {
  readonly ok: boolean;
  readonly text: string;
  readonly output: string;
}

// systemd waits 90 s for a service to stop, and as long for it to start.
const timeoutMs = 200_000;

/** Runs one command of a change. What has not the form of one is never started. */
export async function runCommand(host: Host, argv: readonly string[]): Promise<CommandOutcome> {
  const line = argv.join(' ');
  if (!isKnownCommand(argv)) return { ok: false, text: `badhop does not run \`${line}\``, output: '' };
  const answer = await host.exec(argv, { timeoutMs, maxBytes: 256 * 1024, isUrgent: true });
  if (answer.state !== 'known') return { ok: false, text: `\`${line}\`: ${answer.why}`, output: '' };
  const { code, stdout, stderr } = answer.value;
  const output = `${stderr}${stdout}`.trim();
  const said = output.split('\n').findLast(text => text.trim() !== '') ?? '';
  return code === 0 ? { ok: true, text: '', output } : { ok: false, text: `\`${line}\` ended with ${code}${said === '' ? '' : `: ${said.trim()}`}`, output };
}

/**
 * The same for one that may name processes: where an id means another process by now, it is not run. Who has ended need not be told to end,
 * so such a command is run for the others.
 */
export async function runRecorded(host: Host, command: Pick<RecordedCommand, 'argv' | 'processes'>): Promise<CommandOutcome> {
  if (isFarewell(command.argv)) {
    const argv = forThoseLeft(command);
    return argv === undefined ? { ok: true, text: '', output: '' } : runCommand(host, argv);
  }
  const stranger = strangerOf(command);
  if (stranger !== undefined)
    return { ok: false, text: `process ${stranger} has ended, or is another one by now: \`${command.argv.join(' ')}\` was not run`, output: '' };
  return runCommand(host, command.argv);
}
