import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';

/** Starts the unit that does not run. Where it is masked, or is only probably the right one, a person decides. */
export default defineFix({
  id: 'start-unit',
  fixes: ['backend-down'],
  plan(finding) {
    const unit = finding.fixData?.['unit'];
    if (typeof unit !== 'string') return undefined;
    const isMasked = finding.fixData?.['masked'] === true;
    const isSure = finding.fixData?.['sure'] === true;
    const start: FixStep = {
      kind: 'command',
      argv: ['systemctl', 'start', unit],
      undo: ['systemctl', 'stop', unit],
      disruptive: false,
      why: `brings ${unit} back`,
    };
    const byHand: FixStep = {
      kind: 'manual',
      text: isMasked
        ? `${unit} is masked: somebody forbade its start. Find out why before you allow it.`
        : `Make sure that ${unit} is what serves ${finding.subject.peers.join(' and ')}, then start it.`,
      commands: [
        `systemctl cat ${unit}`,
        `journalctl -u ${unit} -n 50 --no-pager`,
        ...(isMasked ? [`systemctl unmask ${unit}`] : []),
        `systemctl start ${unit}`,
      ],
    };
    return {
      id: 'start-unit',
      summary: `Start ${unit}`,
      automatic: isSure && !isMasked,
      risk: 'low',
      minutes: 1,
      steps: [isSure && !isMasked ? start : byHand],
      validate: [],
      verify: `systemctl is-active ${unit} says active, and ${finding.subject.peers.join(' and ')} accepts connections.`,
    };
  },
});
