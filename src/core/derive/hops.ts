import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { BackendEvent, Service, ServiceLoad } from '../model/facts/backend.ts';
import type { Hop } from '../model/facts/hop.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import type { Peer, Route, Symptom, Topology } from '../model/facts/topology.ts';
import type { Facts } from '../model/facts.ts';
import type { Subject } from '../model/finding.ts';
import { groupBy } from '../model/group-by.ts';
import { formatAddress } from '../model/host.ts';
import type { ProbeResult } from '../model/probe.ts';

type Parts = Pick<Facts, 'services' | 'systemd-units' | 'managed-programs' | 'processes' | 'service-load' | 'backend-events' | 'probe-results' | 'symptoms'>;

export default defineDerivation({
  id: 'hops',
  title: 'each peer with the service, the probes and the symptoms that belong to it',
  needs: ['topology', 'services', 'systemd-units', 'managed-programs', 'processes', 'service-load', 'backend-events', 'probe-results', 'symptoms'],
  derive(facts): Known<readonly Hop[]> {
    const topology = facts.topology;
    if (topology.state !== 'known') return topology;
    const around = surroundingsOf(topology.value, facts);
    return known(topology.value.peers.map(peer => hopOf(peer, topology.value, around)));
  },
});

/** What peers are joined with, found by what they are joined on: a host may have thousands of each. */
interface Surroundings {
  readonly services: ReadonlyMap<string, Service>;
  readonly units: ReadonlyMap<string, SystemdUnit>;
  readonly programs: ReadonlyMap<string, ManagedProgram>;
  readonly processes: readonly ProcessInfo[];
  readonly byPid: ReadonlyMap<number, ProcessInfo>;
  readonly loads: ReadonlyMap<string, ServiceLoad>;
  readonly events: ReadonlyMap<string, readonly BackendEvent[]>;
  readonly probes: ReadonlyMap<string, readonly ProbeResult[]>;
  readonly symptoms: readonly Symptom[];
  readonly workers: Map<string, readonly ProcessInfo[]>;
  readonly subjects: Map<string, Subject>;
}

function surroundingsOf(topology: Topology, facts: Parts): Surroundings {
  const processes = valueOr(facts.processes, []);
  const services = firstBy(valueOr(facts.services, []), one => one.id);
  const peersOf = groupBy(topology.peers, peer => peer.serviceId);
  return {
    services,
    units: firstBy(valueOr(facts['systemd-units'], []), one => one.name),
    programs: firstBy(valueOr(facts['managed-programs'], []), one => one.id),
    processes,
    byPid: firstBy(processes, one => one.pid),
    loads: firstBy(valueOr(facts['service-load'], []), one => one.serviceId),
    events: groupBy(valueOr(facts['backend-events'], []), event => event.serviceId),
    probes: groupBy(valueOr(facts['probe-results'], []), ({ request }) => (request.kind === 'dns' ? undefined : formatAddress(request.address))),
    symptoms: valueOr(facts.symptoms, []),
    workers: new Map(),
    subjects: new Map(
      [...services.values()].map(({ id, name }) => [id, { kind: 'service', id, name, peers: (peersOf.get(id) ?? []).map(peer => peer.id) }] as const),
    ),
  };
}

function hopOf(peer: Peer, topology: Topology, around: Surroundings): Hop {
  const service = peer.serviceId === undefined ? undefined : around.services.get(peer.serviceId);
  const unit = service?.unit === undefined ? undefined : around.units.get(service.unit);
  const program = service?.program === undefined ? undefined : around.programs.get(service.program);
  const master = service?.masterPid === undefined ? undefined : around.byPid.get(service.masterPid);
  const load = service === undefined ? undefined : around.loads.get(service.id);
  const routeIds = new Set(peer.routeIds);
  const routes = topology.routes.filter(route => routeIds.has(route.id));
  const groups = topology.groups.filter(group => peer.groupIds.includes(group.id));
  // badhop's own namespace may have the same address.
  const probes = peer.namespace === undefined ? (around.probes.get(peer.id) ?? []) : [];
  const own = probes.find(probe => routes.some(route => speaksTo(probe, route)));
  const { symptoms } = around;
  const groupNames = new Set([
    ...groups.map(group => group.name),
    ...groups.map(group => group.name.split(':')[0] ?? ''),
    ...(peer.hostName === undefined ? [] : [peer.hostName]),
  ]);
  const subject: Subject = { kind: 'peer', id: peer.id, name: nameOf(peer, service), peers: [peer.id] };
  return {
    peer,
    routes,
    groups,
    ...(service === undefined ? {} : { service }),
    ...(unit === undefined ? {} : { unit }),
    ...(program === undefined ? {} : { program }),
    ...(master === undefined ? {} : { master }),
    workers: service === undefined ? [] : workersOf(service, around),
    ...(load === undefined ? {} : { load }),
    events: service === undefined ? [] : (around.events.get(service.id) ?? []),
    probes,
    ...(own === undefined ? {} : { own }),
    symptoms: symptoms.filter(symptom => symptom.upstream === peer.id),
    groupSymptoms: symptoms.filter(symptom => symptom.upstream !== undefined && symptom.upstream !== peer.id && groupNames.has(symptom.upstream)),
    subject,
    serviceSubject: service === undefined ? subject : (around.subjects.get(service.id) ?? subject),
  };
}

/** In the order of the process list; the peers of one service share the list. */
function workersOf(service: Service, around: Surroundings): readonly ProcessInfo[] {
  const found = around.workers.get(service.id);
  if (found !== undefined) return found;
  const pids = new Set(service.workerPids);
  const workers = around.processes.filter(one => pids.has(one.pid));
  around.workers.set(service.id, workers);
  return workers;
}

function firstBy<T, K>(items: readonly T[], key: (item: T) => K): ReadonlyMap<K, T> {
  const map = new Map<K, T>();
  for (const item of items) if (!map.has(key(item))) map.set(key(item), item);
  return map;
}

function speaksTo(probe: ProbeResult, route: Route): boolean {
  const { kind } = probe.request;
  if (probe.outcome.state === 'not-asked') return false;
  if (route.pass === 'proxy') return kind === (route.tls ? 'tls' : 'http');
  return kind === route.pass || (kind === 'connect' && !['fastcgi', 'uwsgi'].includes(route.pass));
}

function nameOf(peer: Peer, service: Service | undefined): string {
  return service === undefined ? peer.id : `${service.name} at ${peer.id}`;
}
