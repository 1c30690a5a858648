import { defineFix } from '../model/fix.ts';
import type { FixPlan } from '../model/finding.ts';
import { managerLine, programOf } from '../model/program-commands.ts';

/** A loop ends when its error is repaired; nothing that can be done from outside does that. */
export default defineFix({
  id: 'repair-start',
  fixes: ['backend-crash-loop'],
  plan(finding) {
    const program = programOf(finding.fixData);
    if (program !== undefined) return repairProgram(program, finding.subject.peers);
    const unit = finding.fixData?.['unit'];
    const socket = finding.fixData?.['socket'];
    if (typeof unit !== 'string') return undefined;
    return {
      id: 'repair-start',
      summary: `Repair what ends ${unit} at its start, then start it`,
      automatic: false,
      risk: 'medium',
      minutes: 15,
      steps: [
        {
          kind: 'manual',
          text: `Read what ${unit} says before it ends, and what was changed last: code, packages, settings, an address that it depends on.`,
          commands: [
            `journalctl -u ${unit} -n 80 --no-pager`,
            `systemctl cat ${unit}`,
            `systemctl show ${unit} -p ExecMainStatus -p ExecMainCode -p NRestarts`,
          ],
        },
        {
          kind: 'manual',
          text: 'When the error is repaired, or the last release is taken back, start it anew. systemd counts the failed starts until they are reset.',
          commands:
            typeof socket === 'string'
              ? [`systemctl reset-failed ${unit} ${socket}`, `systemctl restart ${socket}`, `systemctl restart ${unit}`]
              : [`systemctl reset-failed ${unit}`, `systemctl restart ${unit}`],
        },
      ],
      validate: [],
      verify: `NRestarts of ${unit} stays as it is for a minute, and ${finding.subject.peers.join(' and ')} answers.`,
    };
  },
});

function repairProgram(program: NonNullable<ReturnType<typeof programOf>>, peers: readonly string[]): FixPlan {
  const { label, name, manager } = program;
  const isPm2 = manager === 'pm2';
  return {
    id: 'repair-start',
    summary: `Repair what ends ${label} at its start, then start it`,
    automatic: false,
    risk: 'medium',
    minutes: 15,
    steps: [
      {
        kind: 'manual',
        text: `Read what ${label} says before it ends, and what was changed last: code, packages, settings, an address that it depends on.`,
        commands: isPm2
          ? [managerLine(program, 'logs', name, '--lines', '80', '--nostream'), managerLine(program, 'list')]
          : [managerLine(program, 'tail', '-8000', name, 'stderr'), managerLine(program, 'status')],
      },
      {
        kind: 'manual',
        text: isPm2
          ? 'When the error is repaired, or the last release is taken back, start it anew. PM2 counts the failed starts until they are reset.'
          : 'When the error is repaired, or the last release is taken back, start it anew. supervisord does not try again by itself once it has given up.',
        commands: isPm2 ? [managerLine(program, 'reset', name), managerLine(program, 'restart', name)] : [managerLine(program, 'start', name)],
      },
    ],
    validate: [],
    verify: `${managerLine(program, isPm2 ? 'list' : 'status')} shows ${name} as ${isPm2 ? 'online with the same count of restarts' : 'RUNNING'} for a minute, and ${peers.join(' and ')} answers.`,
  };
}
