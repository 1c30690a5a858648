import type { Service } from '../../model/facts/backend.ts';
import type { ErrorGroup, MessageClass } from '../../model/facts/logs.ts';
import type { Route, Topology } from '../../model/facts/topology.ts';
import { formatAddress, type Address } from '../../model/host.ts';
import { answersAsAsked, saysPlainToTls, type ProbeAnswer, type ProbeRequest, type ProbeResult } from '../../model/probe.ts';
import { cgiParams, fastcgiScript, hostHeaderOf, serverNameOf } from './peer-questions.ts';

/** How many rounds of questions there are: the likely protocol first, as a worker may hang on each wrong one. */
export const furtherStages = 3;

// What speaks the protocol answers at once.
const timeoutMs = 1500;

/** Messages after which a peer that was only connected to is asked what it speaks. */
const strangeClasses: ReadonlySet<MessageClass> = new Set<MessageClass>([
  'reset',
  'premature-close',
  'protocol-error',
  'no-valid-header',
  'invalid-header',
  'read-timeout',
]);

/** One stage's questions to the peers that took the connection and did not answer as they were asked. */
export function furtherQuestions(
  stage: number,
  first: readonly ProbeResult[],
  more: readonly ProbeResult[],
  topology: Topology,
  groups: readonly ErrorGroup[],
  services: readonly Service[] = [],
): ProbeRequest[] {
  const byAddress = new Map<string, ProbeResult[]>();
  for (const result of first) {
    if (result.request.kind === 'dns') continue;
    const id = formatAddress(result.request.address);
    byAddress.set(id, [...(byAddress.get(id) ?? []), result]);
  }
  return [...byAddress].flatMap(([id, own]) => {
    const peer = topology.peers.find(one => one.id === id);
    const route = topology.routes.find(one => peer?.routeIds.includes(one.id));
    const known = more.filter(result => result.request.kind !== 'dns' && formatAddress(result.request.address) === id);
    const strange = own.find(result => isStrange(result, id, groups));
    if (peer === undefined || route === undefined || strange === undefined) return [];
    const service = services.find(one => one.id === peer.serviceId);
    if (service !== undefined && isJustSilent(strange, service)) return [];
    const names = namesOf(route, topology, serverNameOf(route, peer));
    return questions(stage, strange, known, { address: peer.address, hostHeader: hostHeaderOf(route, topology), names });
  });
}

interface Place {
  readonly address: Address;
  readonly hostHeader: string;
  /** Names that a TLS server there may want. */
  readonly names: readonly string[];
}

function questions(stage: number, own: ProbeResult, known: readonly ProbeResult[], place: Place): ProbeRequest[] {
  const { address, hostHeader } = place;
  const spoken = own.outcome.state === 'answered' ? own.outcome.speaks : undefined;
  const http: ProbeRequest = { kind: 'http', address, path: '/', hostHeader, timeoutMs };
  const tls: ProbeRequest = { kind: 'tls', address, timeoutMs };
  const fastcgi: ProbeRequest = { ...fastcgiScript(address), timeoutMs };
  const uwsgi: ProbeRequest = { kind: 'uwsgi', address, params: cgiParams('/', hostHeader), timeoutMs };
  const asked = own.request.kind;
  const secure = spoken === 'tls' || (own.outcome.state === 'answered' && saysPlainToTls(own.outcome.answer.head));
  if (secure) return stage === 0 ? handshakes(own.request, place) : [];
  if (spoken === 'http') return stage === 0 ? [http] : [];
  if (known.some(answersAsAsked) || known.some(result => result.outcome.state === 'answered' && result.outcome.speaks === 'tls')) return [];
  const likely = asked === 'http' ? [tls, fastcgi, uwsgi] : [http];
  // Who wants a server name closes without one; who says nothing to anybody hangs.
  const unlikely = asked !== 'http' ? [tls, fastcgi, uwsgi] : own.outcome.state === 'closed' ? handshakes(own.request, place) : [];
  // uWSGI takes the ping for the start of a long packet, so it comes last, and only where the connection was closed.
  const last: ProbeRequest[] = own.outcome.state === 'closed' || asked === 'connect' ? [{ kind: 'ajp', address, timeoutMs }] : [];
  return ([likely, unlikely, last][stage] ?? []).filter(request => request.kind !== asked || request.kind === 'tls');
}

/** What tells the reasons of a refused handshake apart: the name, and the version. */
function handshakes(own: ProbeRequest, { address, names }: Place): ProbeRequest[] {
  const judge = own.kind === 'tls' && own.caFile !== undefined ? { caFile: own.caFile } : {};
  // Without a name in the handshake nginx goes on to judge by the one it expects.
  const unnamed = own.kind === 'tls' && own.verifyName !== undefined ? { ...judge, verifyName: own.verifyName } : judge;
  const named = names.map(serverName => ({ kind: 'tls', address, serverName, ...judge, timeoutMs }) as const);
  const versions = (['TLSv1.2', 'TLSv1.3'] as const).flatMap(version =>
    [unnamed, ...names.slice(0, 1).map(serverName => ({ ...judge, serverName }))].map(name => ({ kind: 'tls', address, ...name, version, timeoutMs }) as const),
  );
  return [{ kind: 'tls', address, ...unnamed, timeoutMs }, ...named, ...(own.kind === 'tls' ? versions : [])];
}

/** At most three: the name nginx would send, the Host header that it does send, and the server's own. */
function namesOf(route: Route, topology: Topology, own: string): string[] {
  const names = [own, hostHeaderOf(route, topology).split(':')[0] ?? '', ...(topology.servers.find(server => server.id === route.serverId)?.names ?? [])];
  return [...new Set(names)].filter(name => /^(?!\d+(?:\.\d+){3}$)[\w-]+(?:\.[\w-]+)*$/.test(name) && name !== '_').slice(0, 3);
}

/** Its processes tell that it speaks just that: it is busy or hangs, and another question would only wait as long. */
function isJustSilent({ request, outcome }: ProbeResult, { kind, speaks }: Service): boolean {
  return outcome.state === 'no-answer' && kind !== 'other' && speaks !== undefined && speaks === request.kind;
}

function isStrange(result: ProbeResult, id: string, groups: readonly ErrorGroup[]): boolean {
  const { request, outcome } = result;
  if (request.kind === 'connect') return outcome.state === 'connected' && groups.some(group => group.peer === id && strangeClasses.has(group.class));
  if (request.kind === 'uwsgi' && outcome.state === 'answered' && outcome.speaks === 'http') return true;
  if (request.kind === 'tls' && outcome.state === 'answered' && isRefusedInside(request, outcome.answer)) return true;
  return (outcome.state === 'closed' || outcome.state === 'no-answer' || outcome.state === 'answered') && !answersAsAsked(result);
}

/** The handshake was done, and nginx or the server would still not go on: the certificate does not pass, or another host answered. */
function isRefusedInside(request: Extract<ProbeRequest, { kind: 'tls' }>, answer: ProbeAnswer): boolean {
  const { tls } = answer;
  return tls?.error !== undefined || (request.caFile !== undefined && tls?.verify !== 'OK') || answer.status === 421;
}
