import type { Facts, FactId } from '../model/facts.ts';
import type { NotChecked } from '../model/report.ts';
import type { Assessment } from './run-faults.ts';

/** Lists what could not be read and why, with the faults that were not assessed for lack of it. */
export function listNotChecked(facts: Facts, assessment: Assessment, titles: ReadonlyMap<string, string>): NotChecked[] {
  const list: NotChecked[] = [];
  for (const id of Object.keys(facts) as FactId[]) {
    const fact = facts[id];
    const what = titles.get(id) ?? id;
    const faults = assessment.notAssessed.get(id) ?? [];
    const notAssessed = faults.length === 0 ? '' : ` (not assessed: ${faults.join(', ')})`;
    if (fact.state === 'known') {
      list.push(...(fact.gaps ?? []).slice(0, 20).map(({ why, how }) => ({ what, why, how })));
      list.push(...(fact.problems ?? []).slice(0, 20).map(problem => ({ what, why: problem, how: '' })));
    }
    // A derived fact repeats the reason of the one it is made of, and what is simply not there needs no mention unless a fault wanted it.
    else if (fact.state !== 'absent' || fact.how !== undefined || faults.length > 0)
      list.push({ what: `${what}${notAssessed}`, why: fact.why, how: fact.how ?? '' });
  }
  return list;
}
