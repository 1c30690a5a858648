import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Hop } from '../model/facts/hop.ts';
import type { Peer, Route, Topology } from '../model/facts/topology.ts';
import type { Facts } from '../model/facts.ts';
import type { Subject } from '../model/finding.ts';
import { formatAddress } from '../model/host.ts';
import type { ProbeResult } from '../model/probe.ts';

type Parts = Pick<Facts, 'services' | 'systemd-units' | 'processes' | 'service-load' | 'backend-events' | 'probe-results' | 'symptoms'>;

export default defineDerivation({
  id: 'hops',
  title: 'each peer with the service, the probes and the symptoms that belong to it',
  needs: ['topology', 'services', 'systemd-units', 'processes', 'service-load', 'backend-events', 'probe-results', 'symptoms'],
  derive(facts): Known<readonly Hop[]> {
    const topology = facts.topology;
    if (topology.state !== 'known') return topology;
    return known(topology.value.peers.map(peer => hopOf(peer, topology.value, facts)));
  },
});

function hopOf(peer: Peer, topology: Topology, facts: Parts): Hop {
  const services: readonly Service[] = valueOr(facts.services, []);
  const service = services.find(one => one.id === peer.serviceId);
  const unit = service?.unit === undefined ? undefined : valueOr(facts['systemd-units'], []).find(one => one.name === service.unit);
  const processes = valueOr(facts.processes, []);
  const master = service?.masterPid === undefined ? undefined : processes.find(one => one.pid === service.masterPid);
  const workerPids = new Set(service?.workerPids);
  const load = service === undefined ? undefined : valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const routeIds = new Set(peer.routeIds);
  const routes = topology.routes.filter(route => routeIds.has(route.id));
  const groups = topology.groups.filter(group => peer.groupIds.includes(group.id));
  const probes = valueOr(facts['probe-results'], []).filter(probe => probe.request.kind !== 'dns' && formatAddress(probe.request.address) === peer.id);
  const own = probes.find(probe => routes.some(route => speaksTo(probe, route)));
  const symptoms = valueOr(facts.symptoms, []);
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
    ...(master === undefined ? {} : { master }),
    workers: processes.filter(one => workerPids.has(one.pid)),
    ...(load === undefined ? {} : { load }),
    events: service === undefined ? [] : valueOr(facts['backend-events'], []).filter(event => event.serviceId === service.id),
    probes,
    ...(own === undefined ? {} : { own }),
    symptoms: symptoms.filter(symptom => symptom.upstream === peer.id),
    groupSymptoms: symptoms.filter(symptom => symptom.upstream !== undefined && symptom.upstream !== peer.id && groupNames.has(symptom.upstream)),
    subject,
    serviceSubject:
      service === undefined
        ? subject
        : { kind: 'service', id: service.id, name: service.name, peers: topology.peers.filter(one => one.serviceId === service.id).map(one => one.id) },
  };
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
