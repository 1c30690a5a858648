import type { AccessGroup, ErrorGroup, MessageClass, NginxAccessLog } from './facts/logs.ts';
import type { NginxConfig } from './facts/nginx.ts';
import type { Peer, ServerBlock, Topology } from './facts/topology.ts';
import { pathAtPeer, routeTaking, type TakenBy } from './nginx-locations.ts';
import { soundsLikeSocket } from './socket-words.ts';
import { forwardingOf, type Forwarding } from './upgrade-headers.ts';

/** Requests for one URL that may have been the openings of WebSockets, at a location that does not pass such on whole. */
export interface UpgradeCandidate {
  readonly taken: TakenBy;
  readonly config: NginxConfig;
  readonly server: ServerBlock;
  readonly forwarding: Forwarding;
  readonly peer: Peer;
  readonly urlTemplate: string;
  /** The path and query at the peer. */
  readonly uri: string;
  /** Refused by the backend, which is no failure in itself. */
  readonly refused: readonly AccessGroup[];
  readonly count: number;
  /** The log says of one of them that the client asked for a WebSocket. */
  readonly isAsked: boolean;
  /** The log does not tell which of several servers took the requests, and another of them passes an upgrade on. */
  readonly isWholeElsewhere: boolean;
}

export interface CandidateView {
  readonly topology: Topology;
  readonly configs: readonly NginxConfig[];
  readonly access: NginxAccessLog;
  readonly errors: readonly ErrorGroup[];
}

/** How a peer ends a connection on which it gets something that it cannot use. */
const cut: ReadonlySet<MessageClass> = new Set(['premature-close', 'reset', 'read-timeout']);
const failed: ReadonlySet<number> = new Set([500, 501, 502, 503, 504]);
const mostSeen = 60;
const mostCandidates = 12;
const longestUri = 2048;

/** What one URL was asked for, and by which server. */
interface Asked {
  readonly urlTemplate: string;
  readonly uri: string;
  readonly servers: readonly ServerBlock[];
  readonly peerId: string | undefined;
  readonly count: number;
  readonly refused: AccessGroup | undefined;
  readonly isAsked: boolean;
}

/** The candidates, those with the most requests first. */
export function upgradeCandidates(view: CandidateView): readonly UpgradeCandidate[] {
  const asked = [...refusedOf(view), ...cutOf(view)].toSorted((a, b) => Number(b.isAsked) - Number(a.isAsked) || b.count - a.count).slice(0, mostSeen);
  const byKey = new Map<string, UpgradeCandidate>();
  for (const one of asked) {
    for (const candidate of candidatesFor(one, view)) {
      const key = `${candidate.taken.route.id} ${candidate.urlTemplate}`;
      const known = byKey.get(key);
      if (known !== undefined) {
        const isAsked = known.isAsked || candidate.isAsked;
        byKey.set(key, { ...known, refused: [...known.refused, ...candidate.refused], count: known.count + candidate.count, isAsked });
      } else if (byKey.size < mostCandidates) byKey.set(key, candidate);
    }
  }
  return [...byKey.values()];
}

function refusedOf({ access, topology }: CandidateView): readonly Asked[] {
  return (access.refused ?? []).flatMap(group => {
    const uri = group.samples.flatMap(sample => sample.uri ?? []).at(-1);
    if (uri === undefined || group.urlTemplate === undefined) return [];
    const servers = serversOf(group.host, group.path, topology);
    const isAsked = group.upgrade === true;
    return [{ urlTemplate: group.urlTemplate, uri, servers, peerId: group.peer, count: group.count, refused: group, isAsked }];
  });
}

