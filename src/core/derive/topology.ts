import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { ErrorGroup } from '../model/facts/logs.ts';
import type { NetworkNamespace } from '../model/facts/network.ts';
import type { Listener, NameResolution } from '../model/facts/system.ts';
import type { NginxLayout, Peer, Topology, UpstreamGroup, WrittenGroup, WrittenMember } from '../model/facts/topology.ts';
import { formatAddress, runPath, type Address } from '../model/host.ts';
import { isIpLiteral, splitHostPort } from './pass-target.ts';

/** What a peer is joined with. */
interface Surroundings {
  readonly listeners: readonly Listener[];
  readonly services: readonly Service[];
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly ownAddresses: ReadonlySet<string> | undefined;
  /** The network namespace, where it is another than badhop's. */
  readonly namespace?: string;
  /** Whether a process is in another network namespace. */
  readonly isStranger: (pid: number) => boolean;
}

export default defineDerivation({
  id: 'topology',
  title: 'the path of a request: listen, server, location, upstream, peer, listener, service',
  needs: ['nginx-layout', 'listeners', 'services', 'name-resolution', 'host-identity', 'nginx-error-log', 'network-namespaces'],
  derive(facts): Known<Topology> {
    const layout = facts['nginx-layout'];
    if (layout.state !== 'known') return layout;
    const resolutions: readonly NameResolution[] = valueOr(facts['name-resolution'], []);
    const identity = facts['host-identity'].state === 'known' ? facts['host-identity'].value : undefined;
    const namespaces = valueOr(facts['network-namespaces'], undefined);
    const apart = new Set((namespaces?.others ?? []).flatMap(other => other.pids));
    const around: Surroundings = {
      listeners: valueOr(facts.listeners, []),
      services: valueOr(facts.services, []),
      names: new Map(resolutions.map(resolution => [resolution.name, resolution.system])),
      ownAddresses: identity?.addresses === undefined ? undefined : new Set(identity.addresses),
      isStranger: pid => apart.has(pid),
    };
    const elsewhere = new Map(
      (namespaces?.ofInstances ?? []).map(({ instanceId, namespace }) => [instanceId, within(around, namespace, namespaces?.others ?? [])] as const),
    );
    const log = facts['nginx-error-log'];
    const failing = failingPlaces(layout.value, log.state === 'known' ? log.value.groups : [], elsewhere);
    const { groups, peers } = resolveGroups(layout.value, around, elsewhere, failing);
    const logged = log.state === 'known' ? log.value.groups.flatMap(group => (group.peer === undefined ? [] : [group.peer])) : [];
    const strangers = strangersIn(logged, layout.value, peers, around);
    return known({ servers: layout.value.servers, routes: layout.value.routes, groups, peers: [...peers, ...strangers] });
  },
});

/** What an address means in another network namespace. Unix sockets are files, and the same for all. */
function within(around: Surroundings, id: string, others: readonly NetworkNamespace[]): Surroundings {
  const there = others.find(other => other.id === id);
  return {
    ...around,
    listeners: [...around.listeners.filter(listener => listener.kind === 'unix'), ...(there?.listeners ?? [])],
    ownAddresses: new Set(there?.addresses ?? []),
    namespace: id,
    isStranger: pid => there?.pids.includes(pid) !== true,
  };
}

function resolveGroups(
  layout: NginxLayout,
  own: Surroundings,
  elsewhere: ReadonlyMap<string, Surroundings>,
  failing: FailingPlaces,
): { groups: UpstreamGroup[]; peers: Peer[] } {
  const peers = new Map<string, Peer>();
  const groups = layout.groups.map(group => {
    const { members, instanceId, ...rest } = group;
    const around = elsewhere.get(instanceId) ?? own;
    const routeIds = layout.routes.filter(route => route.groupId === group.id).map(route => route.id);
    const peerIds = members.flatMap(member =>
      addressesOf(member, around).map(address => {
        const id = formatAddress(address);
        peers.set(id, merge(peers.get(id), makePeer(id, address, group, member, routeIds, around), failing));
        return id;
      }),
    );
    return { ...rest, peerIds: [...new Set(peerIds)] };
  });
  return { groups, peers: [...peers.values()].map((peer, _index, all) => withServiceOfName(peer, all)) };
}

