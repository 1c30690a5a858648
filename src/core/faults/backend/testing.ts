/** Facts for the tests of this folder: a healthy peer with its service and unit, to be changed where the test is about. */
import type { CollectContext } from '../../model/collector.ts';
import type { Fault } from '../../model/fault.ts';
import type { FactId } from '../../model/facts.ts';
import type { BackendEvent, Service } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { ErrorGroup, ErrorRecord, MessageClass } from '../../model/facts/logs.ts';
import type { KernelEvent, Listener, ProcessInfo, SystemdUnit } from '../../model/facts/system.ts';
import type { Peer, Route, Symptom } from '../../model/facts/topology.ts';
import type { Detection } from '../../model/finding.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';

export const nowMs = Date.parse('2026-11-21T08:00:00Z');
export const context: CollectContext = { sinceMs: nowMs - 900_000, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true };

export const address = '127.0.0.1:8017';

export function unitOf(change: Partial<SystemdUnit> = {}): SystemdUnit {
  return {
    name: 'orders.service',
    description: 'orders',
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    result: 'success',
    restarts: 0,
    mainPid: 100,
    execMainStatus: 0,
    execMainCode: '',
    dropIns: [],
    journal: [],
    type: 'simple',
    unitFileState: 'enabled',
    execStart: '/usr/bin/gunicorn --bind 127.0.0.1:8017 app:app',
    ...change,
  };
}

export function serviceOf(change: Partial<Service> = {}): Service {
  return {
    id: 'unit:orders.service',
    kind: 'gunicorn',
    name: 'gunicorn (orders.service)',
    unit: 'orders.service',
    masterPid: 100,
    workerPids: [101, 102],
    listening: [{ kind: 'tcp', host: '127.0.0.1', port: 8017 }],
    configuredListen: [],
    speaks: 'http',
    manager: 'prefork',
    configFiles: [],
    logFiles: [],
    ...change,
  };
}

export function processOf(pid: number, change: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    ppid: 100,
    state: 'S',
    comm: 'gunicorn',
    argv: ['gunicorn'],
    uid: 33,
    startMs: nowMs - 3_600_000,
    rssBytes: 1 << 25,
    threads: 1,
    cpuMs: 10,
    ...change,
  };
}

export function peerOf(change: Partial<Peer> = {}): Peer {
  const listener: Listener = { kind: 'tcp', host: '127.0.0.1', port: 8017, queue: 0, backlog: 2048, pids: [100] };
  return {
    id: address,
    address: { kind: 'tcp', host: '127.0.0.1', port: 8017 },
    groupIds: [],
    routeIds: ['r'],
    written: address,
    origin: { path: '/etc/nginx/sites-enabled/orders', line: 3 },
    flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
    local: true,
    listeners: [listener],
    serviceId: 'unit:orders.service',
    ...change,
  };
}

export function routeOf(change: Partial<Route> = {}): Route {
  return {
    id: 'r',
    serverId: 's',
    location: 'location /',
    samplePath: '/',
    pass: 'proxy',
    target: `http://${address}`,
    tls: false,
    origin: { path: '/etc/nginx/sites-enabled/orders', line: 3 },
    variables: [],
    settings: { read_timeout: { directive: 'proxy_read_timeout', args: ['60s'], ms: 60_000, origin: { kind: 'default', version: '1.22.1' } } },
    headers: [],
    ...change,
  };
}

export function probeOf(outcome: ProbeOutcome, ms = 3): ProbeResult {
  return { request: { kind: 'http', address: { kind: 'tcp', host: '127.0.0.1', port: 8017 }, path: '/', hostHeader: 'localhost' }, outcome, connectMs: 1, ms };
}

export function eventOf(kind: BackendEvent['kind'], agoMs: number, change: Partial<BackendEvent> = {}): BackendEvent {
  return { serviceId: 'unit:orders.service', kind, timeMs: nowMs - agoMs, text: `${kind} line`, source: 'journal:orders.service', ...change };
}