/** Requests that a backend ended without an answer or with an error of its own. */
function cutOf({ access, errors, topology }: CandidateView): readonly Asked[] {
  const closed = errors.flatMap((group): readonly Asked[] => {
    const uri = group.samples.flatMap(sample => sample.uri ?? []).at(-1);
    if (!cut.has(group.class) || group.method !== 'GET' || group.subrequest || uri === undefined || group.urlTemplate === undefined) return [];
    const named = topology.servers.filter(server => group.server !== undefined && server.names.includes(group.server));
    const servers = named.length > 0 ? named : topology.servers;
    return [{ urlTemplate: group.urlTemplate, uri, servers, peerId: group.peer, count: group.count, refused: undefined, isAsked: false }];
  });
  const answered = access.failing.flatMap((group): readonly Asked[] => {
    const { urlTemplate } = group;
    // The path stands in the template where nothing was left out of it.
    const isWhole = urlTemplate !== undefined && !/[{…]/.test(urlTemplate);
    if (!failed.has(group.status) || group.method !== 'GET' || !isWhole || group.madeBy === 'client') return [];
    const servers = serversOf(group.host, group.path, topology);
    return [{ urlTemplate, uri: urlTemplate, servers, peerId: group.peer, count: group.count, refused: undefined, isAsked: group.upgrade === true }];
  });
  return [...closed, ...answered];
}

/** Servers that write to this log, and of these those with the name that was asked for where it is known. */
function serversOf(host: string | undefined, log: string, topology: Topology): readonly ServerBlock[] {
  const writing = topology.servers.filter(server => server.accessLogs.some(one => one.path === log));
  const name = host?.split(':')[0]?.toLowerCase();
  const named = name === undefined ? [] : writing.filter(server => server.names.some(one => one.toLowerCase() === name));
  return named.length > 0 ? named : writing.length > 0 ? writing : topology.servers;
}

function candidatesFor(asked: Asked, { topology, configs }: CandidateView): readonly UpgradeCandidate[] {
  const path = asked.uri.split('?')[0] ?? '';
  if (!path.startsWith('/') || asked.uri.length > longestUri || path.includes('..') || /[\s\0]/.test(asked.uri)) return [];
  const places = asked.servers.flatMap(server => {
    const config = configs.find(one => one.instanceId === server.instanceId);
    const taken = config === undefined ? undefined : routeTaking(config, server, topology, path);
    if (config === undefined || taken?.route.pass !== 'proxy') return [];
    const peer = peerFor(taken, asked.peerId, topology);
    return peer === undefined ? [] : [{ server, config, taken, peer, forwarding: forwardingOf(taken.route, taken.blocks, config) }];
  });
  const isWholeElsewhere = places.some(({ forwarding }) => forwarding.isUnknown || forwarding.missing.length === 0);
  return places.flatMap(place => {
    const { taken, forwarding } = place;
    if (forwarding.isUnknown || forwarding.missing.length === 0) return [];
    // What fails for any of a hundred reasons is in question only where something speaks of a WebSocket.
    if (asked.refused === undefined && !asked.isAsked && !forwarding.isMeant && !soundsLikeSocket(path)) return [];
    const uri = pathAtPeer(taken, asked.uri);
    if (uri === undefined) return [];
    const { urlTemplate, count, isAsked } = asked;
    const refused = asked.refused === undefined ? [] : [asked.refused];
    return [{ ...place, urlTemplate, uri: withoutSession(uri), refused, count, isAsked, isWholeElsewhere }];
  });
}

/** The peer that the log names; without one, the first in use that listens or is elsewhere. */
function peerFor({ route }: TakenBy, peerId: string | undefined, { peers }: Topology): Peer | undefined {
  const own = peers.filter(peer => peer.routeIds.includes(route.id) && !peer.flags.down && (!peer.local || peer.listeners.length > 0));
  return peerId === undefined ? (own.find(peer => !peer.flags.backup) ?? own[0]) : own.find(peer => peer.id === peerId);
}

/** Socket.IO takes a WebSocket without a session as a new one; a session of the log is over. */
function withoutSession(uri: string): string {
  const [path = '', query] = uri.split('?', 2);
  if (query === undefined || !query.split('&').includes('transport=websocket')) return uri;
  return `${path}?${query
    .split('&')
    .filter(part => !part.startsWith('sid='))
    .join('&')}`;
}
