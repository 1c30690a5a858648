import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Circumstance } from '../model/facts/changes.ts';
import { sinceOf } from './since.ts';
import { bySegment, whereOf } from './where.ts';

export default defineDerivation({
  id: 'circumstances',
  title: 'when and where the symptoms show themselves',
  needs: ['symptoms', 'changes', 'nginx-access-log', 'nginx-error-log', 'topology'],
  derive(facts, context): Known<readonly Circumstance[]> {
    if (facts.symptoms.state !== 'known') return facts.symptoms;
    const symptoms = facts.symptoms.value;
    const access = valueOr(facts['nginx-access-log'], undefined);
    const topology = valueOr(facts.topology, undefined);
    const changes = valueOr(facts.changes, []);
    const errorCoverage = valueOr(facts['nginx-error-log'], undefined)?.coverage ?? [];
    const segments = bySegment(access?.byTemplate ?? []);
    return known(
      symptoms.flatMap(symptom => {
        const since = sinceOf({ symptom, changes, topology, access, errorCoverage, sinceMs: context.sinceMs });
        const where = whereOf(symptom, { access, segments, topology, symptoms });
        if (since.length === 0 && where === undefined) return [];
        return [{ symptomId: symptom.id, since, ...(where === undefined ? {} : { where }) }];
      }),
    );
  },
});
