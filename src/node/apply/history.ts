import { join } from 'node:path';
import { endOf } from '../../core/changes/journal.ts';
import type { ChangeRecord } from '../../core/model/change.ts';
import { openJournal, type Journal } from './journal-store.ts';
import { checkTrust, closedChanges, openChanges, type StateFolder } from './state-folder.ts';

/** One line of the history. `undone`: a later change has taken it back. */
export interface PastChange {
  readonly id: string;
  readonly result: 'applied' | 'undone' | 'rolled-back' | 'conflict' | 'open' | 'unreadable';
  readonly record?: ChangeRecord;
  /** How it ended, or what is wrong with its journal. */
  readonly text: string;
  /** ISO 8601; absent where it has not ended. */
  readonly endedAt?: string;
}

/** All changes of this host, the newest first. Empty where there are none; throws where the journal may not be read or trusted. */
export function readHistory(state: StateFolder): readonly PastChange[] {
  checkTrust(state);
  const folders = [...closedChanges(state).map(id => join(state.changes, id)), ...openChanges(state).map(id => join(state.open, id))];
  const read = folders.map(folder => ({ id: folder.slice(folder.lastIndexOf('/') + 1), opened: openJournal(folder) }));
  const undone = new Set(
    read.flatMap(({ opened }) => ('journal' in opened && endOf(opened.journal.events) === 'committed' ? (opened.journal.record.undoes ?? []) : [])),
  );
  return read
    .map(({ id, opened }) => ('problem' in opened ? { id, result: 'unreadable' as const, text: opened.problem } : describe(id, opened.journal, undone)))
    .sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
}

/** Two changes may begin in one second; a damaged one has only its id to go by. */
function timeOf({ id, record }: PastChange): string {
  return `${record?.at.replaceAll(/[-:]/g, '') ?? id} ${id}`;
}

function describe(id: string, { record, events }: Journal, undone: ReadonlySet<string>): PastChange {
  const end = endOf(events);
  const last = events.findLast(({ state }) => state === end);
  const result = end === undefined ? 'open' : end === 'committed' ? (undone.has(id) ? 'undone' : 'applied') : end;
  return { id, result, record, text: last?.text ?? '', ...(last === undefined ? {} : { endedAt: new Date(last.atMs).toISOString() }) };
}
