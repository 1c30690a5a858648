import { lineDiff, defineFix } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { BackendCommand, PhpFpmPool, Service, ServiceLoad, Sourced } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import {
  commandOf,
  inMebibytes,
  isBoundByProcessors,
  isOfThreads,
  processorsFor,
  requestsPerUnit,
  threadCapacity,
  workerCapacity,
  type WorkerCapacity,
} from '../model/worker-capacity.ts';
import { apacheSteps, commandSteps, pumaSteps, restart, tomcatSteps, type WorkerSteps } from '../model/worker-steps.ts';

/** The longest look at a pool that finishes nothing. */
const stillMs = 1_000;

/**
 * Raises the number of workers to what the traffic asks for, and never over what the host has memory for. A finding of a sizing
 * says itself to how many (`workers`, which may be fewer) and why (`because`): it has weighed all pools of the host.
 */
export default defineFix({
  id: 'raise-worker-count',
  fixes: ['worker-pool-exhausted'],
  plan(finding, facts) {
    const service = valueOr(facts.services, []).find(one => one.id === finding.fixData?.['service']);
    if (service === undefined) return undefined;
    const command = commandOf(service, facts);
    const sized = numberOf(finding.fixData, 'workers');
    if (sized !== undefined) return sizedPlan(finding, service, facts, sized);
    const capacity = isOfThreads(service, command) ? threadCapacity(service, facts) : workerCapacity(service, facts);
    if (capacity === undefined) return byHand(service, facts, 'How many workers the memory of this host bears could not be measured.');
    const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
    const cpus = processorsFor(service, facts);
    if (isBoundByProcessors(load, capacity.running, cpus))
      return byHand(service, facts, `Its workers compute, and there are as many as processors (${cpus}): more of them would only share these.`);
    if (load !== undefined && standsStill(load))
      return byHand(
        service,
        facts,
        `Its workers finished nothing while they were watched for ${Math.round((load.sampledMs ?? 0) / 100) / 10} s, and use no CPU: what they wait for would hold more of them as well.`,
      );
    const target = Math.min(Math.ceil(capacity.wanted / requestsPerUnit(service, command, capacity.running)), capacity.affordable);
    const steps = stepsFor(service, facts, command, target, capacity.running);
    if (steps !== undefined && steps.to > steps.from) return planOf(finding, service, steps, boundText(capacity));
    return byHand(
      service,
      facts,
      target <= capacity.running
        ? `Memory does not allow more workers: ${sumText(capacity)}.`
        : `Raise the number of its ${capacity.unit}s to ${target} where it is set: ${sumText(capacity)}.`,
    );
  },
});

/** A pool of slow pages finishes one now and then; one that all of a sudden finishes none waits for something that does not come. */
function standsStill({ finished, sampledMs = 0, cpuMs = 0 }: ServiceLoad): boolean {
  return finished === 0 && sampledMs >= stillMs && cpuMs < sampledMs * 0.02;
}

function sizedPlan(finding: Finding, service: Service, facts: Facts, workers: number): FixPlan {
  const because = textOf(finding.fixData, 'because') ?? 'by what was measured';
  const running = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid)).length;
  const steps = stepsFor(service, facts, commandOf(service, facts), workers, running);
  if (steps !== undefined && steps.to !== steps.from) return planOf(finding, service, steps, because);
  const name = textOf(finding.fixData, 'setting') ?? 'the number of its workers';
  const files = service.configFiles.slice(0, 2).map(path => `grep -n -i -E 'worker|process|thread|children' ${path}`);
  return {
    id: 'raise-worker-count',
    summary: `Set ${name} of ${service.name} to ${textOf(finding.fixData, 'value') ?? workers} (${because})`,
    automatic: false,
    risk: 'medium',
    minutes: 5,
    steps: [
      {
        kind: 'manual',
        text: `Set ${name} to ${textOf(finding.fixData, 'value') ?? workers} where ${service.name} is told its number, and restart it.`,
        commands: [...files, ...(service.unit === undefined ? [] : [`systemctl cat ${service.unit}`])],
      },
    ],
    validate: [],
    verify: `\`badhop size\` finds nothing to change on ${service.name}.`,
  };
}

/** Of servers whose numbers are no plain processes. */
function ownSteps(service: Service, { values }: BackendCommand, to: number): WorkerSteps | undefined {
  switch (service.kind) {
    case 'apache':
      return apacheSteps(service, values, to);
    case 'tomcat':
      return tomcatSteps(service, values, to);
    case 'puma':
      return pumaSteps(service, values, to);
    default:
      return undefined;
  }
}

