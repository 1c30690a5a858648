import type { BackendCommand, Service, Sourced } from './facts/backend.ts';
import type { Facts } from './facts.ts';
import { valueOr } from './fact.ts';
import { lineDiff } from './fix.ts';
import type { FixStep } from './finding.ts';
import { commandWith } from './unit-command.ts';
import { dropInSteps, restartStep } from './unit-drop-in.ts';

/** How a server gets another number of workers: what is set, from what to what, and what makes it so. */
export interface WorkerSteps {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly FixStep[];
  readonly validate?: readonly (readonly string[])[];
}

type Values = BackendCommand['values'];
type Edit = Extract<FixStep, { kind: 'edit' }>;
interface Change {
  readonly setting: Sourced<string> | undefined;
  /** The line with the other value; `undefined` where it says more than this. */
  readonly rewrite: (text: string) => string | undefined;
}

/**
 * Apache: MaxRequestWorkers for so many processes, and ServerLimit where that cuts it. httpd takes a new ServerLimit at a
 * restart only.
 */
export function apacheSteps(service: Service, values: Values, processes: number): WorkerSteps | undefined {
  const most = values['maxrequestworkers'];
  const isPrefork = values['mpm']?.value === 'prefork';
  const to = processes * (isPrefork ? 1 : numberOf(values['threadsperchild'], 25));
  const from = numberOf(most, 0);
  if (service.unit === undefined || most === undefined || to === from) return undefined;
  const limit = values['serverlimit'];
  const isCut = processes > numberOf(limit, isPrefork ? 256 : 16);
  const directive = (value: string, next: number) => (text: string) => {
    const match = /^(\s*\w+\s+)"?(\d+)"?(\s*)$/.exec(text);
    return match?.[2] === value ? `${match[1]}${next}${match[3]}` : undefined;
  };
  const raise = directive(most.value, to);
  const edits = editLines([
    ...(isCut && limit !== undefined ? [{ setting: limit, rewrite: directive(limit.value, processes) }] : []),
    {
      setting: most,
      rewrite: text => {
        const line = raise(text);
        return line !== undefined && isCut && limit === undefined ? `${/^\s*/.exec(text)?.[0] ?? ''}ServerLimit ${processes}\n${line}` : line;
      },
    },
  ]);
  if (edits === undefined) return undefined;
  const verb = isCut ? 'restart' : 'reload';
  const argv = ['systemctl', verb, service.unit];
  const why = isCut
    ? 'Apache takes a new ServerLimit at a restart only; requests under way are cut off'
    : 'Apache lets its old workers finish and starts new ones';
  return {
    name: 'MaxRequestWorkers',
    from,
    to,
    steps: [...edits, { kind: 'command', argv, undo: argv, disruptive: isCut, why }],
    validate: values['config'] === undefined && values['server-root'] === undefined ? [['apachectl', '-t']] : [],
  };
}

/** Tomcat: maxThreads of the connector or of its executor, and maxConnections where that is smaller. */
export function tomcatSteps(service: Service, values: Values, to: number): WorkerSteps | undefined {
  const where = values['connector[0].executor'] === undefined ? 'connector[0]' : 'executor[0]';
  const threads = values[`${where}.maxThreads`];
  const from = numberOf(threads, 200);
  if (service.unit === undefined || to === from) return undefined;
  const attribute = (name: string, setting: Sourced<string>) => (text: string) => {
    const written = [`${name}="${setting.value}"`, `${name}='${setting.value}'`].find(one => text.split(one).length === 2);
    return written === undefined ? undefined : text.replace(written, `${name}="${to}"`);
  };
  const connections = values['connector[0].maxConnections'];
  const isTight = connections !== undefined && numberOf(connections, -1) > 0 && numberOf(connections, 0) < to;
  const tag = where.startsWith('connector') ? '<Connector ' : '<Executor ';
  const edits = editLines([
    threads === undefined
      ? {
          setting: values['connector[0].port'],
          rewrite: text => (tag === '<Connector ' && text.split(tag).length === 2 ? text.replace(tag, `${tag}maxThreads="${to}" `) : undefined),
        }
      : { setting: threads, rewrite: attribute('maxThreads', threads) },
    ...(isTight ? [{ setting: connections, rewrite: attribute('maxConnections', connections) }] : []),
  ]);
  return edits === undefined ? undefined : { name: 'maxThreads', from, to, steps: [...edits, restart(service.unit)] };
}

/** Puma: workers in cluster mode, threads in single mode. */
export function pumaSteps(service: Service, values: Values, to: number): WorkerSteps | undefined {
  const workers = values['workers'];
  const { threads } = values;
  const isCluster = numberOf(workers, 0) > 0;
  const from = isCluster ? numberOf(workers, 0) : Number(threads?.value.split(':')[1] ?? 0);
  if (service.unit === undefined || to === from) return undefined;
  const edits = editLines([
    {
      setting: isCluster ? workers : threads,
      rewrite: text => {
        const match = (isCluster ? /^(\s*workers[ (]\s*)(\d+)(\)?\s*(?:#.*)?)$/ : /^(\s*threads[ (]\s*\d+,\s*)(\d+)(\)?\s*(?:#.*)?)$/).exec(text);
        return match === null || Number(match[2]) !== from ? undefined : `${match[1]}${to}${match[3]}`;
      },
    },
  ]);
  return edits === undefined ? undefined : { name: isCluster ? 'workers' : 'the most threads', from, to, steps: [...edits, restart(service.unit)] };
}

/** A drop-in that starts the same command with another number in the first of these options. */
export function commandSteps(service: Service, facts: Facts, options: readonly string[], from: number, to: number): WorkerSteps | undefined {
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === service.unit);
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  const line = unit === undefined || master === undefined ? undefined : commandWith(unit, master, options, String(to));
  if (unit === undefined || line === undefined) return undefined;
  return { name: 'the workers', from, to, steps: [...dropInSteps(unit, 'workers', ['ExecStart=', `ExecStart=${line}`]), restart(unit.name)] };
}

export function restart(unit: string): FixStep {
  return restartStep(unit, `${unit} starts with the new number; requests under way are cut off`);
}

/** One edit a line, for all changes in it; `undefined` where one of them cannot be made for sure. */
function editLines(changes: readonly Change[]): readonly Edit[] | undefined {
  const edits = new Map<string, Edit>();
  for (const { setting, rewrite } of changes) {
    const place = /^file:(.+):(\d+)$/.exec(setting?.source ?? '');
    const earlier = edits.get(setting?.source ?? '');
    const text = earlier?.after ?? setting?.text;
    const after = text === undefined ? undefined : rewrite(text);
    if (place === null || setting?.text === undefined || after === undefined) return undefined;
    const path = place[1] ?? '';
    const line = Number(place[2]);
    edits.set(setting.source, { kind: 'edit', path, line, before: setting.text, after, diff: lineDiff(path, line, setting.text, after) });
  }
  return [...edits.values()];
}

function numberOf(setting: Sourced<string> | undefined, fallback: number): number {
  return setting === undefined || !/^\d{1,9}$/.test(setting.value) ? fallback : Number(setting.value);
}
