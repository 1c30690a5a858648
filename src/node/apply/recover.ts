import { join } from 'node:path';
import { endOf } from '../../core/changes/journal.ts';
import type { Host } from '../../core/model/host.ts';
import { closeJournal, openJournal } from './journal-store.ts';
import { rollBack, tidyUp } from './roll-back.ts';
import { lowerMarker, openChanges, strayNames, type StateFolder } from './state-folder.ts';

/** A change that was found unfinished, and what became of it. */
export interface Recovery {
  readonly id: string;
  readonly summary: string;
  readonly outcome: 'rolled-back' | 'finished' | 'conflict' | 'failed' | 'unreadable';
  readonly notes: readonly string[];
  readonly diff?: string;
}

/**
 * Ends every change that another badhop left open: one whose end is written down is put away, any other is taken back. A journal that
 * is damaged is told and left: nothing of it is carried out. The caller holds the lock.
 */
export async function recoverChanges(host: Host, state: StateFolder): Promise<readonly Recovery[]> {
  const found: Recovery[] = strayNames(state).map(name => ({
    id: name,
    summary: '',
    outcome: 'unreadable',
    notes: [`${join(state.open, name)} is no journal of badhop's, and is left alone.`],
  }));
  // The newest first: a later change may stand on an earlier one.
  for (const id of openChanges(state).toReversed()) {
    const folder = join(state.open, id);
    const opened = openJournal(folder);
    if ('problem' in opened) {
      const notes = [`${folder}: ${opened.problem}. Nothing of it is carried out; compare the files that it names with the copies in it.`];
      found.push({ id, summary: '', outcome: 'unreadable', notes });
      continue;
    }
    const { journal } = opened;
    const { summary } = journal.record.plan;
    if (endOf(journal.events) !== undefined) {
      tidyUp(journal.record);
      closeJournal(state, journal);
      found.push({ id, summary, outcome: 'finished', notes: [] });
      continue;
    }
    const { state: end, notes, diff } = await rollBack(host, journal, 'badhop ended in the middle of it');
    closeJournal(state, journal);
    const outcome = end === 'done' ? 'rolled-back' : end;
    found.push({ id, summary, outcome, notes, ...(diff === undefined ? {} : { diff }) });
  }
  lowerMarker(state);
  return found;
}
