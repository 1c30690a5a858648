/** Facts for the tests of this folder: an nginx that runs, its configuration, and what the logs say. */
import type { Fault } from '../../model/fault.ts';
import type { FactId } from '../../model/facts.ts';
import type { ErrorGroup } from '../../model/facts/logs.ts';
import type { NginxConfig, NginxInstance } from '../../model/facts/nginx.ts';
import type { Listener } from '../../model/facts/system.ts';
import type { ServerBlock, Topology } from '../../model/facts/topology.ts';
import { context, nowMs, symptomOf } from '../backend/testing.ts';

export const site = '/etc/nginx/sites-enabled/orders';
export const startedMs = nowMs - 600_000;

/** Its worker has the pid that the records of `symptomOf` name. */
export function instanceOf(change: Partial<NginxInstance> = {}): NginxInstance {
  return {
    id: 'nginx',
    running: true,
    masterPid: 8,
    binary: '/usr/sbin/nginx',
    prefix: '/usr/share/nginx',
    configPath: '/etc/nginx/nginx.conf',
    globalDirectives: '',
    flavour: 'nginx',
    configureArguments: '',
    startMs: startedMs,
    workers: [{ pid: 9, startMs: startedMs, state: 'S', shuttingDown: false }],
    unit: 'nginx.service',
    ...change,
  };
}

/** The same, stopped. */
export function stoppedInstance(change: Partial<NginxInstance> = {}): NginxInstance {
  const { masterPid: _pid, startMs: _start, ...rest } = instanceOf();
  return { ...rest, id: 'nginx-installed', running: false, workers: [], ...change };
}

export function configOf(text: string, changedMs: number): NginxConfig {
  return {
    instanceId: 'nginx',
    mainPath: '/etc/nginx/nginx.conf',
    files: [{ path: site, text, modifiedMs: changedMs }],
    directives: [],
    problems: [],
    unread: [],
  };
}

export function serverOf(change: Partial<ServerBlock> = {}): ServerBlock {
  return {
    id: 's',
    instanceId: 'nginx',
    names: ['_'],
    listens: [{ address: { kind: 'tcp', host: '0.0.0.0', port: 80 }, tls: false, defaultServer: true, origin: { kind: 'file', path: site, line: 2 } }],
    origin: { path: site, line: 1 },
    accessLogs: [{ path: '/var/log/nginx/access.log', format: 'combined', origin: { kind: 'file', path: '/etc/nginx/nginx.conf', line: 30 } }],
    errorLogs: [{ path: '/var/log/nginx/error.log', level: 'error', origin: { kind: 'file', path: '/etc/nginx/nginx.conf', line: 31 } }],
    ...change,
  };
}

export function topologyOf(change: Partial<Topology> = {}): Topology {
  return { servers: [serverOf()], routes: [], groups: [], peers: [], ...change };
}

export function listenerOf(port: number, pids: readonly number[], host = '0.0.0.0'): Listener {
  return { kind: 'tcp', host, port, queue: 0, backlog: 511, pids };
}

/** `bind() to … failed` in nginx's error log. */
export function bindGroup(address: string, agoMs: number): ErrorGroup {
  const [group] = symptomOf('other').errorGroups;
  if (group === undefined) throw new Error('a symptom has a group');
  const text = `2026/11/21 07:59:00 [emerg] 77#77: bind() to ${address} failed (98: Address already in use)`;
  return { ...group, class: 'bind-failed', level: 'emerg', samples: group.samples.map(sample => ({ ...sample, text, timeMs: nowMs - agoMs })) };
}

/** Reasons for which the fault says that it was not this. */
export function ruledOutBy(fault: Fault, facts: Partial<Record<FactId, unknown>>): string[] {
  const optional = Object.fromEntries(
    (fault.meta.uses ?? []).map(id => [id, facts[id] === undefined ? { state: 'absent', why: 'not given' } : { state: 'known', value: facts[id] }]),
  );
  const given = { ...facts, ...optional } as unknown as Parameters<Fault['detect']>[0];
  return [...fault.detect(given, context)].flatMap(said => ('ruledOut' in said ? [said.because] : []));
}
