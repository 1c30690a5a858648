import { askAll, defineCollector, type Collection, type Request } from '../model/collector.ts';
import { absent, known, type Known } from '../model/fact.ts';
import { localAddress } from '../model/dependencies.ts';
import { heldBySystemd } from '../model/held-sockets.ts';
import type { BackendEvent, Service } from '../model/facts/backend.ts';
import type { Listener } from '../model/facts/system.ts';
import type { Peer, Topology } from '../model/facts/topology.ts';
import { formatAddress, type Address } from '../model/host.ts';
import { probeKey, type ProbeRequest, type ProbeResult } from '../model/probe.ts';
import { furtherQuestions, furtherStages } from './shared/further-questions.ts';
import { cgiParams, firstQuestions } from './shared/peer-questions.ts';
import { resolverQuestions } from './shared/resolver-questions.ts';
import { slowPages } from './shared/slow-pages.ts';

// A host with more peers than this has its failing ones asked first.
const mostProbes = 500;
// A search, not a measurement: what is the right backend answers at once.
const searchTimeoutMs = 1000;
const mostSearched = 60;
const mostDependencies = 10;

export default defineCollector({
  id: 'probe-results',
  title: 'what each backend answers in its own protocol',
  needs: ['topology', 'services', 'listeners', 'php-fpm-pools', 'nginx-error-log', 'name-resolution', 'backend-events'],
  *collect(facts, context): Collection<readonly ProbeResult[]> {
    if (!context.probing) return absent('probing is switched off', 'Leave out --no-probe.');
    if (facts.topology.state !== 'known') return facts.topology;
    const topology = facts.topology.value;
    const pools = facts['php-fpm-pools'].state === 'known' ? facts['php-fpm-pools'].value.pools : [];
    const services = facts.services.state === 'known' ? facts.services.value : [];
    const groups = facts['nginx-error-log'].state === 'known' ? facts['nginx-error-log'].value.groups : [];
    const failing = new Set(groups.flatMap(group => (group.peer === undefined ? [] : [group.peer])));
    const usable = topology.peers
      .filter(peer => !peer.flags.down && peer.namespace === undefined)
      .sort((a, b) => Number(failing.has(b.id)) - Number(failing.has(a.id)));
    const first = distinct([
      ...usable.flatMap(peer => firstQuestions(peer, topology, pools, groups)),
      ...namedAlternatives(usable),
      ...dependencies(facts['backend-events'].state === 'known' ? facts['backend-events'].value : []),
      ...resolverQuestions(topology, groups, facts['name-resolution'].state === 'known' ? facts['name-resolution'].value : []),
    ]).slice(0, mostProbes);
    const answered = yield* ask(first);
    // Where nobody listens the service is looked for, and what did not answer in its own protocol is asked in the others.
    const searched = elsewhere(usable, services, ownerless(facts.listeners), topology);
    const more: ProbeResult[] = [];
    for (let stage = 0; stage < furtherStages; stage++) {
      const asked = [...answered, ...more];
      const next = distinct([...furtherQuestions(stage, answered, more, topology, groups, services), ...(stage === 0 ? searched : [])])
        .filter(request => !asked.some(result => probeKey(result.request) === probeKey(request)))
        .slice(0, mostProbes);
      more.push(...(yield* ask(next)));
    }
    const slow = yield* ask(slowPages(usable, topology, groups, answered));
    // A page that stays silent for longer says nothing of the backend as a whole, and is left out.
    return known([...answered, ...more, ...slow.filter(result => result.outcome.state === 'answered')]);
  },
});

function* ask(requests: readonly ProbeRequest[]): Generator<readonly Request[], ProbeResult[], readonly Known<unknown>[]> {
  const answers = yield* askAll(requests.map(request => ({ kind: 'probe', request }) as const));
  return answers.flatMap(answer => (answer.state === 'known' ? [answer.value] : []));
}

/** `localhost` means two addresses: the one that the configuration did not get is asked too. */
function namedAlternatives(peers: readonly Peer[]): ProbeRequest[] {
  return peers.flatMap(peer => {
    if (peer.address.kind !== 'tcp' || peer.hostName === undefined) return [];
    const other = peer.address.host === '::1' ? '127.0.0.1' : peer.address.host === '127.0.0.1' ? '::1' : undefined;
    return other === undefined ? [] : [{ kind: 'connect', address: { kind: 'tcp', host: other, port: peer.address.port } } as const];
  });
}

