import { defineFix } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { textOf } from '../model/fix-data.ts';
import { managerCommand, managerLine, programOf } from '../model/program-commands.ts';

/** Starts the unit, or the program of a process manager, that does not run. Where it is masked, or is only probably the right one, a person decides. */
export default defineFix({
  id: 'start-unit',
  fixes: ['backend-down', 'app-dependency-down'],
  plan(finding, facts) {
    const program = programOf(finding.fixData);
    if (program !== undefined) return startProgram(program, finding.subject.peers, finding.fixData?.['sure'] === true);
    const unit = finding.fixData?.['unit'];
    if (typeof unit !== 'string') return undefined;
    const isMasked = finding.fixData?.['masked'] === true;
    const isSure = finding.fixData?.['sure'] === true;
    const where = textOf(finding.fixData, 'where') ?? finding.subject.peers.join(' and ');
    const obstacle = obstacleOf(finding, unit, where, valueOr(facts.services, []));
    if (obstacle !== undefined && !isMasked) return obstacle;
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
        : `Make sure that ${unit} is what serves ${where}, then start it.`,
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
      verify: `systemctl is-active ${unit} says active, and ${where} accepts connections.`,
    };
  },
});

/** What stands in the way of a plain start, and how a person goes about it: by itself it would come to nothing once more. */
function obstacleOf(finding: Finding, unit: string, where: string, services: readonly Service[]): FixPlan | undefined {
  const trouble = textOf(finding.fixData, 'trouble');
  const said = textOf(finding.fixData, 'said') ?? '';
  const words = said === '' ? '' : ` (${said})`;
  const journal = `journalctl -u ${unit} -n 50 --no-pager`;
  const version = /^php([\d.]*)-fpm\.service$/.exec(unit)?.[1];
  const isFpm = services.some(service => service.unit === unit && service.kind === 'php-fpm');
  const test = isFpm && version !== undefined ? [`php-fpm${version} -t`] : [];
  const byKind: Readonly<Record<string, { readonly summary: string; readonly text: string; readonly commands: readonly string[] }>> = {
    failed: {
      summary: `Find out why ${unit} does not come up, and start it`,
      text: `Its last start failed${words}, and the next one will, too. Correct that, then start it.`,
      commands: [`systemctl status ${unit} --no-pager`, journal, ...test, `systemctl start ${unit}`],
    },
    short: {
      summary: `Find out why ${unit} ended, and start it`,
      text: 'It ended with an error within seconds of its last start: by itself, which the next start will do too, or because it was told to stop. Its journal tells, to root.',
      commands: [`systemctl status ${unit} --no-pager`, journal, ...test, `systemctl start ${unit}`],
    },
    dependency: {
      summary: `Bring up what ${unit} requires, and start it`,
      text: `systemd does not start it while a unit that it requires does not run${words}. Find that one and what is wrong with it first.`,
      commands: [`systemctl list-dependencies ${unit} --no-pager`, 'systemctl --failed --no-pager', `systemctl start ${unit}`],
    },
    condition: {
      summary: `Find out why ${unit} may not start, and start it`,
      text: `systemd skips its start while a condition of the unit is not met${words}: starting it again changes nothing. Find out what the condition is for.`,
      commands: [`systemctl status ${unit} --no-pager`, `systemctl cat ${unit}`, `systemctl start ${unit}`],
    },
    stopping: {
      summary: `Find out what keeps ${unit} from ending, and start it`,
      text: `${unit} was told to stop and has not ended; a start waits for that. systemd kills it after TimeoutStopSec. Where nothing is under way that must be finished, end it now.`,
      commands: [
        `systemctl status ${unit} --no-pager`,
        'systemctl list-jobs --no-pager',
        `systemctl show ${unit} -p TimeoutStopUSec`,
        `systemctl kill -s KILL ${unit}`,
        `systemctl start ${unit}`,
      ],
    },
  };
  const chosen = trouble === undefined ? undefined : byKind[trouble];
  if (chosen === undefined) return undefined;
  const { summary, text, commands } = chosen;
  return {
    id: 'start-unit',
    summary,
    automatic: false,
    risk: 'medium',
    minutes: 10,
    steps: [{ kind: 'manual', text, commands }],
    validate: [],
    verify: `systemctl is-active ${unit} says active, and ${where} accepts connections.`,
  };
}

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