function planOf(finding: Finding, service: Service, { name, from, to, steps, validate = [] }: WorkerSteps, because: string): FixPlan {
  return {
    id: 'raise-worker-count',
    summary: `${to < from ? 'Lower' : 'Raise'} ${name} from ${from} to ${to} (${because})`,
    automatic: finding.confidence !== 'possible',
    risk: 'medium',
    minutes: 2,
    steps,
    validate,
    verify:
      to < from
        ? `All workers of ${service.name} at their limit fit into memory, and its accept queue stays empty.`
        : `The accept queue of ${service.name} is empty again, and requests through nginx no longer wait until they fail.`,
  };
}

function stepsFor(service: Service, facts: Facts, command: BackendCommand | undefined, to: number, from: number): WorkerSteps | undefined {
  if (service.kind === 'php-fpm') return fpmSteps(service, facts, to);
  const own = command === undefined ? undefined : ownSteps(service, command, to);
  if (own !== undefined) return own;
  if (command !== undefined && service.kind === 'uvicorn' && command.values['workers'] !== undefined)
    return commandSteps(service, facts, ['--workers'], from, to);
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
  return commandSteps(service, facts, service.kind === 'gunicorn' ? ['--workers', '-w'] : ['--processes', '-p', '--workers'], from, to);
}

function fpmSteps(service: Service, facts: Facts, to: number): WorkerSteps | undefined {
  const fpm = valueOr(facts['php-fpm-pools'], undefined);
  const pool = fpm?.pools.find(one => `php-fpm:${one.name}` === service.id && one.masterPid === service.masterPid);
  const children = pool?.values['pm.max_children'] ?? service.workersMax;
  const shared = sharedLimit(service, facts, pool === undefined ? undefined : fpm?.globals[pool.mainConfig]?.['process.max'], to);
  // The pool may have as many already, and only what all pools share keeps it from them.
  const isEnough = shared !== undefined && Number(children?.value) >= to;
  const edits = [...(isEnough ? [] : [editOf(children, to)]), ...(shared === undefined ? [] : [editOf(shared.setting, shared.to)])];
  const sure = edits.filter(edit => edit !== undefined);
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  const spares = spareEdits(pool, to);
  if (sure.length < edits.length || service.masterPid === undefined || spares === undefined) return undefined;
  const reload = service.unit === undefined ? ['kill', '-USR2', String(service.masterPid)] : ['systemctl', 'reload', service.unit];
  const test = master?.exe === undefined || pool === undefined ? [] : [[master.exe, '-t', '-y', pool.mainConfig]];
  const why = 'php-fpm starts anew with the new limit; requests that it works on at this moment are cut off';
  return {
    ...(shared !== undefined
      ? { name: 'process.max', from: Number(shared.setting.value), to: shared.to }
      : { name: 'pm.max_children', from: Number(children?.value ?? to), to }),
    steps: [...sure, ...spares, { kind: 'command', argv: reload, undo: reload, disruptive: true, why }],
    validate: test,
  };
}

/** `process.max` of php-fpm.conf, which the children of all pools share, and what it must be for so many in this one; absent where it leaves room. */
function sharedLimit(
  service: Service,
  facts: Facts,
  setting: Sourced<string> | undefined,
  to: number,
): { readonly setting: Sourced<string>; readonly to: number } | undefined {
  const most = Number(setting?.value);
  const children = valueOr(facts.processes, []).filter(({ ppid, argv }) => ppid === service.masterPid && argv[0]?.startsWith('php-fpm: pool ') === true);
  const own = service.workerPids.length;
  const needed = to + Math.max(0, children.length - own);
  return setting === undefined || !(most > 0) || to <= own || needed <= most ? undefined : { setting, to: needed };
}

/** php-fpm refuses a dynamic pool that starts with, or keeps spare, more children than it may have. */
function spareEdits(pool: PhpFpmPool | undefined, most: number): readonly FixStep[] | undefined {
  if (pool?.values['pm']?.value !== 'dynamic') return [];
  const edits: (FixStep | undefined)[] = [];
  for (const name of ['pm.max_spare_servers', 'pm.start_servers', 'pm.min_spare_servers']) {
    const setting = pool.values[name];
    if (setting !== undefined && Number(setting.value) > most) edits.push(editOf(setting, most));
  }
  const sure = edits.filter(edit => edit !== undefined);
  return sure.length === edits.length ? sure : undefined;
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
    limitedBy !== 'host'
      ? `the memory limit of its ${limitedBy === 'unit' ? 'unit' : 'control group'} bears`
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
