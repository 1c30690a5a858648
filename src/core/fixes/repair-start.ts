import { defineFix } from '../model/fix.ts';

/** A loop ends when its error is repaired; nothing that can be done from outside does that. */
export default defineFix({
  id: 'repair-start',
  fixes: ['backend-crash-loop'],
  plan(finding) {
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
