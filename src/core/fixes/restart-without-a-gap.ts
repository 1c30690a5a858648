import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import type { Service } from '../model/facts/backend.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import type { Facts } from '../model/facts.ts';
import type { FixStep } from '../model/finding.ts';
import { textOf } from '../model/fix-data.ts';
import { dropInSteps } from '../model/unit-drop-in.ts';

/** Servers whose master takes up new code with its socket open at this signal. uWSGI and gunicorn say so of HUP in their manuals. */
const signals: Readonly<Partial<Record<Service['kind'], string>>> = { gunicorn: 'HUP', uwsgi: 'HUP', unicorn: 'HUP' };

/** Gives the unit a reload where its server has one; how deployments go is a matter of people, so the other ways are named. */
export default defineFix({
  id: 'restart-without-a-gap',
  fixes: ['restart-window'],
  plan(finding, facts) {
    const unit = textOf(finding.fixData, 'unit');
    const name = unit ?? finding.subject.name;
    const reload = unit === undefined ? [] : reloadSteps(unit, facts);
    const ways: FixStep[] = [
      {
        kind: 'manual',
        text: 'Or let systemd hold the socket (a .socket unit): connections then wait for the new process instead of being refused.',
        commands: [],
      },
      {
        kind: 'manual',
        text: 'Or give the upstream a second server, and start them anew one after the other; nginx passes on to the other one.',
        commands: [],
      },
    ];
    return {
      id: 'restart-without-a-gap',
      summary: `Start ${name} anew without a time in which nobody listens`,
      automatic: reload.length > 0,
      risk: reload.length > 0 ? 'low' : 'medium',
      minutes: reload.length > 0 ? 5 : 30,
      steps: [...reload, deployment(unit, reload.length > 0), ...ways],
      validate: [],
      verify: 'The next deployment under traffic leaves no line in the error log.',
    };
  },
});

function deployment(unit: string | undefined, isMade: boolean): FixStep {
  if (unit === undefined)
    return {
      kind: 'manual',
      text: 'Reload instead of a restart where the server can: php-fpm, gunicorn and uWSGI take up new code with their socket open.',
      commands: [],
    };
  return isMade
    ? {
        kind: 'manual',
        text: `Deploy with a reload instead of a restart from now on. gunicorn takes up no new code so where it loads it before it forks (--preload).`,
        commands: [`systemctl reload ${unit}`],
      }
    : {
        kind: 'manual',
        text: 'Reload instead of a restart where the server can: php-fpm, gunicorn and uWSGI take up new code with their socket open.',
        commands: [`systemctl show ${unit} -p CanReload -p ExecReload`, `systemctl reload ${unit}`],
      };
}

/** A drop-in for a unit that an administrator wrote, and whose main process is the server itself. A package's own has its reload. */
function reloadSteps(name: string, facts: Facts): FixStep[] {
  const unit: SystemdUnit | undefined = valueOr(facts['systemd-units'], []).find(one => one.name === name);
  const service = valueOr(facts.services, []).find(one => one.unit === name);
  const signal = service === undefined ? undefined : signals[service.kind];
  if (unit?.fragmentPath?.startsWith('/etc/systemd/system/') !== true || signal === undefined) return [];
  if (service?.masterPid === undefined || service.masterPid !== unit.mainPid) return [];
  return dropInSteps(unit, 'reload', ['ExecReload=', `ExecReload=/bin/kill -s ${signal} $MAINPID`]);
}
