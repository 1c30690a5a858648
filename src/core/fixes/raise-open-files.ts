import { valueOr } from '../model/fact.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix } from '../model/fix.ts';
import { dropInSteps, restartStep } from '../model/unit-drop-in.ts';

/** What most distributions' own units of busy servers ask for, and the kernel's own most. */
const wanted = 65_536;
const most = 1_048_576;

/** Raises the limit where the unit sets it; an application that never closes what it opens needs more than that. */
export default defineFix({
  id: 'raise-open-files',
  fixes: ['fd-limit-backend'],
  plan(finding, facts) {
    const limit = numberOf(finding.fixData, 'limit');
    const unit = valueOr(facts['systemd-units'], []).find(one => one.name === textOf(finding.fixData, 'unit'));
    if (limit === undefined || limit >= most) return undefined;
    const next = Math.min(most, Math.max(wanted, limit * 4));
    const verify = `/proc/PID/limits of ${finding.subject.name} shows ${next}, and its log names no open files. Where the count in /proc/PID/fd rises without end, the application does not close what it opens.`;
    const plan = { id: 'raise-open-files', risk: 'medium', validate: [], verify } as const;
    // A process with another limit than its unit's has set it itself: a drop-in may not reach it.
    if (unit === undefined || unit.limitNofile !== limit) {
      return {
        ...plan,
        summary: `Let ${finding.subject.name} open ${next} files`,
        automatic: false,
        minutes: 10,
        steps: [
          {
            kind: 'manual',
            text: `Raise its limit of ${limit} open files to ${next} where it is set (rlimit_files of php-fpm, ulimit -n of a start script, limits.conf, LimitNOFILE), and restart it.`,
            commands: unit === undefined ? [] : [`systemctl cat ${unit.name}`, `systemctl show ${unit.name} -p LimitNOFILE`],
          },
        ],
      };
    }
    return {
      ...plan,
      summary: `Let ${finding.subject.name} open ${next} files instead of ${limit}`,
      automatic: finding.confidence !== 'possible',
      minutes: 2,
      steps: [
        ...dropInSteps(unit, 'open-files', [`LimitNOFILE=${next}`]),
        restartStep(unit.name, 'a process keeps the limit that it was started with; requests under way are cut off'),
      ],
    };
  },
});
