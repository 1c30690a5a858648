import { defineFix, lineDiff } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { Service, Sourced } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { FixStep } from '../model/finding.ts';
import { commandWith } from '../model/unit-command.ts';
import { dropInSteps } from '../model/unit-drop-in.ts';

/** Room for a burst of this many connections; each waiting one costs the kernel some hundred bytes. */
const wanted = 1024;
const leastSomaxconn = 4096;

/** Makes the accept queue longer: where the backend asks for it, and in the kernel's limit where that cuts it. */
export default defineFix({
  id: 'raise-listen-backlog',
  fixes: ['accept-queue-overflow'],
  plan(finding, facts) {
    const { service: id, backlog, address } = finding.fixData ?? {};
    const service = valueOr(facts.services, []).find(one => one.id === id);
    if (service === undefined || typeof backlog !== 'number' || backlog >= wanted || typeof address !== 'string') return undefined;
    const limit = Number(valueOr(facts.resources, undefined)?.sysctl['net.core.somaxconn'] ?? Number.NaN);
    const kernel = Number.isFinite(limit) && limit < wanted ? kernelSteps(limit) : [];
    // A queue as long as the kernel allows was asked for longer, or is not known to have been asked for shorter.
    const own = backlog === limit ? [] : ownSteps(service, facts);
    if (own === undefined || service.unit === undefined) {
      return {
        id: 'raise-listen-backlog',
        summary: `Let ${service.name} listen with a backlog of ${wanted}`,
        automatic: false,
        risk: 'low',
        minutes: 5,
        steps: [
          ...kernel,
          { kind: 'manual', text: `Set the backlog to ${wanted} where ${service.name} is told to listen, and restart it.`, commands: byHand(service) },
        ],
        validate: [],
        verify: `ss -ln shows the new length in the Send-Q of ${address}.`,
      };
    }
    const restart: FixStep = {
      kind: 'command',
      argv: ['systemctl', 'restart', service.unit],
      undo: ['systemctl', 'restart', service.unit],
      disruptive: true,
      why: 'a socket keeps the length that it was opened with; requests under way are cut off',
    };
    return {
      id: 'raise-listen-backlog',
      summary: `Let the accept queue of ${service.name} hold ${wanted} connections instead of ${backlog}`,
      automatic: finding.confidence !== 'possible',
      risk: 'medium',
      minutes: 2,
      steps: [...own.filter(step => step.kind === 'edit'), ...kernel, ...own.filter(step => step.kind === 'command'), restart],
      validate: [],
      verify: `ss -ln shows ${wanted} or more in the Send-Q of ${address}, and no connection to it is turned away.`,
    };
  },
});

function kernelSteps(limit: number): FixStep[] {
  const path = '/etc/sysctl.d/90-badhop-somaxconn.conf';
  const after = `net.core.somaxconn = ${leastSomaxconn}\n`;
  return [
    { kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) },
    {
      kind: 'command',
      argv: ['sysctl', '-w', `net.core.somaxconn=${leastSomaxconn}`],
      undo: ['sysctl', '-w', `net.core.somaxconn=${limit}`],
      disruptive: false,
      why: `the kernel cuts every queue of this host to ${limit}`,
    },
  ];
}

/** `undefined` where the setting's place is not known. */
function ownSteps(service: Service, facts: Facts): FixStep[] | undefined {
  if (service.kind === 'php-fpm') {
    const pool = valueOr(facts['php-fpm-pools'], undefined)?.pools.find(one => `php-fpm:${one.name}` === service.id);
    const set = pool?.values['listen.backlog'];
    const listen = pool?.values['listen'];
    const step = set === undefined ? editLine(listen, text => `${text}\nlisten.backlog = ${wanted}`) : editLine(set, text => replaceValue(text, set.value));
    return step === undefined ? undefined : [step];
  }
  const command = valueOr(facts['backend-configs'], undefined)?.commands.find(one => one.of.kind === 'process' && one.of.pid === service.masterPid);
  const set = command?.values[service.kind === 'uwsgi' ? 'listen' : 'backlog'];
  const edit = editLine(set, text => replaceValue(text, set?.value ?? ''));
  if (edit !== undefined) return [edit];
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === service.unit);
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  if (service.kind !== 'gunicorn' || unit === undefined || master === undefined) return undefined;
  const line = commandWith(unit, master, ['--backlog'], String(wanted));
  return line === undefined ? undefined : dropInSteps(unit, 'backlog', ['ExecStart=', `ExecStart=${line}`]);
}

function editLine(setting: Sourced<string> | undefined, change: (text: string) => string | undefined): FixStep | undefined {
  const place = /^file:(.+):(\d+)$/.exec(setting?.source ?? '');
  const before = setting?.text;
  const after = before === undefined ? undefined : change(before);
  if (place === null || before === undefined || after === undefined) return undefined;
  const path = place[1] ?? '';
  const line = Number(place[2]);
  return { kind: 'edit', path, line, before, after, diff: lineDiff(path, line, before, after) };
}

function replaceValue(text: string, old: string): string | undefined {
  const equals = Math.max(text.indexOf('='), text.indexOf(':'));
  const at = old === '' ? -1 : text.indexOf(old, equals + 1);
  return equals < 0 || at < 0 || text.slice(equals + 1, at).trim() !== '' ? undefined : text.slice(0, at) + String(wanted) + text.slice(at + old.length);
}

function byHand(service: Service): string[] {
  const files = service.configFiles.slice(0, 2).map(path => `grep -n -i backlog ${path}`);
  return [...files, ...(service.unit === undefined ? [] : [`systemctl cat ${service.unit}`]), 'sysctl net.core.somaxconn'];
}
