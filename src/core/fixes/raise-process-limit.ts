import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix, lineDiff } from '../model/fix.ts';

const least = 4096;

/** Raises the limit by a drop-in of the unit: systemd sets both the unit's and the user's. */
export default defineFix({
  id: 'raise-process-limit',
  fixes: ['process-limit-reached'],
  plan(finding) {
    const unit = textOf(finding.fixData, 'unit');
    const limit = numberOf(finding.fixData, 'limit');
    const kind = textOf(finding.fixData, 'kind');
    if (unit === undefined || limit === undefined || finding.confidence === 'possible') return undefined;
    const next = Math.max(least, limit * 4);
    const path = `/etc/systemd/system/${unit}.d/badhop-processes.conf`;
    const after = `[Service]\n${kind === 'unit' ? 'TasksMax' : 'LimitNPROC'}=${next}\n`;
    const restart = ['systemctl', 'restart', unit];
    return {
      id: 'raise-process-limit',
      summary: `Let ${finding.subject.name} have ${next} processes and threads instead of ${limit}`,
      automatic: true,
      risk: 'medium',
      minutes: 2,
      steps: [
        { kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) },
        { kind: 'command', argv: ['systemctl', 'daemon-reload'], undo: ['systemctl', 'daemon-reload'], disruptive: false, why: 'systemd reads the drop-in' },
        { kind: 'command', argv: restart, undo: restart, disruptive: true, why: 'it begins again with the new limit; requests under way are cut off' },
      ],
      validate: [],
      verify: 'Its log names no failed fork or thread. Where their number rises without end, the application starts what it never ends.',
    };
  },
});
