import { pendingConfigs } from './config-in-force.ts';
import type { Hop } from './facts/hop.ts';
import type { FoundBackend } from './facts/lost-peer.ts';
import type { Topology } from './facts/topology.ts';
import type { Facts } from './facts.ts';
import { formatAddress } from './host.ts';
import type { ProbeResult } from './probe.ts';

/** That nothing is known which should listen says something only where it could be known. */
export function isSeen(facts: Pick<Facts, 'processes' | 'systemd-units' | 'managed-programs'>): boolean {
  const { processes, 'systemd-units': units, 'managed-programs': programs } = facts;
  const isThere = [processes, units, programs].every(fact => fact.state === 'known' || fact.state === 'absent');
  return isThere && (processes.state !== 'known' || processes.problems === undefined);
}

/** Names in the configuration that nginx asks at the port of that address. */
export function namesWithPort({ peer }: Hop, hops: readonly Hop[]): readonly string[] {
  const { address } = peer;
  const named = hops.filter(other => address.kind === 'tcp' && other.peer.address.kind === 'tcp' && other.peer.address.port === address.port);
  return [...new Set(named.flatMap(other => other.peer.hostName ?? []))];
}

/** Addresses of nobody's route that badhop tried and was not let into. */
export function closedTo(probes: readonly ProbeResult[], hops: readonly Hop[]): readonly string[] {
  const own = new Set(hops.map(hop => hop.peer.id));
  const closed = probes.flatMap(({ request, outcome }) =>
    request.kind !== 'dns' && outcome.state === 'connect-failed' && ['EACCES', 'EPERM'].includes(outcome.code) ? [formatAddress(request.address)] : [],
  );
  return [...new Set(closed)].filter(address => !own.has(address));
}

/** Who holds a socket is not always known; where nginx itself listens its configuration tells. */
export function isNginx({ service, address }: FoundBackend, topology: Topology | undefined): boolean {
  if (service !== undefined || address.kind === 'unix') return service?.kind === 'nginx';
  const listens = topology?.servers.flatMap(server => server.listens) ?? [];
  return listens.some(listen => listen.address.kind === 'tcp' && listen.address.port === address.port);
}

/** An address that only the configuration in memory still has: that nobody listens there is as it should be. */
export function isLeftOver(facts: Pick<Facts, 'nginx-instances' | 'nginx-config' | 'topology'> & { readonly hops: readonly Hop[] }, address: string): boolean {
  const { 'nginx-instances': instances, 'nginx-config': configs, topology, hops } = facts;
  if (instances.state !== 'known' || configs.state !== 'known' || topology.state !== 'known') return false;
  const pending = pendingConfigs({ instances: instances.value, configs: configs.value, topology: topology.value, hops, listeners: undefined });
  return pending.some(one => one.differences.some(difference => difference.kind === 'address' && difference.peers.includes(address)));
}
