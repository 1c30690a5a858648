import { linkSync, renameSync, rmSync, rmdirSync, unlinkSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isReload, mayFail } from '../../core/changes/commands.ts';
import { standingOf, type FileStanding } from '../../core/changes/file-state.ts';
import { startedCommands } from '../../core/changes/journal.ts';
import { unifiedDiff } from '../../core/changes/unified-diff.ts';
import type { ChangeRecord, RecordedFile } from '../../core/model/change.ts';
import type { Host } from '../../core/model/host.ts';
import { latin1FromBytes } from '../../core/parsers/latin1.ts';
import { codeOf, isThere, messageOf, readWhole, sha256, syncFolder, writeInPlace, writeNewFile } from './durable-files.ts';
import type { Journal } from './journal-store.ts';
import { runCommand, runRecorded } from './run-command.ts';

/** What taking a change back came to. `conflict`: a file holds what somebody else wrote, and was left. `failed`: it is to be tried again. */
export interface RollBack {
  readonly state: 'done' | 'conflict' | 'failed';
  readonly notes: readonly string[];
  readonly diff?: string;
}

/** Names beside a file while it is changed: what comes, and another name of what was there, which needs no space. */
export function sideNames(record: ChangeRecord, index: number, target: string): { readonly next: string; readonly kept: string } {
  const stem = join(dirname(target), `.badhop-${record.id}-${index}`);
  return { next: `${stem}.new`, kept: `${stem}.old` };
}

/**
 * Brings every file back to what it was, then takes back what was run, and says so. May be called at any point, any number of times:
 * it goes by what it finds, never by what should have been done.
 */
export async function rollBack(host: Host, journal: Journal, why: string): Promise<RollBack> {
  const { record } = journal;
  const notes: string[] = [];
  const started = startedCommands(journal.events);
  journal.append('rolling-back', { text: why });
  let diff: string | undefined;
  let failed = false;
  for (let index = record.files.length - 1; index >= 0; index--) {
    const file = record.files[index];
    if (file === undefined) continue;
    try {
      const foreign = restoreFile(journal, file, index);
      if (foreign === undefined) continue;
      diff ??= foreign;
      notes.push(`${file.path} was changed by somebody else since, and is left as it is.`);
    } catch (error) {
      failed = true;
      notes.push(`${file.path} could not be brought back: ${messageOf(error)}.`);
    }
  }
  removeFolders(record.folders);
  if (!failed) notes.push(...(await takeBackCommands(host, record, started)));
  if (failed) return { state: 'failed', notes };
  const end = diff === undefined ? 'rolled-back' : 'conflict';
  journal.append(end, { text: why });
  return diff === undefined ? { state: 'done', notes } : { state: 'conflict', notes, diff };
}

/** Where a file of a change stands, and its bytes. */
export function lookAt(journal: Journal, file: RecordedFile, index: number): { readonly standing: FileStanding; readonly now: Uint8Array | undefined } {
  const now = readWhole(file.target)?.bytes;
  const { before, after } = journal.bytesOf(index);
  return { standing: standingOf(file, { sha256: now === undefined ? undefined : sha256(now), bytes: now }, before, after), now };
}

/** What somebody else made of the file since the change, as a diff. */
export function foreignDiff(journal: Journal, file: RecordedFile, index: number, now: Uint8Array | undefined): string {
  const { after } = journal.bytesOf(index);
  return unifiedDiff(file.path, after === undefined ? undefined : latin1FromBytes(after), now === undefined ? undefined : latin1FromBytes(now));
}

/** Removes what a change that is over leaves beside its files, and the folders that it has emptied. */
export function tidyUp(record: ChangeRecord): void {
  for (const [index, { target }] of record.files.entries()) {
    const { next, kept } = sideNames(record, index, target);
    rmSync(next, { force: true });
    rmSync(kept, { force: true });
  }
  removeFolders(record.emptied ?? []);
}

/** Undefined where the file is as it was; else the diff of what was found instead. */
function restoreFile(journal: Journal, file: RecordedFile, index: number): string | undefined {
  const { record } = journal;
  const { target } = file;
  const { next, kept } = sideNames(record, index, target);
  const { standing, now } = lookAt(journal, file, index);
  rmSync(next, { force: true });
  if (standing === 'foreign') {
    const diff = foreignDiff(journal, file, index, now);
    rmSync(kept, { force: true });
    return diff;
  }
  if (standing !== 'before') putBack(journal, file, index, { next, kept });
  else if (file.way === 'in-place' && file.before !== undefined) utimesSync(target, file.before.modifiedMs / 1000, file.before.modifiedMs / 1000);
  rmSync(kept, { force: true });
  return undefined;
}

function putBack(journal: Journal, file: RecordedFile, index: number, { next, kept }: { readonly next: string; readonly kept: string }): void {
  const { target, before } = file;
  if (before === undefined) {
    unlinkSync(target);
    syncFolder(dirname(target));
    return;
  }
  const { before: bytes } = journal.bytesOf(index);
  if (file.way === 'rename' && isThere(kept) && hashOf(kept) === before.sha256) {
    renameSync(kept, target);
    syncFolder(dirname(target));
    return;
  }
  if (bytes === undefined || sha256(bytes) !== before.sha256) throw new Error('the journal does not hold its old bytes');
  if (file.way === 'in-place') writeInPlace(target, bytes);
  else {
    writeNewFile(next, bytes, isThere(target) ? { path: target } : undefined, before);
    renameSync(next, target);
    syncFolder(dirname(target));
  }
  utimesSync(target, before.modifiedMs / 1000, before.modifiedMs / 1000);
}

function hashOf(path: string): string | undefined {
  const found = readWhole(path);
  return found === undefined ? undefined : sha256(found.bytes);
}

/** Another name for the file that is there, so that its very inode can come back; false where the file system has no hard links. */
export function keepOld(target: string, kept: string): boolean {
  try {
    linkSync(target, kept);
    return true;
  } catch (error) {
    if (['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'ENOTSUP'].includes(codeOf(error))) return false;
    throw new Error(`${basename(target)}: ${messageOf(error)}`, { cause: error });
  }
}

/** Removes those of them that are empty, the innermost first. */
function removeFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(folder);
    } catch {
      // It was not made, or somebody put something into it.
    }
  }
}

/** What has an undo of its own goes back in reverse; what takes the files up runs anew in its order, now that they are as they were. */
async function takeBackCommands(host: Host, record: ChangeRecord, started: readonly number[]): Promise<readonly string[]> {
  const notes: string[] = [];
  const commands = started.flatMap(index => record.commands[index] ?? []);
  const undone = commands.filter(({ undo, argv }) => undo !== undefined && !isSame(undo, argv)).toReversed();
  const repeated = commands.filter(({ undo, argv }) => undo !== undefined && isSame(undo, argv));
  const tests = repeated.length === 0 ? [] : record.validate;
  for (const argv of tests) {
    const { ok, text } = await runCommand(host, argv);
    if (!ok) notes.push(`After the roll-back: ${text}`);
  }
  for (const { undo = [], processes } of [...undone, ...repeated]) {
    const { ok, text } = await runRecorded(host, { argv: undo, ...(processes === undefined ? {} : { processes }) });
    if (!ok) notes.push(text);
  }
  for (const { argv, undo } of commands)
    if (undo === undefined && !isReload(argv) && !mayFail(argv)) notes.push(`\`${argv.join(' ')}\` was run and has nothing that takes it back.`);
  return notes;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index]);
}
