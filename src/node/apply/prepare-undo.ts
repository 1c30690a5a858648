import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isReload, isTest, mayFail } from '../../core/changes/commands.ts';
import { BadhopError } from '../../core/model/error.ts';
import type { ChangeResult, RecordedCommand } from '../../core/model/change.ts';
import type { Host } from '../../core/model/host.ts';
import { readWhole, sha256 } from './durable-files.ts';
import { readHistory, type PastChange } from './history.ts';
import { openJournal, type Journal } from './journal-store.ts';
import { newRecord, recordFile, type PreparedChange, type PreparedFile } from './prepare.ts';
import { strangerOf } from './processes.ts';
import { foreignDiff, lookAt } from './roll-back.ts';
import { runCommand } from './run-command.ts';
import type { StateFolder } from './state-folder.ts';

/** The change to take back: that of the id, or the newest that is in force. Throws a BadhopError where there is none. */
export function chooseChange(state: StateFolder, id: string | undefined): PastChange {
  const history = readHistory(state);
  const chosen = id === undefined ? history.find(one => one.result === 'applied' && one.record?.kind === 'fix') : history.find(one => one.id === id);
  if (chosen === undefined) {
    const message = id === undefined ? 'no change of badhop is in force on this host' : `there is no change ${id}`;
    throw new BadhopError('change-refused', message, { hint: '`badhop history` lists them.' });
  }
  if (chosen.result !== 'applied' || chosen.record === undefined) {
    throw new BadhopError('change-refused', `${chosen.id} is not in force (${chosen.result})`, { hint: '`badhop history` lists them.' });
  }
  return chosen;
}

/**
 * The change that brings back what stood there before another: old bytes, owner and mode, then its commands taken back. Where somebody
 * has changed a file since, it is refused, with what they changed.
 */
export async function prepareUndo(host: Host, state: StateFolder, past: PastChange, toolVersion: string): Promise<PreparedChange | ChangeResult> {
  const opened = openJournal(join(state.changes, past.id));
  if ('problem' in opened)
    throw new BadhopError('change-refused', `${past.id}: ${opened.problem}`, { hint: 'Its journal is damaged; nothing of it is carried out.' });
  const { journal } = opened;
  const { record } = journal;
  const foreign = foreignChange(journal, state);
  if (foreign !== undefined) return foreign;
  const files: PreparedFile[] = [];
  const recorded = record.files.map((file, index) => {
    const now = readWhole(file.target);
    const { before } = journal.bytesOf(index);
    if (file.before !== undefined && (before === undefined || sha256(before) !== file.before.sha256))
      throw new BadhopError('change-refused', `${past.id}: its copy of ${file.path} is damaged`, { hint: 'Nothing was touched.' });
    files.push({ before: now?.bytes, after: before, ...(file.before === undefined ? {} : { owner: file.before }) });
    return recordFile(file.path, file.target, now, before);
  });
  const notes: string[] = [];
  const failedBefore = new Set<string>();
  for (const argv of record.validate) if (!(await runCommand(host, argv)).ok) failedBefore.add(argv.join('\0'));
  return {
    record: {
      ...newRecord('undo', toolVersion),
      undoes: past.id,
      plan: { ...record.plan, summary: `Undo: ${record.plan.summary}` },
      files: recorded,
      folders: missing(record.files.filter(({ before }) => before !== undefined).map(({ target }) => dirname(target))),
      emptied: record.folders,
      validate: record.validate.filter(isTest),
      commands: commandsBack(record.commands, notes),
    },
    files,
    failedBefore,
    notes,
  };
}

function foreignChange(journal: Journal, state: StateFolder): ChangeResult | undefined {
  for (const [index, file] of journal.record.files.entries()) {
    const { standing, now } = lookAt(journal, file, index);
    if (standing === 'after') continue;
    const later = readHistory(state).find(
      one =>
        one.result === 'applied' &&
        one.record !== undefined &&
        one.record.at > journal.record.at &&
        one.record.files.some(other => other.target === file.target),
    );
    const why =
      later === undefined ? `${file.path} was changed since by somebody else` : `${file.path} was changed since by ${later.id}, which has to be undone first`;
    return { outcome: 'refused', why, diff: foreignDiff(journal, file, index, now), notes: ['Nothing was touched.'] };
  }
  return undefined;
}

/** In the order of a roll-back: undos of their own in reverse, then what takes the files up. */
function commandsBack(commands: readonly RecordedCommand[], notes: string[]): readonly RecordedCommand[] {
  const back = commands.flatMap((command): readonly RecordedCommand[] => {
    const { argv, undo, disruptive, processes } = command;
    if (undo === undefined) {
      if (!isReload(argv) && !mayFail(argv)) notes.push(`\`${argv.join(' ')}\` has nothing that takes it back.`);
      return [];
    }
    const stranger = strangerOf(command);
    if (stranger !== undefined) {
      notes.push(`Process ${stranger} has ended since: \`${undo.join(' ')}\` is not run. What runs now has to be reloaded by hand where it read the file.`);
      return [];
    }
    return [{ argv: undo, undo: argv, disruptive, ...(processes === undefined ? {} : { processes }) }];
  });
  const takesUp = (command: RecordedCommand): boolean => command.argv.join('\0') === command.undo?.join('\0');
  return [...back.filter(command => !takesUp(command)).toReversed(), ...back.filter(takesUp)];
}

function missing(folders: readonly string[]): readonly string[] {
  return [...new Set(folders)].filter(folder => lstatSync(folder, { throwIfNoEntry: false }) === undefined);
}
