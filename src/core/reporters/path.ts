import type { Finding } from '../model/finding.ts';
import type { Peer, Route, ServerBlock, UpstreamGroup } from '../model/facts/topology.ts';
import type { Report, ReportLayer, ReportTopology } from '../model/report.ts';

/** One stop of a request. */
export interface Hop {
  readonly text: string;
  readonly bad: boolean;
}

type HopKind = 'client' | 'nginx' | 'route' | 'upstream' | 'peer' | 'service';

interface Way {
  readonly server: ServerBlock | undefined;
  readonly route: Route | undefined;
  readonly group: UpstreamGroup | undefined;
  readonly peer: Peer | undefined;
}

/** The way of the requests that the finding breaks, from the client on, with the bad hop marked. Empty for a host-wide finding without peers. */
export function drawPath(report: Report, finding: Finding): readonly Hop[] {
  const { subject } = finding;
  if (report.topology.layers !== undefined) return drawLayers(report.topology.layers, finding);
  const way = findWay(report, finding);
  const bad = badKind(finding, way);
  const service = serviceName(report.topology, finding, way.peer, bad);
  const hops: (readonly [HopKind, string])[] = [['client', 'client']];
  hops.push(['nginx', nginxText(way.server)]);
  if (bad === 'route') hops.push(['route', way.route?.location ?? subject.name]);
  if (way.group?.explicit || (bad === 'upstream' && !way.group)) hops.push(['upstream', `upstream ${way.group?.name ?? subject.name}`]);
  const peer = way.peer ? peerText(way.peer, finding, report.topology) : bad === 'peer' ? subject.name : undefined;
  if (peer !== undefined) hops.push(['peer', peer]);
  if (service !== undefined) hops.push(['service', service]);
  return hops.map(([kind, text]) => ({ text, bad: kind === bad }));
}

/** The hops that an answer showed. What failed before anything answered stands behind those that did. */
function drawLayers(layers: readonly ReportLayer[], { subject, fault }: Finding): readonly Hop[] {
  const at = layers.findIndex(each => each.id === subject.id);
  const hops = layers.slice(0, at < 0 ? 0 : at + 1).map(({ id, name }) => ({ text: name, bad: id === subject.id }));
  // An answer that was had past the others, from the origin, stands behind those that are known.
  const before = at < 0 && fault === 'error-answer' ? layers.filter(each => each.role !== 'unknown').map(({ name }) => ({ text: name, bad: false })) : [];
  return [{ text: 'client', bad: false }, ...(at < 0 ? [...before, { text: subject.name, bad: true }] : hops)];
}

/** Every way through nginx, one a peer, for the whole picture. */
export function listWays(topology: ReportTopology): readonly (readonly string[])[] {
  return topology.routes.flatMap(route => {
    const server = topology.servers.find(each => each.id === route.serverId);
    const start = [nginxText(server), route.location];
    const group = topology.groups.find(each => each.id === route.groupId);
    if (!group) return [[...start, route.target]];
    return group.peerIds.map(id => {
      const peer = topology.peers.find(each => each.id === id);
      const service = topology.services.find(each => each.id === peer?.serviceId);
      return [...start, ...(group.explicit ? [`upstream ${group.name}`] : []), id, ...(service ? [service.name] : [])];
    });
  });
}

function findWay({ topology, symptoms }: Report, { subject, symptoms: explained }: Finding): Way {
  const names = new Set([subject.id, ...subject.peers]);
  const peer = topology.peers.find(each => names.has(each.id)) ?? topology.peers.find(each => each.serviceId === subject.id);
  const group =
    topology.groups.find(each => (names.has(each.name) || names.has(each.id)) && (!peer || each.peerIds.includes(peer.id))) ??
    topology.groups.find(each => peer?.groupIds.includes(each.id));
  const routes = topology.routes.filter(
    each => each.id === subject.id || (peer !== undefined && peer.routeIds.includes(each.id)) || (group !== undefined && each.groupId === group.id),
  );
  // The server that most failing requests were for comes first.
  const failing = symptoms.filter(each => explained.includes(each.id)).toSorted((a, b) => b.count - a.count);
  const asked = failing.find(each => each.server !== undefined)?.server;
  const serverOf = (route: Route): ServerBlock | undefined => topology.servers.find(each => each.id === route.serverId);
  const route = routes.find(each => each.id === subject.id) ?? routes.find(each => asked !== undefined && serverOf(each)?.names.includes(asked)) ?? routes[0];
  const server = topology.servers.find(each => each.id === subject.id) ?? (route && serverOf(route));
  const named = peer ?? topology.peers.find(each => group?.peerIds.includes(each.id));
  return { server, route, group, peer: subject.kind === 'nginx' || subject.kind === 'server' ? peer : named };
}

function badKind({ subject, layer }: Finding, { group, peer }: Way): HopKind {
  switch (subject.kind) {
    case 'nginx':
    case 'server':
      return 'nginx';
    case 'route':
      return 'route';
    case 'upstream':
      // An implicit group is nothing but its address.
      return group !== undefined && !group.explicit && peer !== undefined ? 'peer' : 'upstream';
    case 'peer':
      return 'peer';
    case 'service':
    case 'unit':
    case 'process':
      return 'service';
    case 'file':
    case 'host':
      return layer === 'nginx' || (!peer && subject.peers.length === 0) ? 'nginx' : 'peer';
  }
}

function nginxText(server: ServerBlock | undefined): string {
  if (!server) return 'nginx';
  const listen = server.listens.find(each => each.tls) ?? server.listens[0];
  const port = listen && (listen.address.kind === 'unix' ? ` unix:${listen.address.path}` : ` :${listen.address.port}`);
  const name = server.names.find(each => each !== '' && each !== '_');
  return `nginx${port ?? ''}${name === undefined ? '' : ` (${name})`}`;
}

function peerText(peer: Peer, { subject }: Finding, topology: ReportTopology): string {
  const others = subject.peers.filter(id => id !== peer.id && topology.peers.some(each => each.id === id)).length;
  const written = peer.hostName !== undefined && peer.written !== peer.id ? ` (${peer.hostName})` : '';
  return `${peer.id}${written}${others > 0 ? ` and ${others} more` : ''}`;
}

function serviceName(topology: ReportTopology, { subject }: Finding, peer: Peer | undefined, bad: HopKind): string | undefined {
  if (bad === 'service') return subject.name;
  return topology.services.find(each => each.id === peer?.serviceId)?.name;
}
