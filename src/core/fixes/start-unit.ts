import { defineFix } from '../model/fix.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { managerCommand, managerLine, programOf } from '../model/program-commands.ts';

/** Starts the unit, or the program of a process manager, that does not run. Where it is masked, or is only probably the right one, a person decides. */
export default defineFix({
  id: 'start-unit',
  fixes: ['backend-down'],
  plan(finding) {
    const program = programOf(finding.fixData);
    if (program !== undefined) return startProgram(program, finding.subject.peers, finding.fixData?.['sure'] === true);
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

function startProgram(program: NonNullable<ReturnType<typeof programOf>>, peers: readonly string[], isSure: boolean): FixPlan {
  const { label, name, manager } = program;
  const where = peers.join(' and ');
  const look = manager === 'pm2' ? ['list'] : ['status'];
  const step: FixStep = isSure
    ? {
        kind: 'command',
        argv: managerCommand(program, 'start', name),
        undo: managerCommand(program, 'stop', name),
        disruptive: false,
        why: `brings ${label} back`,
      }
    : {
        kind: 'manual',
        text:
          program.isManagerGone === true
            ? `pm2's daemon does not run. Make sure that ${label} is what serves ${where}; then bring the saved list of apps back, and let it start with the host.`
            : `Make sure that ${label} is what serves ${where}, then start it.`,
        commands:
          program.isManagerGone === true
            ? [`ls -l ${program.home}/dump.pm2`, managerLine(program, 'resurrect'), managerLine(program, 'startup')]
            : [managerLine(program, ...look), managerLine(program, 'start', name)],
      };
  return {
    id: 'start-unit',
    summary: `Start ${label}`,
    automatic: isSure,
    risk: 'low',
    minutes: 1,
    steps: [step],
    validate: [],
    verify: `${managerLine(program, ...look)} shows ${name} as ${manager === 'pm2' ? 'online' : 'RUNNING'}, and ${where} accepts connections.`,
  };
}
