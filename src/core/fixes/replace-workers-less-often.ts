import { defineFix, lineDiff } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { managerLine, programOf } from '../model/program-commands.ts';
import { recycleSettingOf, type RecycleSetting } from '../model/recycling.ts';
import { settingEdit } from '../model/setting-edit.ts';
import { commandWith } from '../model/unit-command.ts';

/** A worker is to live this long at least, at the pace of the window. */
const lifeMs = 3_600_000;
const factors = { least: 10, most: 1000 } as const;
const most = 1_000_000;
/** Part of the limit by which the workers' own limits differ, so that they do not end together. */
const jitterShare = 0.1;

interface Steps {
  readonly steps: readonly FixStep[];
  readonly validate: readonly (readonly string[])[];
}

/** Raises the number of requests after which a worker is replaced, and spreads the workers' ends where the server can. */
export default defineFix({
  id: 'replace-workers-less-often',
  fixes: ['worker-recycled'],
  plan(finding, facts) {
    const service = valueOr(facts.services, []).find(one => one.id === textOf(finding.fixData, 'service'));
    if (service === undefined) return undefined;
    const setting = recycleSettingOf(service, facts);
    const program = programOf(finding.fixData);
    if (program !== undefined && setting === undefined) return forMemory(program);
    if (setting === undefined) return byHand(service, undefined);
    const target = targetOf(finding, service, setting);
    const found = service.kind === 'php-fpm' ? fpmSteps(service, facts, setting, target) : commandSteps(service, facts, setting, target);
    if (found === undefined) return byHand(service, setting);
    return {
      id: 'replace-workers-less-often',
      summary: `Let a worker of ${service.name} serve ${target} requests instead of ${setting.requests}`,
      automatic: finding.confidence === 'confirmed',
      // What the limit was to hold down, mostly memory that leaks, has longer to grow.
      risk: 'medium',
      minutes: 2,
      steps: found.steps,
      validate: found.validate,
      verify: `Requests fail hardly ever, and the memory of ${service.name} stays in bounds over the next hours.`,
    };
  },
});

function targetOf(finding: Finding, service: Service, { requests }: RecycleSetting): number {
  const count = numberOf(finding.fixData, 'recycles') ?? 0;
  const spanMs = (numberOf(finding.fixData, 'lastMs') ?? 0) - (numberOf(finding.fixData, 'firstMs') ?? 0);
  const livedMs = count > 1 && spanMs > 0 ? (spanMs / (count - 1)) * Math.max(1, service.workerPids.length) : 0;
  const wanted = livedMs === 0 ? factors.least : Math.ceil(lifeMs / livedMs);
  return Math.max(requests * 2, Math.min(most, requests * Math.min(factors.most, Math.max(factors.least, wanted))));
}

function fpmSteps(service: Service, facts: Facts, setting: RecycleSetting, target: number): Steps | undefined {
  const pool = valueOr(facts['php-fpm-pools'], undefined)?.pools.find(one => `php-fpm:${one.name}` === service.id);
  const edit = settingEdit(setting.sourced, String(target));
  if (edit === undefined || pool === undefined || service.masterPid === undefined) return undefined;
  const reload = service.unit === undefined ? ['kill', '-USR2', String(service.masterPid)] : ['systemctl', 'reload', service.unit];
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  const why = 'php-fpm starts anew with the new limit; requests that it works on at this moment are cut off';
  return {
    steps: [edit, { kind: 'command', argv: reload, undo: reload, disruptive: true, why }],
    validate: master?.exe === undefined ? [] : [[master.exe, '-t', '-y', pool.mainConfig]],
  };
}

function commandSteps(service: Service, facts: Facts, setting: RecycleSetting, target: number): Steps | undefined {
  if (service.unit === undefined) return undefined;
  const edit = settingEdit(setting.sourced, String(target));
  if (edit === undefined) return unitSteps(service.unit, service, facts, setting, target);
  if (service.kind !== 'gunicorn' || setting.jitter !== undefined) return { steps: [edit, restart(service.unit)], validate: [] };
  const after = `${edit.after}\nmax_requests_jitter = ${jitterOf(target)}`;
  return {
    steps: [{ ...edit, after, diff: lineDiff(edit.path, edit.line ?? 1, edit.before, after) }, restart(service.unit)],
    validate: [],
  };
}