/** A service that should listen on one address of a name, and listens on none, is what is missing on the others too. */
function withServiceOfName(peer: Peer, all: readonly Peer[]): Peer {
  if (peer.hostName === undefined || peer.serviceId !== undefined || peer.listeners.length > 0) return peer;
  const same = all.filter(other => other !== peer && other.hostName === peer.hostName && other.written === peer.written);
  const serviceId = same.some(other => other.listeners.length > 0) ? undefined : same.find(other => other.serviceId !== undefined)?.serviceId;
  return serviceId === undefined ? peer : { ...peer, serviceId };
}

/** The addresses that nginx makes of a `server` line: each address of a name is a peer of its own. */
function addressesOf(member: WrittenMember, around: Surroundings): Address[] {
  if (member.path !== undefined) return [{ kind: 'unix', path: member.path }];
  const { host = '', port } = member;
  if (port === undefined || host === '') return [];
  if (isIpLiteral(host)) return [{ kind: 'tcp', host, port }];
  return (around.names.get(host) ?? []).map(address => ({ kind: 'tcp', host: address, port }));
}

function makePeer(id: string, address: Address, group: WrittenGroup, member: WrittenMember, routeIds: readonly string[], around: Surroundings): Peer {
  const listeners = around.listeners.filter(listener => listensOn(listener, address));
  const serviceId = serviceOf(address, listeners, around)?.id;
  const named = member.host !== undefined && !isIpLiteral(member.host);
  return {
    id,
    address,
    groupIds: [group.id],
    routeIds,
    written: member.written,
    ...(named ? { hostName: member.host } : {}),
    origin: member.origin,
    flags: member.flags,
    local: isLocal(address, around),
    ...(around.namespace === undefined || address.kind === 'unix' ? {} : { namespace: around.namespace }),
    listeners,
    ...(serviceId === undefined ? {} : { serviceId }),
  };
}

function merge(before: Peer | undefined, peer: Peer, failing: FailingPlaces): Peer {
  if (before === undefined) return peer;
  const flags = before.flags.down && !peer.flags.down ? peer.flags : before.flags;
  return {
    ...(isRather(peer, before, failing) ? peer : before),
    flags,
    groupIds: [...new Set([...before.groupIds, ...peer.groupIds])],
    routeIds: [...new Set([...before.routeIds, ...peer.routeIds])],
  };
}

/** Of one address in two network namespaces: the one whose nginx logs that it fails; where that tells nothing, the one at which nobody listens. */
function isRather(peer: Peer, before: Peer, failing: FailingPlaces): boolean {
  if (before.namespace === peer.namespace) return false;
  const fails = ({ id, namespace = '' }: Peer): boolean => failing.get(id)?.has(namespace) === true;
  return fails(peer) === fails(before) ? before.listeners.length > 0 && peer.listeners.length === 0 : fails(peer);
}

/** By peer, the namespaces in whose nginx' own error logs it fails; badhop's is the empty text. */
type FailingPlaces = ReadonlyMap<string, ReadonlySet<string>>;

/** A log that two instances write to tells of neither. */
function failingPlaces(layout: NginxLayout, groups: readonly ErrorGroup[], elsewhere: ReadonlyMap<string, Surroundings>): FailingPlaces {
  const failing = new Map<string, Set<string>>();
  if (elsewhere.size === 0) return failing;
  const writers = new Map<string, Set<string>>();
  const logs = [...layout.mainErrorLogs, ...layout.servers.flatMap(({ instanceId, errorLogs }) => errorLogs.map(({ path }) => ({ instanceId, path })))];
  for (const { instanceId, path } of logs) writers.set(path, (writers.get(path) ?? new Set()).add(instanceId));
  for (const { peer, samples } of groups) {
    for (const { source } of peer === undefined ? [] : samples) {
      const [only, ...others] = writers.get(source.path) ?? [];
      if (peer === undefined || only === undefined || others.length > 0) continue;
      failing.set(peer, (failing.get(peer) ?? new Set()).add(elsewhere.get(only)?.namespace ?? ''));
    }
  }
  return failing;
}

