import { closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endOf, formatEvent, parseLog, parseRecord } from '../../core/changes/journal.ts';
import type { ChangeEvent, ChangeRecord, ChangeState } from '../../core/model/change.ts';
import { messageOf, readWhole, syncFolder, writeAll, writeNewFile } from './durable-files.ts';
import { lowerMarker, raiseMarker, type StateFolder } from './state-folder.ts';

// The log is as long as it will ever get from the beginning: its steps can be written where the disk has become full.
const logBytes = 64 * 1024;

/** The bytes of one file of a change; `undefined` is no file. */
export interface FileBytes {
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** A change in its folder. */
export interface Journal {
  readonly folder: string;
  readonly record: ChangeRecord;
  readonly events: readonly ChangeEvent[];
  /** Writes a step down and syncs it. False where that could not be done. */
  append(state: ChangeState, more?: { readonly index?: number; readonly text?: string }): boolean;
  bytesOf(index: number): FileBytes;
  close(): void;
}

/** Writes a change down, all of it synced, before anything is touched. Throws where that cannot be done; then nothing is left of it. */
export function createJournal(state: StateFolder, record: ChangeRecord, contents: readonly FileBytes[]): Journal {
  const making = join(state.open, `${record.id}.new`);
  const folder = join(state.open, record.id);
  try {
    mkdirSync(making, { mode: 0o700 });
    for (const [index, { before, after }] of contents.entries()) {
      if (before !== undefined) writeNewFile(join(making, `before-${index}`), before, undefined);
      if (after !== undefined) writeNewFile(join(making, `after-${index}`), after, undefined);
    }
    writeNewFile(join(making, 'record.json'), Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`), undefined);
    writeNewFile(join(making, 'log'), Buffer.alloc(logBytes, '\n'), undefined);
    syncFolder(making);
    raiseMarker(state, record.id);
    renameSync(making, folder);
    syncFolder(state.open);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    lowerMarker(state);
    throw error;
  }
  return journalIn(folder, record, [], 0);
}

export type OpenedJournal = { readonly journal: Journal } | { readonly problem: string };

/** Reads a change back. Whatever in it is damaged makes a problem of the whole. */
export function openJournal(folder: string): OpenedJournal {
  try {
    const text = readWhole(join(folder, 'record.json'));
    if (text === undefined) return { problem: 'record.json is missing' };
    const parsed = parseRecord(text.bytes.toString('utf8'));
    if ('problem' in parsed) return { problem: `record.json: ${parsed.problem}` };
    if (!folder.endsWith(`/${parsed.record.id}`)) return { problem: 'record.json names another change' };
    const log = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log')) : Buffer.alloc(0);
    return { journal: journalIn(folder, parsed.record, parseLog(log.toString('utf8')).events, endOfText(log)) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** Moves a change whose end is written down to those that are over. What cannot be moved is moved by the next run. */
export function closeJournal(state: StateFolder, journal: Journal): void {
  journal.close();
  if (endOf(journal.events) === undefined) return;
  try {
    renameSync(journal.folder, join(state.changes, journal.record.id));
    syncFolder(state.open);
    syncFolder(state.changes);
    lowerMarker(state);
  } catch {
    // The end stands in its log: whoever comes next only has to move it.
  }
}

/** Where the next step is written: on the line below the last, whether or not that was cut off. */
function endOfText(log: Uint8Array): number {
  let at = log.length;
  while (at > 0 && log[at - 1] === 0x0a) at--;
  return at === 0 ? 0 : at + 1;
}

function journalIn(folder: string, record: ChangeRecord, before: readonly ChangeEvent[], start: number): Journal {
  const events = [...before];
  let fd: number | undefined;
  let offset = start;
  return {
    folder,
    record,
    events,
    append(state, more = {}) {
      const event: ChangeEvent = { atMs: Date.now(), state, ...more };
      events.push(event);
      try {
        fd ??= openSync(join(folder, 'log'), constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
        const bytes = Buffer.from(formatEvent(event));
        writeAll(fd, bytes, offset);
        fsyncSync(fd);
        offset += bytes.length;
        return true;
      } catch {
        return false;
      }
    },
    bytesOf(index) {
      return { before: readWhole(join(folder, `before-${index}`))?.bytes, after: readWhole(join(folder, `after-${index}`))?.bytes };
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}
