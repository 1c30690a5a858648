/** Where the state of badhop lies, and whether a change is open: all that a start of badhop has to know of it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Where changes are written down. `changes/open/ID` is one that is not over, `changes/ID` one that is. `open-change` beside them can be
 * read by everybody, so that a badhop without root sees that one is open, and costs a start of badhop a single look.
 */
export interface StateFolder {
  readonly root: string;
  readonly changes: string;
  readonly open: string;
  readonly marker: string;
}

export function stateFolder(root: string): StateFolder {
  const top = resolve(root);
  const changes = join(top, 'changes');
  return { root: top, changes, open: join(changes, 'open'), marker: join(top, 'open-change') };
}

/** Whether a change of this host is open, by one look that anybody may take. */
export function hasOpenChange(state: StateFolder): boolean {
  return existsSync(state.marker);
}