/** Addresses that the log names and the configuration on disk does not: what the running workers still use. */
function strangersIn(logged: readonly string[], layout: NginxLayout, peers: readonly Peer[], around: Surroundings): Peer[] {
  const seen = new Set([...peers.map(peer => peer.id), ...layout.groups.map(group => group.name)]);
  const strangers: Peer[] = [];
  for (const text of logged) {
    if (seen.has(text)) continue;
    seen.add(text);
    const address = parsePeer(text);
    if (address === undefined) continue;
    const listeners = around.listeners.filter(listener => listensOn(listener, address));
    const serviceId = serviceOf(address, listeners, around)?.id;
    const flags: Peer['flags'] = { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 };
    const origin = { path: '', line: 0 };
    const base = { id: text, address, groupIds: [], routeIds: [], written: text, origin, flags, local: isLocal(address, around), listeners, onlyInLog: true };
    strangers.push(serviceId === undefined ? base : { ...base, serviceId });
  }
  return strangers;
}

function parsePeer(text: string): Address | undefined {
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice(5) };
  const { host, port } = splitHostPort(text);
  return port === undefined || !isIpLiteral(host) ? undefined : { kind: 'tcp', host, port };
}

function listensOn(listener: Listener, address: Address): boolean {
  if (address.kind === 'unix') return listener.kind === 'unix' && listener.path !== undefined && runPath(listener.path) === runPath(address.path);
  if (listener.kind !== 'tcp' || listener.port !== address.port) return false;
  if (listener.host === address.host) return true;
  const v6 = address.host.includes(':');
  if (listener.host === '*') return true;
  if (listener.host === '::') return v6 || listener.v6only !== true;
  return listener.host === '0.0.0.0' && !v6;
}

function serviceOf(address: Address, listeners: readonly Listener[], { services, isStranger, namespace }: Surroundings): Service | undefined {
  const pids = new Set(listeners.flatMap(listener => listener.pids));
  const serves = (candidate: Address, port: Address): boolean => {
    if (candidate.kind === 'unix' || port.kind === 'unix')
      return candidate.kind === 'unix' && port.kind === 'unix' && runPath(candidate.path) === runPath(port.path);
    return candidate.port === port.port && (candidate.host === port.host || ['0.0.0.0', '::', '*'].includes(candidate.host));
  };
  // Pools of one master share its pid: the address decides first.
  if (listeners.length > 0) {
    const byAddress = namespace === undefined ? services.find(service => service.listening.some(listening => serves(listening, address))) : undefined;
    if (byAddress !== undefined) return byAddress;
    const byPid = services.find(service => (service.masterPid !== undefined && pids.has(service.masterPid)) || service.workerPids.some(pid => pids.has(pid)));
    if (byPid !== undefined) return byPid;
  }
  const meant = services.filter(service => service.configuredListen.some(configured => serves(configured.value, address)));
  // Two may be set up for the same address in two network namespaces; what is no application server may only ask there.
  const here = meant.filter(service => service.masterPid === undefined || !isStranger(service.masterPid));
  return here.find(service => service.kind !== 'other') ?? here[0] ?? meant[0];
}

function isLocal(address: Address, around: Surroundings): boolean {
  if (address.kind === 'unix') return true;
  if (address.host === '::1' || address.host.startsWith('127.') || address.host === '0.0.0.0' || address.host === '::') return true;
  // What listens on an address is on this host, also where that address came up only after the list was read.
  if (around.ownAddresses?.has(address.host) === true) return true;
  return around.listeners.some(listener => listener.host === address.host);
}
