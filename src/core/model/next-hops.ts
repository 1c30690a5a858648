import type { Hop } from './facts/hop.ts';
import type { ServerBlock, Symptom, Topology } from './facts/topology.ts';
import type { Address } from './host.ts';

/** Where a peer is itself an nginx of this host: the server blocks behind it, and what they pass requests to. */
export interface NextHops {
  readonly servers: readonly ServerBlock[];
  readonly hops: readonly Hop[];
}

/** A chain of proxies on one host is short; a configuration that goes in circles must not be followed for ever. */
const maxDepth = 5;

/** The hops behind an nginx on this host that is the peer of another, all the way to those that are no nginx. */
export function nextHops(hop: Hop, hops: readonly Hop[], topology: Topology): NextHops {
  const servers = new Set<ServerBlock>();
  const found = new Set<Hop>();
  let front: readonly Hop[] = [hop];
  for (let depth = 0; depth < maxDepth && front.length > 0; depth++) {
    const behind = front.flatMap(one => serversAt(one, topology));
    for (const server of behind) servers.add(server);
    const ids = new Set(behind.map(server => server.id));
    front = hops.filter(one => one !== hop && !found.has(one) && one.routes.some(route => ids.has(route.serverId)));
    for (const one of front) found.add(one);
  }
  return { servers: [...servers], hops: [...found] };
}

/** Something is wrong with it: requests fail there, or it does not answer in its own protocol. */
export function isInTrouble(hop: Hop): boolean {
  return hop.symptoms.length > 0 || hop.groupSymptoms.length > 0;
}

/** Symptoms whose log lines come from one of these server blocks and not from the peer in front of them. */
export function symptomsBehind(servers: readonly ServerBlock[], symptoms: readonly Symptom[]): readonly Symptom[] {
  const names = new Set(servers.flatMap(server => server.names));
  return symptoms.filter(symptom => symptom.errorGroups.some(group => group.server !== undefined && group.server !== '' && names.has(group.server)));
}

function serversAt(hop: Hop, topology: Topology): readonly ServerBlock[] {
  if (!hop.peer.local) return [];
  if (hop.service !== undefined && hop.service.kind !== 'nginx') return [];
  return topology.servers.filter(server => server.listens.some(listen => takes(listen.address, hop.peer.address)));
}

function takes(listen: Address, peer: Address): boolean {
  if (listen.kind === 'unix' || peer.kind === 'unix') return listen.kind === 'unix' && peer.kind === 'unix' && listen.path === peer.path;
  if (listen.port !== peer.port) return false;
  return (
    listen.host === peer.host ||
    ['0.0.0.0', '::', '[::]', '*'].includes(listen.host) ||
    (listen.host === 'localhost' && (peer.host === '127.0.0.1' || peer.host === '::1'))
  );
}
