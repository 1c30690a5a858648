import { valueOr } from '../model/fact.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix } from '../model/fix.ts';
import { dropInSteps, restartStep } from '../model/unit-drop-in.ts';

const least = 4096;

/** Raises the limit by a drop-in of the unit: systemd sets both the unit's and the user's. */
export default defineFix({
  id: 'raise-process-limit',
  fixes: ['process-limit-reached'],
  plan(finding, facts) {
    const unit = textOf(finding.fixData, 'unit');
    const limit = numberOf(finding.fixData, 'limit');
    const kind = textOf(finding.fixData, 'kind');
    if (unit === undefined || limit === undefined || finding.confidence === 'possible') return undefined;
    const next = Math.max(least, limit * 4);
    const dropIns = valueOr(facts['systemd-units'], []).find(one => one.name === unit)?.dropIns ?? [];
    return {
      id: 'raise-process-limit',
      summary: `Let ${finding.subject.name} have ${next} processes and threads instead of ${limit}`,
      automatic: true,
      risk: 'medium',
      minutes: 2,
      steps: [
        ...dropInSteps({ name: unit, dropIns }, 'processes', [`${kind === 'unit' ? 'TasksMax' : 'LimitNPROC'}=${next}`]),
        restartStep(unit, 'it begins again with the new limit; requests under way are cut off'),
      ],
      validate: [],
      verify: 'Its log names no failed fork or thread. Where their number rises without end, the application starts what it never ends.',
    };
  },
});