export function kernelOf(agoMs: number, change: Partial<KernelEvent> = {}): KernelEvent {
  return {
    kind: 'oom-kill',
    timeMs: nowMs - agoMs,
    text: 'Out of memory: Killed process 4711 (gunicorn)',
    source: 'journal:kernel',
    pid: 4711,
    comm: 'gunicorn',
    ...change,
  };
}

/** A symptom with one sample record a second between its first and its last time. */
export function symptomOf(kind: MessageClass, change: Partial<Symptom> = {}): Symptom {
  const lastMs = change.lastMs ?? nowMs - 1000;
  const firstMs = change.firstMs ?? nowMs - 60_000;
  const text = `[error] 9#9: *1 ${kind} while talking to upstream, upstream: "http://${address}/"`;
  const sample = (timeMs: number): ErrorRecord => ({
    timeMs,
    level: 'error',
    pid: 9,
    text,
    message: kind,
    class: kind,
    peer: address,
    uri: '/',
    method: 'GET',
    cut: false,
    source: { path: '/var/log/nginx/error.log', offset: 0, line: 1 },
  });
  const buckets = { widthMs: 10_000, starts: [firstMs], counts: [5] };
  const group: ErrorGroup = {
    class: kind,
    level: 'error',
    peer: address,
    method: 'GET',
    urlTemplate: '/',
    subrequest: false,
    count: 5,
    firstMs,
    lastMs,
    buckets,
    samples: [sample(firstMs), sample(lastMs)],
  };
  return {
    id: `${kind}@${address}`,
    class: kind,
    upstream: address,
    madeBy: 'nginx',
    count: 5,
    firstMs,
    lastMs,
    ongoing: true,
    shape: { when: 'steady', text: 'steady' },
    errorGroups: [group],
    accessGroups: [],
    ...change,
  };
}

export function hopOf(change: Partial<Hop> = {}): Hop {
  const service = serviceOf();
  const subject = { kind: 'peer', id: address, name: address, peers: [address] } as const;
  return {
    peer: peerOf(),
    routes: [routeOf()],
    groups: [],
    service,
    unit: unitOf(),
    master: processOf(100, { ppid: 1 }),
    workers: [processOf(101), processOf(102)],
    events: [],
    probes: [],
    symptoms: [],
    groupSymptoms: [],
    subject,
    serviceSubject: { kind: 'service', id: service.id, name: service.name, peers: [address] },
    ...change,
  };
}

/** A hop whose service is gone: nobody listens, and a connection is refused. */
export function lostHop(change: Partial<Hop> = {}): Hop {
  const { master: _master, ...rest } = hopOf();
  return {
    ...rest,
    peer: peerOf({ listeners: [] }),
    service: (({ masterPid: _pid, ...stopped }) => stopped)(serviceOf({ workerPids: [], listening: [] })),
    workers: [],
    probes: [probeOf({ state: 'connect-failed', code: 'ECONNREFUSED' })],
    symptoms: [symptomOf('connect-refused')],
    ...change,
  };
}

/** The same without what a hop may lack. */
export function without(hop: Hop, ...keys: readonly ('service' | 'unit' | 'master' | 'load')[]): Hop {
  return Object.fromEntries(Object.entries(hop).filter(([key]) => !keys.some(gone => gone === key))) as unknown as Hop;
}

/** Runs the fault over facts: those given are known, all others are not. One that is given as denied stays so. */
export function detections(fault: Fault, facts: Partial<Record<FactId, unknown>>, change: Partial<CollectContext> = {}): Detection[] {
  const required: Partial<Record<FactId, unknown>> = { listeners: [], symptoms: [], ...facts };
  const asFact = (value: unknown): unknown => {
    if (value === undefined) return { state: 'absent', why: 'not given' };
    return typeof value === 'object' && value !== null && 'state' in value && value.state === 'denied' ? value : { state: 'known', value };
  };
  const optional = Object.fromEntries((fault.meta.uses ?? []).map(id => [id, asFact(facts[id])]));
  const given = { ...required, ...optional } as unknown as Parameters<Fault['detect']>[0];
  return [...fault.detect(given, { ...context, ...change })].flatMap(said => ('ruledOut' in said ? [] : [said]));
}
