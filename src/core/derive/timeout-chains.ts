import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Inversion, OtherProxy, TimeoutChain, TimeoutLink } from '../model/facts/timeouts.ts';
import type { Peer, Route, ServerBlock, Topology } from '../model/facts/topology.ts';
import { runPath, type Address } from '../model/host.ts';
import { backendLinks, databaseLinks, frontNginxLink, frontProxyLink, nginxLinks } from './timeout-links.ts';

/** A host with more ways than this has had enough said of it. */
const mostChains = 20_000;
const mostFronts = 8;

export default defineDerivation({
  id: 'timeout-chains',
  title: "the time limits on each location's way, side by side",
  needs: ['topology', 'services', 'php-fpm-pools', 'backend-configs', 'other-proxies', 'runtime-limits', 'host-identity'],
  derive(facts): Known<readonly TimeoutChain[]> {
    if (facts.topology.state !== 'known') return facts.topology;
    const topology = facts.topology.value;
    const limits = valueOr(facts['runtime-limits'], { php: {}, databases: [] });
    const { commands } = valueOr(facts['backend-configs'], { commands: [], files: [], unread: [] });
    const files = {
      pools: valueOr(facts['php-fpm-pools'], { pools: [], unread: [], globals: {} }).pools,
      commands: new Map(commands.flatMap(command => (command.of.kind === 'process' ? [[command.of.pid, command] as const] : []))),
      php: limits.php,
    };
    const services = new Map(valueOr(facts.services, []).map(service => [service.id, service]));
    const own = facts['host-identity'].state === 'known' ? (facts['host-identity'].value.addresses ?? []) : [];
    const fronts = frontsOf(topology, services, valueOr(facts['other-proxies'], []), new Set(own));
    const groups = new Map(topology.groups.map(group => [group.id, group]));
    const peers = new Map(topology.peers.map(peer => [peer.id, peer]));
    const database = databaseLinks(limits.databases);
    const byRoute = new Map<string, Peer[]>();
    for (const peer of topology.peers)
      for (const routeId of peer.routeIds) {
        const same = byRoute.get(routeId);
        if (same === undefined) byRoute.set(routeId, [peer]);
        else same.push(peer);
      }

    const chains: TimeoutChain[] = [];
    for (const route of topology.routes) {
      const group = route.groupId === undefined ? undefined : groups.get(route.groupId);
      const members = (group?.peerIds ?? []).flatMap(id => peers.get(id) ?? []);
      const outer = [...(fronts.get(route.serverId)?.(route) ?? []), ...nginxLinks(route, group, members)];
      const bare = { links: outer, inversions: inversionsOf(outer) };
      for (const peer of byRoute.get(route.id) ?? []) {
        if (chains.length >= mostChains) break;
        const service = peer.serviceId === undefined ? undefined : services.get(peer.serviceId);
        const inner = service === undefined ? [] : backendLinks(service, route, peer, files);
        // Only what computes here asks a database of this host; a proxy does not.
        const last = service === undefined || proxies.has(service.kind) ? [] : database;
        const links = inner.length + last.length === 0 ? outer : [...outer, ...inner, ...last];
        chains.push({ routeId: route.id, peerId: peer.id, ...(links === outer ? bare : { links, inversions: inversionsOf(links) }) });
      }
    }
    return known(chains);
  },
});

const proxies: ReadonlySet<Service['kind']> = new Set(['nginx', 'haproxy']);

/**
 * Outer links that give up before an inner one. Each is held against the first link behind it that goes on for longer, as far as
 * none between them ends the request before. Of nginx behind another proxy only what a person wrote counts: its 60 seconds by
 * default say nothing of what a page may take.
 */
export function inversionsOf(links: readonly TimeoutLink[]): Inversion[] {
  return links.flatMap((outer, at): Inversion[] => {
    if (outer.ms <= 0 || outer.counts !== 'silence') return [];
    const behind = links.slice(at + 1).filter(link => isBehind(outer, link));
    const inner = firstLonger(outer, behind);
    return inner === undefined ? [] : [{ outer, inner }];
  });
}

function firstLonger(outer: TimeoutLink, behind: readonly TimeoutLink[]): TimeoutLink | undefined {
  let tries: TimeoutLink | undefined;
  for (const link of behind) {
    if (link.ms <= 0 || !ends.has(link.counts)) continue;
    if (link.counts === 'tries') {
      tries = link.isSet && link.ms > outer.ms ? link : undefined;
    } else if (link.ms <= outer.ms) {
      // Time of computing may last for ever on the clock, so it ends nothing for sure.
      if (link.counts !== 'cpu') return tries;
    } else if (link.isSet || (link.part === 'backend' && link.counts === 'request')) return link;
  }
  return tries;
}

/** Limits after which a request is given up or killed. */
const ends: ReadonlySet<TimeoutLink['counts']> = new Set(['silence', 'request', 'tries', 'cpu']);

/** Two fronts stand side by side; a router within the backend stands before its workers. */
function isBehind(outer: TimeoutLink, link: TimeoutLink): boolean {
  if (outer.part === 'front') return link.part !== 'front';
  return outer.part !== 'nginx' || link.part === 'backend';
}

