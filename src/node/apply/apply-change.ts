import { linkSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { mayFail } from '../../core/changes/commands.ts';
import { BadhopError } from '../../core/model/error.ts';
import type { ChangeResult, RecordedFile, Verification } from '../../core/model/change.ts';
import type { Host } from '../../core/model/host.ts';
import { codeOf, messageOf, readWhole, sha256, syncFolder, writeInPlace, writeNewFile } from './durable-files.ts';
import { closeJournal, createJournal, type Journal } from './journal-store.ts';
import { isUnitTest, type PreparedChange, type PreparedFile } from './prepare.ts';
import { keepOld, rollBack, sideNames, tidyUp } from './roll-back.ts';
import { runCommand, runRecorded } from './run-command.ts';
import type { StateFolder } from './state-folder.ts';

export interface ApplySetup {
  readonly host: Host;
  readonly state: StateFolder;
  /** Told before each step, in words for a person. */
  readonly onStep: (step: string) => void;
  /** Looks whether the change helped; absent where nothing is to be looked at. Whatever it throws takes the change back. */
  readonly verify?: () => Promise<Verification>;
  /** Ends the change before its time: it is taken back. */
  readonly signal?: AbortSignal;
}

const defaultMode = 0o644;
/** Lines of what is kept of a look. */
const mostSeen = 40;

/**
 * Makes a prepared change as a transaction: written down, files, tests, commands, verification, and the end of it. Whatever goes wrong
 * on the way, all of it is taken back. The caller holds the lock. Never throws for what the host does.
 */
export async function applyChange(setup: ApplySetup, change: PreparedChange): Promise<ChangeResult> {
  const { state, host, onStep } = setup;
  const { record } = change;
  onStep('writing the change down');
  let journal: Journal;
  try {
    journal = createJournal(state, record, change.files);
  } catch (error) {
    const why = codeOf(error) === 'ENOSPC' ? `no space is left at ${state.changes}` : messageOf(error);
    return { outcome: 'refused', why: `The change could not be written down, so nothing was touched: ${why}.`, notes: change.notes };
  }
  let verification: Verification | undefined;
  const seen: string[] = [];
  try {
    journal.append('prepared');
    writeFiles(setup, journal, change);
    await test(setup, journal, change);
    await runCommands(setup, journal, seen);
    if (setup.verify !== undefined) {
      stopIfAsked(setup);
      journal.append('verifying');
      verification = await setup.verify();
      stopIfAsked(setup);
      if (verification.state === 'goes-on') throw new Stop(verification.text);
    }
    if (!journal.append('committed', { text: verification?.text ?? '' })) throw new Stop('The end of the change could not be written down.');
  } catch (error) {
    onStep('taking it back');
    const why = messageOf(error);
    const back = await rollBack(host, journal, why);
    closeJournal(state, journal);
    return {
      outcome: back.state === 'done' ? 'rolled-back' : 'roll-back-failed',
      id: record.id,
      why,
      ...(back.diff === undefined ? {} : { diff: back.diff }),
      notes: [...change.notes, ...seen, ...back.notes],
      ...(verification === undefined ? {} : { verification }),
    };
  }
  tidyUp(record);
  closeJournal(state, journal);
  const outcome = verification?.state === 'unknown' ? 'unverified' : 'applied';
  return { outcome, id: record.id, notes: [...change.notes, ...seen], ...(verification === undefined ? {} : { verification }) };
}

/** A reason to take the change back that is no bug. */
class Stop extends Error {}

function stopIfAsked({ signal }: ApplySetup): void {
  if (signal?.aborted === true) throw new Stop('It was broken off.');
}

function writeFiles(setup: ApplySetup, journal: Journal, { files }: PreparedChange): void {
  const { record } = journal;
  for (const [index, file] of record.files.entries()) {
    stopIfAsked(setup);
    setup.onStep(`${file.after === undefined ? 'removing' : 'writing'} ${file.path}`);
    if (!journal.append('writing', { index })) throw new Stop('The step could not be written down.');
    const bytes = files[index];
    try {
      if (bytes !== undefined) writeFile(journal, file, index, bytes);
    } catch (error) {
      if (error instanceof Stop) throw error;
      throw new Stop(`${file.path}: ${codeOf(error) === 'ENOSPC' ? 'no space is left for it' : messageOf(error)}`, { cause: error });
    }
  }
  if (!journal.append('written')) throw new Stop('The step could not be written down.');
}

function writeFile({ record }: Journal, file: RecordedFile, index: number, { after, owner }: PreparedFile): void {
  const { target, before } = file;
  const { next, kept } = sideNames(record, index, target);
  const folder = dirname(target);
  for (const made of record.folders) if (folder === made || folder.startsWith(`${made}/`)) mkdirSync(made, { recursive: true, mode: 0o755 });
  const now = readWhole(target);
  if ((now === undefined ? undefined : sha256(now.bytes)) !== before?.sha256) throw new Stop(`${file.path} was changed by somebody else at this moment`);
  if (after === undefined) {
    if (keepOld(target, kept)) unlinkSync(target);
    else renameSync(target, kept);
  } else if (before === undefined) {
    writeNewFile(next, after, undefined, owner ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mode: defaultMode });
    moveNew(next, target);
  } else if (file.way === 'in-place') {
    writeInPlace(target, after);
  } else {
    writeNewFile(next, after, { path: target }, owner ?? before);
    keepOld(target, kept);
    renameSync(next, target);
  }
  syncFolder(folder);
}

/** Gives a new file its name, and never one that somebody else has taken meanwhile. */
function moveNew(next: string, target: string): void {
  try {
    linkSync(next, target);
    unlinkSync(next);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new Stop(`${target} was made by somebody else at this moment`, { cause: error });
    renameSync(next, target);
  }
}

async function test({ host, onStep }: ApplySetup, journal: Journal, { failedBefore }: PreparedChange): Promise<void> {
  for (const argv of journal.record.validate) {
    onStep(`testing with ${argv.join(' ')}`);
    const { ok, text } = await runCommand(host, argv);
    if (!ok && !(isUnitTest(argv) && failedBefore.has(argv.join('\0')))) throw new Stop(`The changed configuration fails its test: ${text}`);
  }
  if (!journal.append('validated')) throw new Stop('The step could not be written down.');
}

/** What a command shows that only looks is kept: afterwards nobody can see it any more. */
async function runCommands(setup: ApplySetup, journal: Journal, seen: string[]): Promise<void> {
  for (const [index, command] of journal.record.commands.entries()) {
    stopIfAsked(setup);
    setup.onStep(command.argv.join(' '));
    if (!journal.append('command-started', { index })) throw new Stop('The step could not be written down.');
    const { ok, text, output } = await runRecorded(setup.host, command);
    if (command.argv[0] === 'ps' && output !== '') seen.push(`Before it, \`${command.argv.join(' ')}\` said:`, ...output.split('\n').slice(0, mostSeen));
    journal.append('command-ended', { index, ...(ok ? {} : { text }) });
    if (!ok && !mayFail(command.argv)) throw new Stop(text);
  }
}

/** A change that is refused becomes a result, like one that failed; anything else is a bug and goes on. */
export function refusal(error: unknown): ChangeResult {
  if (!(error instanceof BadhopError) || error.code !== 'change-refused') throw error;
  return { outcome: 'refused', why: error.message, notes: [error.hint] };
}
