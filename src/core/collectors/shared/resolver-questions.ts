import type { ErrorGroup } from '../../model/facts/logs.ts';
import type { NameResolution } from '../../model/facts/system.ts';
import type { Topology } from '../../model/facts/topology.ts';
import type { Address } from '../../model/host.ts';
import type { ProbeRequest } from '../../model/probe.ts';
import { namesAtRunTime } from '../../model/run-time-names.ts';

const timeoutMs = 2000;
const mostResolvers = 3;
const mostNames = 20;

/**
 * What is asked of name servers: of nginx's own, for the names that it resolves while it runs; of the system's, for these
 * names too, for those that the system could not resolve, and for those that nginx may have known at another address.
 */
export function resolverQuestions(topology: Topology, groups: readonly ErrorGroup[], resolutions: readonly NameResolution[]): ProbeRequest[] {
  const system = (resolutions.find(one => one.nameServers !== undefined)?.nameServers ?? []).map((host): Address => ({ kind: 'udp', host, port: 53 }));
  const atRunTime = namesAtRunTime(topology, groups).slice(0, mostNames);
  const unresolved = resolutions.filter(one => one.system.length === 0).slice(0, mostNames);
  return [
    ...atRunTime.flatMap(({ name, resolvers }) => questions(name, [...resolvers, ...system])),
    ...unresolved.flatMap(({ name }) => questions(name, system)),
    ...namesThatMoved(topology).flatMap(name => questions(name, system)),
  ];
}

/** Names with the port of an address that stands in the log alone. */
function namesThatMoved({ peers }: Topology): readonly string[] {
  const portOf = ({ address }: Topology['peers'][number]): number | undefined => (address.kind === 'tcp' ? address.port : undefined);
  const ports = new Set(peers.filter(peer => peer.onlyInLog === true).map(portOf));
  ports.delete(undefined);
  const names = peers.filter(peer => ports.has(portOf(peer))).flatMap(peer => peer.hostName ?? []);
  return [...new Set(names)].filter(name => name !== 'localhost').slice(0, mostNames);
}

function questions(name: string, resolvers: readonly Address[]): ProbeRequest[] {
  return resolvers.slice(0, mostResolvers).map(resolver => ({ kind: 'dns', resolver, name, timeoutMs }));
}
