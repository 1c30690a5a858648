import { lineDiff, defineFix } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { BackendCommand, Service, Sourced } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { poolState } from '../model/pool-state.ts';
import { inMebibytes, threadCapacity, workerCapacity, type WorkerCapacity } from '../model/worker-capacity.ts';
import { apacheSteps, dropInSteps, pumaSteps, restart, tomcatSteps, type WorkerSteps } from '../model/worker-steps.ts';

/** Raises the number of workers to what the traffic asks for, and never over what the host has memory for. */
export default defineFix({
  id: 'raise-worker-count',
  fixes: ['worker-pool-exhausted'],
  plan(finding, facts) {
    const service = valueOr(facts.services, []).find(one => one.id === finding.fixData?.['service']);
    if (service === undefined) return undefined;
    const command = valueOr(facts['backend-configs'], undefined)?.commands.find(one => one.of.kind === 'process' && one.of.pid === service.masterPid);
    const capacity = ofThreads(service, command) ? threadCapacity(service, facts) : workerCapacity(service, facts);
    if (capacity === undefined) return byHand(service, facts, 'How many workers the memory of this host bears could not be measured.');
    const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
    const state = poolState({ service, ...(load === undefined ? {} : { load }) });
    const cpus = valueOr(facts['host-identity'], undefined)?.cpus ?? 1;
    if (state?.workersDo === 'compute' && capacity.running >= cpus)
      return byHand(service, facts, `Its workers compute, and there are as many as processors (${cpus}): more of them would only share these.`);
    // Threads of one process share its memory.
    const perProcess = Math.max(1, Math.round((service.workersMax?.value ?? capacity.running) / capacity.running));
    const target = Math.min(service.manager === 'threads' ? Math.ceil(capacity.wanted / perProcess) : capacity.wanted, capacity.affordable);
    const own = command === undefined ? undefined : ownSteps(service, command, capacity);
    if (own !== undefined) return planOf(finding, service, own, capacity);
    if (target <= capacity.running) return byHand(service, facts, `Memory does not allow more workers: ${sumText(capacity)}.`);
    return (
      raise(finding, service, facts, command, target, capacity) ??
      byHand(service, facts, `Raise the number of its ${capacity.unit}s to ${target} where it is set: ${sumText(capacity)}.`)
    );
  },
});

/** Tomcat, and Puma in single mode, have one process with threads. */
function ofThreads(service: Service, command: BackendCommand | undefined): boolean {
  return service.kind === 'tomcat' || (service.kind === 'puma' && !(Number(command?.values['workers']?.value) > 0));
}

/** Of servers whose numbers are no plain processes. */
function ownSteps(service: Service, { values }: BackendCommand, capacity: WorkerCapacity): WorkerSteps | undefined {
  switch (service.kind) {
    case 'apache':
      return apacheSteps(service, values, capacity);
    case 'tomcat':
      return tomcatSteps(service, values, capacity);
    case 'puma':
      return pumaSteps(service, values, capacity);
    default:
      return undefined;
  }
}

function raise(
  finding: Finding,
  service: Service,
  facts: Facts,
  command: BackendCommand | undefined,
  target: number,
  capacity: WorkerCapacity,
): FixPlan | undefined {
  const steps = stepsFor(service, facts, command, target, capacity.running);
  return steps === undefined ? undefined : planOf(finding, service, steps, capacity);
}

function planOf(finding: Finding, service: Service, { name, from, to, steps, validate = [] }: WorkerSteps, capacity: WorkerCapacity): FixPlan {
  return {
    id: 'raise-worker-count',
    summary: `Raise ${name} from ${from} to ${to} (${boundText(capacity)})`,
    automatic: finding.confidence !== 'possible',
    risk: 'medium',
    minutes: 2,
    steps,
    validate,
    verify: `The accept queue of ${service.name} is empty again, and requests through nginx no longer wait until they fail.`,
  };
}

function stepsFor(service: Service, facts: Facts, command: BackendCommand | undefined, to: number, from: number): WorkerSteps | undefined {
  if (service.kind === 'php-fpm') return fpmSteps(service, facts, to, from);
  if (command !== undefined && service.kind === 'uvicorn' && command.values['workers'] !== undefined)
    return dropInSteps(service, facts, ['--workers'], from, to);
  if (command === undefined || (service.kind !== 'gunicorn' && service.kind !== 'uwsgi')) return undefined;
  const option = service.kind === 'gunicorn' ? 'workers' : 'processes';
  const edit = editOf(command.values[option], to);
  if (edit !== undefined && service.kind === 'gunicorn') {
    const reload = ['kill', '-HUP', String(service.masterPid)];
    return {
      name: option,
      from,
      to,
      steps: [edit, { kind: 'command', argv: reload, undo: reload, disruptive: false, why: 'gunicorn reads its file again and starts new workers' }],
    };
  }
  if (edit !== undefined && service.unit !== undefined) return { name: option, from, to, steps: [edit, restart(service.unit)] };
  if (command.values[option]?.source.startsWith('file:') === true) return undefined;
  return dropInSteps(service, facts, service.kind === 'gunicorn' ? ['--workers', '-w'] : ['--processes', '-p', '--workers'], from, to);
}

