import type { Evidence } from './finding.ts';
import type { SystemdUnit } from './facts/system.ts';
import { lastWords, systemdWords } from './unit-words.ts';

/**
 * What keeps a unit from running although somebody starts it. `failed`: its last start ended in an error. `short`: it ended with an error
 * soon after its last start, and whether it was told to is not known. `dependency`: a unit that it requires does not run. `condition`:
 * systemd skips its start. `stopping`: it has not ended yet.
 */
export interface StartTrouble {
  readonly kind: 'failed' | 'short' | 'dependency' | 'condition' | 'stopping';
  /** What was said of it; empty with `stopping`. */
  readonly evidence: readonly Evidence[];
}

/** A program that ends with an error so soon after its start ends so at the next start too. */
const shortLifeMs = 5_000;
/** 128 and the signal: what Java and shells end with when they are told to stop (SIGTERM, SIGINT), which is an error for systemd. */
const endsAsTold: ReadonlySet<number> = new Set([143, 130]);

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
  if (!isShort || wasToldToStop(unit, own)) return undefined;
  return { kind: own.length === 0 ? 'short' : 'failed', evidence: lastWords(unit) };
}

/** systemd says `Stopping` of what it ends itself, and not of what ends by its own error. */
function wasToldToStop(unit: SystemdUnit, own: SystemdUnit['journal']): boolean {
  const started = own.findLastIndex(({ text }) => text.startsWith('Started '));
  return endsAsTold.has(unit.execMainStatus) || own.slice(started + 1).some(({ text }) => text.startsWith('Stopping '));
}

/** The same as the end of a sentence that says in which state the unit is. */
export const troubleWords: Readonly<Record<StartTrouble['kind'], string>> = {
  failed: '; it did not come up when it was last started',
  short: '; it ended with an error soon after it was last started',
  dependency: '; systemd did not start it, because a unit that it requires does not run',
  condition: '; systemd skipped its last start, because a condition of its unit is not met',
  stopping: '; it has processes that have not ended yet',
};
