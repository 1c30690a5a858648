import type { Evidence } from './finding.ts';
import type { SystemdUnit } from './facts/system.ts';
import { lastWords, systemdWords } from './unit-words.ts';

/**
 * What keeps a unit from running although somebody starts it. `failed`: its last start ended in an error. `dependency`: a unit that it
 * requires does not run. `condition`: systemd skips its start. `stopping`: it has not ended yet.
 */
export interface StartTrouble {
  readonly kind: 'failed' | 'dependency' | 'condition' | 'stopping';
  /** What was said of it; empty with `stopping`. */
  readonly evidence: readonly Evidence[];
}

/** A program that ends with an error so soon after its start ends so at the next start too. */
const shortLifeMs = 5_000;

/** The words of systemd, in the versions 247 to 257, for a start that came to nothing. */
const refusals: readonly (readonly [StartTrouble['kind'], RegExp])[] = [
  ['failed', /^Failed to start /],
  ['dependency', /^Dependency failed for /],
  ['condition', /(?: was skipped because (?:of an unmet condition|no trigger condition) check|^Condition check resulted in .* being skipped)/],
];

/** `undefined` where nothing speaks against a plain start. */
export function startTrouble(unit: SystemdUnit): StartTrouble | undefined {
  if (unit.activeState === 'deactivating') return { kind: 'stopping', evidence: [] };
  const own = unit.journal.filter(line => line.identifier === 'systemd');
  const last = own.findLast(({ text }) => text.startsWith('Started ') || refusals.some(([, words]) => words.test(text)));
  const refusal = refusals.find(([, words]) => last !== undefined && words.test(last.text));
  if (refusal !== undefined) {
    const [kind] = refusal;
    return { kind, evidence: [...(kind === 'failed' ? lastWords(unit) : []), ...systemdWords(unit, text => text === last?.text)] };
  }
  const { activeEnterMs, execMainExitMs, result, execMainCode } = unit;
  const lived = activeEnterMs === undefined || execMainExitMs === undefined ? undefined : execMainExitMs - activeEnterMs;
  const isShort = lived !== undefined && lived >= 0 && lived < shortLifeMs && result === 'exit-code' && execMainCode === 'exited';
  return isShort ? { kind: 'failed', evidence: lastWords(unit) } : undefined;
}

/** The same as the end of a sentence that says in which state the unit is. */
export const troubleWords: Readonly<Record<StartTrouble['kind'], string>> = {
  failed: '; it did not come up when it was last started',
  dependency: '; systemd did not start it, because a unit that it requires does not run',
  condition: '; systemd skipped its last start, because a condition of its unit is not met',
  stopping: '; it has processes that have not ended yet',
};
