import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import type { Service } from '../model/facts/backend.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
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
    if (unit !== undefined && finding.fixData?.['isStarting'] === true) return waitFor(unit, finding.subject.peers.join(' and '));
    if (finding.fixData?.['isReload'] === true) return timeToFinish(finding.subject.name, mainConfigOf(unit, facts), unit);
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

/** The php-fpm.conf of a unit; absent where several come into question. */
function mainConfigOf(unit: string | undefined, facts: Facts): string | undefined {
  const own = valueOr(facts.services, []).filter(service => service.kind === 'php-fpm' && (unit === undefined || service.unit === unit));
  const masters = new Set(own.map(service => service.masterPid));
  const pools = valueOr(facts['php-fpm-pools'], undefined)?.pools ?? [];
  const [file, ...others] = new Set(pools.filter(pool => masters.size === 0 || masters.has(pool.masterPid)).map(pool => pool.mainConfig));
  return others.length === 0 ? file : undefined;
}

/** Another start would only begin it anew. */
function waitFor(unit: string, where: string): FixPlan {
  return {
    id: 'restart-without-a-gap',
    summary: `Wait until ${unit} is up, and see what it is doing`,
    automatic: false,
    risk: 'low',
    minutes: 5,
    steps: [
      {
        kind: 'manual',
        text: `Watch what it says. Do not restart it: that begins its start anew. Where it waits for something that will not come, such as a database, mend that.`,
        commands: [`systemctl status ${unit} --no-pager`, `journalctl -u ${unit} -n 50 -f`],
      },
      {
        kind: 'manual',
        text: 'For the next time: let the old process serve until the new one listens, by a reload where the server can, a second server of the upstream, or a .socket unit.',
        commands: [],
      },
    ],
    validate: [],
    verify: `${where} accepts connections, and requests through nginx succeed.`,
  };
}

/** php-fpm.conf(5), process_control_timeout: "Time limit for child processes to wait for a reaction on signals from master", 0 by default. */
function timeToFinish(name: string, file = '/etc/php/*/fpm/php-fpm.conf', unit = 'php-fpm'): FixPlan {
  return {
    id: 'restart-without-a-gap',
    summary: `Let ${name} finish its requests when php-fpm is reloaded`,
    automatic: false,
    risk: 'low',
    minutes: 5,
    steps: [
      {
        kind: 'manual',
        text: 'Set process_control_timeout in the section [global] to a little more than the longest page takes, such as 10s. Without it a reload ends every child at once. The reload that takes it up cuts off requests once more.',
        commands: [`grep -n process_control_timeout ${file}`, `systemctl reload ${unit}`],
      },
    ],
    validate: [],
    verify: 'The next reload under traffic leaves no line in the error log.',
  };
}

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
