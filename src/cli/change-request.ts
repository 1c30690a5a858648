import { hostname } from 'node:os';
import { BadhopError } from '../core/model/error.ts';
import { recoverChanges } from '../node/apply/recover.ts';
import { prepareState, takeLock, type StateFolder } from '../node/apply/state-folder.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { tellRecovery } from './open-changes.ts';
import { holdSignals } from './signals.ts';

/** What every change is given. */
export interface ChangeRequest {
  readonly version: string;
  readonly state: StateFolder;
  readonly onProgress: (stage: string) => void;
}

/** What each report of changes begins with. */
export function headOf({ version }: Pick<ChangeRequest, 'version'>, startedAt: string) {
  return { schemaVersion: 1, tool: { name: 'badhop', version }, hostname: hostname(), startedAt } as const;
}

/** Holds the lock while the work is done; before it, what others left open is ended. Signals end the work, not badhop. */
export async function changeAlone<T>({ state, onProgress }: ChangeRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  prepareState(state);
  onProgress('waiting for another badhop');
  const lock = await takeLock(state);
  if (lock === undefined)
    throw new BadhopError('change-refused', 'another badhop is changing this host', { hint: 'Wait for its end, and look at `badhop history`.' });
  const ending = new AbortController();
  const letGo = holdSignals(() => ending.abort());
  try {
    for (const recovery of await recoverChanges(createLocalHost(), state)) tellRecovery(recovery);
    return await work(ending.signal);
  } finally {
    letGo();
    lock.release();
  }
}
