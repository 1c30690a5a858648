import { accessSync, constants } from 'node:fs';
import { escapeText } from '../core/reporters/text.ts';
import { redactText } from '../node/redact/redact.ts';
import type { Recovery } from '../node/apply/recover.ts';
import { hasOpenChange, type StateFolder } from '../node/apply/state-place.ts';

/**
 * Ends what a badhop left open that was killed amid a change, before anything else is done. Who may not do that is told. Costs one
 * look at a file where nothing is open. Says it on stderr; never throws for what it finds.
 */
export async function endOpenChanges(state: StateFolder): Promise<void> {
  if (!hasOpenChange(state)) return;
  if (!mayWrite(state)) {
    say(`A change of this host was not finished (${state.open}). Run badhop as root: it takes it back.`);
    return;
  }
  const { checkTrust, takeLock } = await import('../node/apply/state-folder.ts');
  try {
    checkTrust(state);
    const lock = await takeLock(state, 0);
    if (lock === undefined) {
      say('Another badhop is changing this host at this moment.');
      return;
    }
    try {
      const [{ recoverChanges }, { createLocalHost }] = await Promise.all([import('../node/apply/recover.ts'), import('../node/hosts/local.ts')]);
      for (const recovery of await recoverChanges(createLocalHost(), state)) tellRecovery(recovery);
    } finally {
      lock.release();
    }
  } catch (error) {
    say(`A change of this host was not finished, and cannot be taken back: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const outcomes: Readonly<Record<Recovery['outcome'], string>> = {
  'rolled-back': 'It was not finished, and has been taken back',
  finished: 'It was done, and only had to be put away',
  conflict: 'It was not finished, and has been taken back but for what somebody else changed since',
  failed: 'It was not finished, and could not be taken back',
  unreadable: 'Its journal cannot be read',
};

/** What became of a change that was found open, on stderr. */
export function tellRecovery({ id, summary, outcome, notes, diff }: Recovery): void {
  say(`Change ${id}${summary === '' ? '' : ` (${summary})`}: ${outcomes[outcome]}.`);
  for (const note of notes) say(`  ${note}`);
  if (diff !== undefined && diff !== '') for (const text of diff.split('\n')) say(`  ${text}`);
}

function say(text: string): void {
  process.stderr.write(`badhop: ${escapeText(redactText(text))}\n`);
}

function mayWrite(state: StateFolder): boolean {
  try {
    accessSync(state.open, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