type Fronts = ReadonlyMap<string, (route: Route) => TimeoutLink[]>;

/** What stands in front of each server block on this host: by its id, the links for one of its locations. */
function frontsOf(topology: Topology, services: ReadonlyMap<string, Service>, others: readonly OtherProxy[], own: ReadonlySet<string>): Fronts {
  const found = new Map<string, ((route: Route) => TimeoutLink[])[]>();
  const add = (server: ServerBlock, front: (route: Route) => TimeoutLink[]): void => {
    const list = found.get(server.id) ?? [];
    if (list.length < mostFronts) found.set(server.id, [...list, front]);
  };
  const byPort = new Map<string, ServerBlock[]>();
  for (const server of topology.servers)
    for (const { address } of server.listens) {
      const same = byPort.get(portOf(address)) ?? [];
      if (!same.includes(server)) byPort.set(portOf(address), [...same, server]);
    }
  const serversAt = (address: Address): readonly ServerBlock[] =>
    (byPort.get(portOf(address)) ?? []).filter(server => server.listens.some(listen => takes(listen.address, address)));

  const routes = new Map(topology.routes.map(route => [route.id, route]));
  const siblings = new Map<string, Route[]>();
  for (const route of topology.routes) siblings.set(route.serverId, [...(siblings.get(route.serverId) ?? []), route]);
  for (const peer of topology.peers) {
    const kind = peer.serviceId === undefined ? undefined : services.get(peer.serviceId)?.kind;
    if (!peer.local || peer.flags.down || (kind !== undefined && kind !== 'nginx')) continue;
    const behind = serversAt(peer.address);
    if (behind.length === 0) continue;
    for (const front of peer.routeIds.flatMap(id => routes.get(id) ?? [])) {
      const server = serverFor(front, behind, topology);
      if (server === undefined || server.id === front.serverId) continue;
      add(server, route => (leadsThrough(front, route, siblings.get(front.serverId) ?? []) ? frontNginxLink(front, peer.id) : []));
    }
  }
  for (const pass of others.flatMap(other => other.passes))
    for (const target of pass.targets)
      if (isHere(target.address, own))
        for (const server of serversAt(target.address)) add(server, route => (fits(pass.path, route) ? [frontProxyLink(pass, target)] : []));
  return new Map([...found].map(([id, list]) => [id, route => unique(list.flatMap(front => front(route)))]));
}

/** Of several server blocks on one address the one that takes the front's Host header; the default one where none does. */
function serverFor(front: Route, behind: readonly ServerBlock[], topology: Topology): ServerBlock | undefined {
  if (behind.length === 1) return behind[0];
  const header = front.headers.findLast(one => one.args[0]?.toLowerCase() === 'host')?.args[1] ?? '$proxy_host';
  const names =
    header === '$host' || header === '$http_host' || header === '$server_name'
      ? (topology.servers.find(server => server.id === front.serverId)?.names ?? [])
      : [header === '$proxy_host' ? (/^[a-z]+:\/\/([^:/]+)/.exec(front.target)?.[1] ?? '') : header.replace(/:\d+$/, '')];
  return (
    behind.find(server => server.names.some(name => names.includes(name))) ?? behind.find(server => server.listens.some(one => one.defaultServer)) ?? behind[0]
  );
}

/** A request for the inner location comes through this location of the front, as far as prefixes tell. */
function leadsThrough(front: Route, route: Route, siblings: readonly Route[]): boolean {
  // A path behind the address takes the place of the location's prefix, and the paths can no longer be compared.
  const isRewritten = /^[a-z]+:\/\/[^/]+\/./.test(front.target);
  const path = route.samplePath;
  if (siblings.length === 1 || isRewritten || path === undefined) return true;
  const fitting = siblings.filter(one => one.samplePath !== undefined && path.startsWith(one.samplePath));
  const longest = Math.max(-1, ...fitting.map(one => one.samplePath?.length ?? 0));
  return fitting.some(one => one.id === front.id && one.samplePath?.length === longest);
}

function fits(path: string | undefined, route: Route): boolean {
  const own = route.samplePath ?? '/';
  return path === undefined || own.startsWith(path) || path.startsWith(own);
}

function unique(links: readonly TimeoutLink[]): TimeoutLink[] {
  return [...new Map(links.map(link => [`${link.who} ${link.source} ${link.ms}`, link])).values()];
}

function portOf(address: Address): string {
  return address.kind === 'unix' ? runPath(address.path) : String(address.port);
}

function takes(listen: Address, peer: Address): boolean {
  if (listen.kind === 'unix' || peer.kind === 'unix') return listen.kind === 'unix' && peer.kind === 'unix' && runPath(listen.path) === runPath(peer.path);
  return listen.port === peer.port && (listen.host === peer.host || anywhere.has(listen.host) || (isLoopbackName(listen.host) && isLoopbackName(peer.host)));
}

const anywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]', '*']);

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '127.0.0.1';
}

/** An address of another host may have a port that this nginx listens on. */
function isHere(address: Address, own: ReadonlySet<string>): boolean {
  return address.kind === 'unix' || isLoopbackName(address.host) || address.host.startsWith('127.') || own.has(address.host);
}
