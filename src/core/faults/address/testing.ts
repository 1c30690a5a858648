/** Facts for the tests of this folder and of the network's: a peer on which nobody listens, to be changed where the test is about. */
import type { CollectContext } from '../../model/collector.ts';
import type { FactId } from '../../model/facts.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { ErrorRecord, MessageClass } from '../../model/facts/logs.ts';
import type { Listener } from '../../model/facts/system.ts';
import type { Peer, Route, Symptom } from '../../model/facts/topology.ts';
import type { Fault } from '../../model/fault.ts';
import type { Detection } from '../../model/finding.ts';
import { formatAddress, type Address } from '../../model/host.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';

export const nowMs = Date.parse('2026-11-21T08:00:00Z');
export const context: CollectContext = { sinceMs: nowMs - 900_000, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true };

export const site = '/etc/nginx/sites-enabled/tickets.conf';

export function tcp(text: string): Address {
  const at = text.lastIndexOf(':');
  return { kind: 'tcp', host: text.slice(0, at).replace(/[[\]]/g, ''), port: Number(text.slice(at + 1)) };
}

export function listenerOf(address: Address, change: Partial<Listener> = {}): Listener {
  const where =
    address.kind === 'unix'
      ? ({ kind: 'unix', host: '', port: 0, path: address.path } as const)
      : ({ kind: 'tcp', host: address.host, port: address.port } as const);
  return { ...where, queue: 0, backlog: 128, pids: [700], ...change };
}

export function probeOf(address: Address, outcome: ProbeOutcome, ms = 2): ProbeResult {
  return { request: { kind: 'http', address, path: '/', hostHeader: 'localhost' }, outcome, connectMs: ms, ms };
}

export const answered: ProbeOutcome = { state: 'answered', speaks: 'http', answer: { status: 200, complete: true } };

export function failed(code: string): ProbeOutcome {
  return { state: 'connect-failed', code };
}

export function routeOf(change: Partial<Route> = {}): Route {
  return {
    id: 'r',
    serverId: 's',
    location: 'location /',
    pass: 'proxy',
    target: 'http://tickets',
    tls: false,
    origin: { path: site, line: 4 },
    variables: [],
    settings: {},
    headers: [],
    ...change,
  };
}

export function symptomOf(kind: Symptom['class'], upstream: string | undefined, change: Partial<Symptom> & { errno?: number; message?: string } = {}): Symptom {
  const { errno, message = kind, ...rest } = change;
  const record: ErrorRecord = {
    timeMs: nowMs - 1000,
    level: 'error',
    pid: 9,
    text: `2026/11/21 07:59:59 [error] 9#9: *1 ${message}, upstream: "http://${upstream ?? ''}/"`,
    message,
    class: kind as MessageClass,
    ...(errno === undefined ? {} : { errno }),
    cut: false,
    source: { path: '/var/log/nginx/error.log', offset: 0, line: 1 },
  };
  const times = { count: 5, firstMs: nowMs - 60_000, lastMs: nowMs - 1000 };
  return {
    id: `${kind}@${upstream ?? ''}`,
    class: kind,
    ...(upstream === undefined ? {} : { upstream }),
    madeBy: 'nginx',
    ...times,
    ongoing: true,
    shape: { when: 'steady', text: 'steady' },
    errorGroups: [
      {
        class: kind as MessageClass,
        ...(errno === undefined ? {} : { errno }),
        level: 'error',
        subrequest: false,
        ...times,
        buckets: { widthMs: 10_000, starts: [], counts: [] },
        samples: [record],
      },
    ],
    accessGroups: [],
    ...rest,
  };
}

/** A peer in use; by default nobody listens there and the probe is refused. */
export function hopOf(address: Address, change: Partial<Omit<Hop, 'peer'>> & { readonly peer?: Partial<Peer> } = {}): Hop {
  const id = formatAddress(address);
  const subject = { kind: 'peer', id, name: id, peers: [id] } as const;
  const { peer = {}, ...rest } = change;
  return {
    peer: {
      id,
      address,
      groupIds: [],
      routeIds: ['r'],
      written: id,
      origin: { path: site, line: 4 },
      flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
      local: true,
      listeners: [],
      ...peer,
    },
    routes: [routeOf()],
    groups: [],
    workers: [],
    events: [],
    probes: [probeOf(address, failed(address.kind === 'unix' ? 'ENOENT' : 'ECONNREFUSED'))],
    symptoms: [symptomOf(address.kind === 'unix' ? 'connect-no-file' : 'connect-refused', id)],
    groupSymptoms: [],
    subject,
    serviceSubject: subject,
    ...rest,
  };
}

/** Runs the fault over facts: those given are known, the optional ones that are not given are absent. */
export function detections(fault: Fault, facts: Partial<Record<FactId, unknown>>, probing = true): Detection[] {
  const optional = Object.fromEntries(
    (fault.meta.uses ?? []).map(id => [id, facts[id] === undefined ? { state: 'absent', why: 'not given' } : { state: 'known', value: facts[id] }]),
  );
  const given = { ...facts, ...optional } as unknown as Parameters<Fault['detect']>[0];
  return [...fault.detect(given, { ...context, probing })].flatMap(said => ('ruledOut' in said ? [] : [said]));
}