/** A drop-in that starts the same command with another limit. */
function unitSteps(name: string, service: Service, facts: Facts, setting: RecycleSetting, target: number): Steps | undefined {
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === name);
  const main = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  if (unit === undefined || main === undefined || setting.sourced.source.startsWith('file:')) return undefined;
  const option = service.kind === 'uvicorn' ? '--limit-max-requests' : '--max-requests';
  const line = commandWith(unit, main, [option], String(target));
  if (line === undefined) return undefined;
  const words = line.split(' ');
  const at = words.indexOf(String(target));
  if (service.kind === 'gunicorn' && setting.jitter === undefined && at > 0) words.splice(at + 1, 0, '--max-requests-jitter', String(jitterOf(target)));
  const path = `/etc/systemd/system/${name}.d/badhop-max-requests.conf`;
  const after = `[Service]\nExecStart=\nExecStart=${words.join(' ')}\n`;
  const load: FixStep = {
    kind: 'command',
    argv: ['systemctl', 'daemon-reload'],
    undo: ['systemctl', 'daemon-reload'],
    disruptive: false,
    why: 'systemd reads the drop-in',
  };
  return { steps: [{ kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) }, load, restart(name)], validate: [] };
}

function jitterOf(target: number): number {
  return Math.max(1, Math.floor(target * jitterShare));
}

function restart(unit: string): FixStep {
  return {
    kind: 'command',
    argv: ['systemctl', 'restart', unit],
    undo: ['systemctl', 'restart', unit],
    disruptive: true,
    why: `${unit} starts with the new limit; requests under way are cut off`,
  };
}

function byHand(service: Service, setting: RecycleSetting | undefined): FixPlan {
  const where = setting === undefined ? 'the program' : `${setting.name} (${setting.sourced.source})`;
  return {
    id: 'replace-workers-less-often',
    summary: `Let workers of ${service.name} finish what they work on before they end, and end less often`,
    automatic: false,
    risk: 'medium',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text:
          setting === undefined
            ? `Nothing that badhop reads limits the workers' requests: ${where} does it itself, or what runs it (PM2's max_memory_restart, a worker killer). Raise that limit.`
            : `Raise ${where}, with a random part for each worker where the server has one, and restart the service.`,
        commands: service.unit === undefined ? [] : [`systemctl cat ${service.unit}`, `journalctl -u ${service.unit} -n 80 --no-pager`],
      },
      {
        kind: 'manual',
        text: 'A worker that ends has to stop taking connections first, answer what it has, close what is kept, and then leave (in Node: server.close(), then exit).',
        commands: [],
      },
    ],
    validate: [],
    verify: 'The next worker that is replaced leaves no line in the error log of nginx.',
  };
}

function forMemory(program: NonNullable<ReturnType<typeof programOf>>): FixPlan {
  const { name, label } = program;
  return {
    id: 'replace-workers-less-often',
    summary: `Find what makes ${label} grow, and end it without losing requests until then`,
    automatic: false,
    risk: 'medium',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text: `See how fast ${label} grows, and what in it does: what grows without end reaches every limit.`,
        commands: [managerLine(program, 'list'), managerLine(program, 'logs', name, '--lines', '80', '--nostream')],
      },
      {
        kind: 'manual',
        text: 'Run it as a cluster of two or more: PM2 then starts the next worker before it ends the old one. A higher limit (max_memory_restart) makes the gaps rarer, where the host has the memory.',
        commands: [managerLine(program, 'describe', name)],
      },
      {
        kind: 'manual',
        text: 'Let it close its server on SIGINT, answer what it works on, and then leave.',
        commands: [],
      },
    ],
    validate: [],
    verify: 'The next restart for its memory leaves no line in the error log of nginx.',
  };
}