/** What backends say that they could not reach, where it is on this host: whether it takes connections now. */
function dependencies(events: readonly BackendEvent[]): ProbeRequest[] {
  const named = new Set(events.flatMap(event => (event.kind === 'dependency-error' ? (event.address ?? []) : [])));
  return [...named].slice(-mostDependencies).flatMap((text): ProbeRequest[] => {
    const address = localAddress(text);
    return address === undefined ? [] : [{ kind: 'connect', address }];
  });
}

/** Where nobody listens on a peer's address: the addresses on which local services do listen and no peer uses. */
function elsewhere(peers: readonly Peer[], services: readonly Service[], others: readonly Address[], topology: Topology): ProbeRequest[] {
  const lost = peers.filter(peer => peer.local && peer.listeners.length === 0);
  if (lost.length === 0) return [];
  const used = new Set(topology.peers.filter(peer => peer.listeners.length > 0).map(peer => peer.id));
  const routeIds = new Set(lost.flatMap(peer => peer.routeIds));
  const routes = topology.routes.filter(route => routeIds.has(route.id));
  const kinds = new Set(routes.map(route => (route.pass === 'proxy' && route.tls ? 'tls' : route.pass)));
  const script = '/badhop-asks-for-no-script.php';
  const listening = services
    .filter(service => service.kind !== 'nginx')
    .flatMap(service => (service.masterPid === undefined ? [...service.listening, ...heldBySystemd(service)] : service.listening));
  const addresses = [...listening, ...others].map(reachable).filter(address => !used.has(formatAddress(address)) && !belongsToSystem(address));
  return [...new Map(addresses.map(address => [formatAddress(address), address])).values()].slice(0, mostSearched).flatMap((address): ProbeRequest[] => {
    const questions: ProbeRequest[] = [];
    if (kinds.has('fastcgi'))
      questions.push({
        kind: 'fastcgi',
        address,
        params: { ...cgiParams(script, 'localhost'), SCRIPT_NAME: script, SCRIPT_FILENAME: script },
        timeoutMs: searchTimeoutMs,
      });
    if (kinds.has('proxy') || kinds.has('grpc')) questions.push({ kind: 'http', address, path: '/', hostHeader: 'localhost', timeoutMs: searchTimeoutMs });
    if (kinds.has('tls')) questions.push({ kind: 'tls', address, path: '/', hostHeader: 'localhost', timeoutMs: searchTimeoutMs });
    if (kinds.has('uwsgi')) questions.push({ kind: 'uwsgi', address, params: cgiParams('/', 'localhost'), timeoutMs: searchTimeoutMs });
    return questions;
  });
}

/** Sockets whose owner this user may not see: one of them may be the backend that is looked for. */
function ownerless(listeners: Known<readonly Listener[]>): Address[] {
  if (listeners.state !== 'known') return [];
  return listeners.value.flatMap((listener): Address[] => {
    if (listener.pids.length > 0) return [];
    if (listener.kind === 'unix') return listener.path?.startsWith('/') === true ? [{ kind: 'unix', path: listener.path }] : [];
    return [{ kind: 'tcp', host: listener.host, port: listener.port }];
  });
}

function reachable(address: Address): Address {
  if (address.kind === 'unix') return address;
  const host = address.host === '0.0.0.0' || address.host === '*' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return { ...address, host };
}

// Sockets of the system's own services (the bus, the journal, sshd's port) are no backend of anybody's.
function belongsToSystem(address: Address): boolean {
  if (address.kind === 'unix')
    return ['/run/systemd/', '/run/dbus/', '/run/udev/', '/run/user/', '/run/docker', '/run/containerd/'].some(folder => address.path.startsWith(folder));
  return address.kind === 'tcp' && (address.port === 22 || address.port === 25 || address.port === 53);
}

function distinct(requests: readonly ProbeRequest[]): ProbeRequest[] {
  return [...new Map(requests.map(request => [probeKey(request), request])).values()];
}