function fpmSteps(service: Service, facts: Facts, to: number, from: number): WorkerSteps | undefined {
  const edit = editOf(service.workersMax, to);
  const pool = valueOr(facts['php-fpm-pools'], undefined)?.pools.find(one => `php-fpm:${one.name}` === service.id && one.masterPid === service.masterPid);
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  if (edit === undefined || service.masterPid === undefined) return undefined;
  const reload = service.unit === undefined ? ['kill', '-USR2', String(service.masterPid)] : ['systemctl', 'reload', service.unit];
  const test = master?.exe === undefined || pool === undefined ? [] : [[master.exe, '-t', '-y', pool.mainConfig]];
  const why = 'php-fpm starts anew with the new limit; requests that it works on at this moment are cut off';
  return { name: 'pm.max_children', from, to, steps: [edit, { kind: 'command', argv: reload, undo: reload, disruptive: true, why }], validate: test };
}

/** The setting's own line with another number, where the line says nothing but that. */
function editOf(setting: Sourced<string | number> | undefined, target: number): FixStep | undefined {
  const place = /^file:(.+):(\d+)$/.exec(setting?.source ?? '');
  const before = setting?.text;
  if (place === null || setting === undefined || before === undefined) return undefined;
  const old = String(setting.value);
  const equals = Math.max(before.indexOf('='), before.indexOf(':'));
  const at = before.indexOf(old, equals + 1);
  if (equals < 0 || at < 0 || before.slice(equals + 1, at).trim() !== '') return undefined;
  const after = before.slice(0, at) + String(target) + before.slice(at + old.length);
  const path = place[1] ?? '';
  const line = Number(place[2]);
  return { kind: 'edit', path, line, before, after, diff: lineDiff(path, line, before, after) };
}

function boundText({ affordable, perWorkerBytes }: WorkerCapacity): string {
  return `memory bears ${affordable} of ${inMebibytes(perWorkerBytes)} each`;
}

/** How the bound was computed, in full. */
function sumText(capacity: WorkerCapacity): string {
  const { availableBytes, reserveBytes, perWorkerBytes, affordable, how, limitedBy, unit } = capacity;
  const bound =
    limitedBy === 'unit'
      ? "the unit's memory limit bears"
      : `${inMebibytes(availableBytes)} available − ${inMebibytes(reserveBytes)} reserve at ${inMebibytes(perWorkerBytes)} ${how} a ${unit} bear`;
  return `${bound} ${affordable}`;
}

/** Nothing is changed; what is slow has to be found and made faster. */
function byHand(service: Service, facts: Facts, because: string): FixPlan {
  const slow = valueOr(facts['backend-events'], []).findLast(event => event.serviceId === service.id && event.kind === 'slow-request');
  const pool = valueOr(facts['php-fpm-pools'], undefined)?.pools.find(one => `php-fpm:${one.name}` === service.id);
  const log = pool?.values['slowlog']?.value;
  const found = slow === undefined ? '' : ` Its slow log names ${slow.uri ?? slow.text}.`;
  return {
    id: 'find-slow-requests',
    summary: `Find out what keeps the workers of ${service.name} busy`,
    automatic: false,
    risk: 'low',
    minutes: 15,
    steps: [
      { kind: 'manual', text: `${because}${found} Find the requests that hold the workers, and make them shorter.`, commands: commandsFor(service, log) },
    ],
    validate: [],
    verify: `The accept queue of ${service.name} is empty again.`,
  };
}

function commandsFor(service: Service, slowlog: string | undefined): readonly string[] {
  const [pid] = service.workerPids;
  const look = pid === undefined ? [] : [`cat /proc/${pid}/wchan`, `ss -tnp | grep pid=${pid},`];
  if (service.kind !== 'php-fpm') return [`ps -o pid,stat,time,wchan:24,args --ppid ${service.masterPid ?? 0}`, ...look];
  return [...(slowlog === undefined ? [`grep -n request_slowlog_timeout ${service.configFiles[0] ?? '/etc/php'}`] : [`tail -n 40 ${slowlog}`]), ...look];
}
