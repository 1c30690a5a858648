import { ask, askAll, defineCollector, type Request } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { ErrorGroup } from '../model/facts/logs.ts';
import type { PathSizes, SizedQuestion, TcpTransfer } from '../model/facts/network.ts';
import type { Peer, Route, Topology } from '../model/facts/topology.ts';
import type { ExecResult } from '../model/host.ts';
import type { ProbeRequest, ProbeResult } from '../model/probe.ts';
import { parseIpMtu } from '../parsers/ip-route.ts';
import { parseSsTransfers } from '../parsers/ss-tcp-info.ts';
import { cgiParams, fastcgiScript, hostHeaderOf } from './shared/peer-questions.ts';
import { isLate, timedOutPage } from './shared/slow-pages.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** What stands in front of the packets' payload: IP and TCP with the timestamps that every system sends. */
const headerBytes = { v4: 52, v6: 72 } as const;
/** Ethernet with and without jumbo frames, PPPoE, GRE, VXLAN, WireGuard, IPsec, the least of IPv6, and two that every path carries. */
const sizes = [9000, 4000, 1500, 1492, 1476, 1450, 1420, 1400, 1360, 1320, 1280, 1000, 600] as const;
/** Servers take at least 8 KiB of a request; a link with a larger MTU than this is not searched. */
const largestMtu = 15_000;
const beyondMtu = 400;
const mostPeers = 3;
/** A lost packet is sent again after 0.2, 0.6 and 1.4 s: in this time mere loss does not hide an answer. */
const fullTimeoutMs = 1700;
const smallTimeoutMs = 1000;
/** Of the sizes between, once a full one was lost: one packet sent again is enough. */
const leastSizedTimeoutMs = 600;
const mostQuestions = 9;
const smallPath = '/badhop-asks-for-a-small-answer';
const options = { timeoutMs: 2000, maxBytes: 262_144 } as const;

export default defineCollector({
  id: 'path-sizes',
  title: 'sizes of packets that reach backends on other hosts',
  // Not the probes: what they wait for would be waited for twice.
  needs: ['topology', 'nginx-error-log'],
  *collect(facts, context) {
    const topology = valueOr(facts.topology, undefined);
    if (topology === undefined) return known([]);
    const groups = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
    const found: PathSizes[] = [];
    for (const peer of stalledPeers(topology, groups)) {
      const path = yield* pathTo(peer);
      const asked = context.probing ? yield* askSizes(peer, topology, groups, path.mtu) : { asked: [] };
      // What a router said in answer to the questions is there only now.
      const learned = yield* learnedMtu(peer);
      const { page } = asked;
      const again = learned === undefined || page === undefined || page.outcome.state === 'closed' ? undefined : yield* askAgain(page);
      found.push({ peerId: peer.id, ...path, ...asked, ...(learned === undefined ? {} : { learned }), ...(again === undefined ? {} : { pageAgain: again }) });
    }
    return known(found);
  },
});

/** Peers on other hosts on which nginx gave up after it was connected; one for each host. */
function stalledPeers(topology: Topology, groups: readonly ErrorGroup[]): readonly Peer[] {
  const hosts = new Set<string>();
  return topology.peers
    .filter(({ id, address, local, flags, routeIds, namespace }) => {
      if (
        address.kind !== 'tcp' ||
        local ||
        flags.down ||
        namespace !== undefined ||
        routeIds.length === 0 ||
        hosts.has(address.host) ||
        !isAddress(address.host)
      )
        return false;
      if (!groups.some(group => group.peer === id && isLate(group))) return false;
      hosts.add(address.host);
      return true;
    })
    .slice(0, mostPeers);
}

// Interfaces (`fe80::1%eth0`) are not for `ip route get`.
function isAddress(text: string): boolean {
  return /^[0-9a-fA-F.:]{2,45}$/.test(text);
}

function hostOf({ address }: Peer): string {
  return address.kind === 'unix' ? '' : address.host;
}

function* pathTo(peer: Peer): Steps<Pick<PathSizes, 'address' | 'mtu' | 'mtuText' | 'transfers'>> {
  const address = hostOf(peer);
  const remote = address.includes(':') ? `[${address}]` : address;
  const [route, sockets] = yield* ask(
    { kind: 'exec', argv: ['ip', 'route', 'get', address], options },
    { kind: 'exec', argv: ['ss', '-Htin', 'dst', remote], options },
  );
  const dev = parseIpMtu(said(route));
  const transfers = parseSsTransfers(said(sockets)).filter(transfer => transfer.state === 'ESTAB' && transfer.remote === peer.id);
  if (dev.mtu !== undefined && !dev.isCached) return { address, mtu: dev.mtu, mtuText: dev.text, transfers: mostStuck(transfers) };
  const [link] = yield* ask({ kind: 'exec', argv: ['ip', '-o', 'link', 'show', 'dev', dev.dev ?? 'lo'], options });
  const { mtu, text } = parseIpMtu(said(link));
  return { address, ...(mtu === undefined || dev.dev === undefined ? {} : { mtu, mtuText: text }), transfers: mostStuck(transfers) };
}

function* learnedMtu(peer: Peer): Steps<PathSizes['learned']> {
  const [route] = yield* ask({ kind: 'exec', argv: ['ip', 'route', 'get', hostOf(peer)], options });
  const { mtu, isCached, text } = parseIpMtu(said(route));
  return mtu === undefined || !isCached ? undefined : { mtu, text };
}

/** A handful of those that tell most. */
function mostStuck(transfers: readonly TcpTransfer[]): readonly TcpTransfer[] {
  return transfers.toSorted((a, b) => b.retransmits - a.retransmits || b.outOfOrder - a.outOfOrder).slice(0, 8);
}

/**
 * First a request that needs more than one full packet. Where it stays without an answer, the largest request that gets one
 * is searched for, one connection after the other, and the next larger one is asked again.
 */
function* askSizes(peer: Peer, topology: Topology, groups: readonly ErrorGroup[], mtu: number | undefined): Steps<Pick<PathSizes, 'asked' | 'page'>> {
  const route = topology.routes.find(one => peer.routeIds.includes(one.id) && ((one.pass === 'proxy' && !one.tls) || one.pass === 'fastcgi'));
  if (route === undefined || mtu === undefined || mtu > largestMtu) return { asked: [] };
  const asked: SizedQuestion[] = [];
  const [before] = shortest(yield* put(smallQuestions(peer, route, topology)));
  if (before === undefined || (before.request.kind !== 'http' && before.request.kind !== 'fastcgi')) return { asked };
  const small = before.request;
  // Side by side: a router that answers to the long request changes what this host asks of later connections.
  const wanted = timedOutPage(peer, topology, groups)?.question;
  const [atFull, page] = yield* put([sized(small, mtu + beyondMtu, fullTimeoutMs), ...(wanted === undefined ? [] : [{ ...wanted, timeoutMs: fullTimeoutMs }])]);
  if (atFull === undefined) return { asked };
  const ofPage = page === undefined ? {} : { page };
  asked.push({ packetBytes: 0, probe: before }, { packetBytes: mtu, probe: atFull });
  if (atFull.outcome.state !== 'no-answer') return { asked, ...ofPage };
  const header = hostOf(peer).includes(':') ? headerBytes.v6 : headerBytes.v4;
  const ladder = [mtu, ...sizes.filter(size => size < mtu)];
  const timeoutMs = leastSizedTimeoutMs + 3 * before.ms;
  for (let question = 0; question < mostQuestions; question++) {
    const next = nextSize(ladder, asked);
    if (next === undefined) break;
    const bytes = next.packetBytes === mtu ? mtu + beyondMtu : next.packetBytes - header;
    const probes = yield* put([sized(small, bytes, timeoutMs)]);
    // A backend that answers now and then is no narrow link: the plain question must always be answered.
    const plain = next.isRepeated ? yield* put([small]) : [];
    for (const probe of probes) if (probe !== undefined) asked.push({ packetBytes: next.packetBytes, probe });
    for (const probe of plain) if (probe !== undefined) asked.push({ packetBytes: 0, probe });
  }
  return { asked, ...ofPage };
}

/** Between what passes and what is lost; once these are neighbours, the lost one again, until it was lost three times. */
function nextSize(ladder: readonly number[], asked: readonly SizedQuestion[]): { readonly packetBytes: number; readonly isRepeated: boolean } | undefined {
  const count = (packetBytes: number, isLost: boolean): number =>
    asked.filter(one => one.packetBytes === packetBytes && (one.probe.outcome.state === 'no-answer') === isLost).length;
  const firstAnswered = ladder.findIndex(size => count(size, false) > 0);
  const low = firstAnswered < 0 ? ladder.length : firstAnswered;
  const high = ladder.findLastIndex((size, index) => index < low && count(size, true) > 0);
  if (low - high > 1) return { packetBytes: ladder[(low + high) >> 1] ?? 0, isRepeated: false };
  const lost = ladder[high];
  // Nothing was lost in the end, or even the smallest was: no size decides.
  if (lost === undefined || low === ladder.length || count(lost, true) >= 3) return undefined;
  return { packetBytes: lost, isRepeated: true };
}

/** The page once more, now that this host knows the size and asks for packets that fit. */
function* askAgain({ request }: ProbeResult): Steps<ProbeResult | undefined> {
  if (request.kind !== 'http') return undefined;
  // A little longer than before, so that it is a question of its own in a recording.
  const [again] = yield* put([{ ...request, padToBytes: 300 }]);
  return again;
}

type Sizable = Extract<ProbeRequest, { kind: 'http' | 'fastcgi' }>;

/** Pages whose answers fit into one packet, as long as one of them is: one of the site's own, and one that is not there. */
function smallQuestions(peer: Peer, route: Route, topology: Topology): readonly Sizable[] {
  if (route.pass === 'fastcgi') return [{ ...fastcgiScript(peer.address), timeoutMs: smallTimeoutMs }];
  const hostHeader = hostHeaderOf(route, topology);
  const paths = new Set([route.samplePath ?? '/', smallPath]);
  return [...paths].map(path => ({ kind: 'http', address: peer.address, hostHeader, path, timeoutMs: smallTimeoutMs }) as const);
}

/** The whole answers, the shortest first. */
function shortest(results: readonly (ProbeResult | undefined)[]): readonly ProbeResult[] {
  const length = ({ outcome }: ProbeResult): number => (outcome.state === 'answered' ? (outcome.answer.bytes ?? 0) : 0);
  return results
    .flatMap(result => (result?.outcome.state === 'answered' && result.outcome.answer.complete ? [result] : []))
    .toSorted((a, b) => length(a) - length(b));
}

/** The same question in a request of so many bytes. */
function sized(small: Sizable, bytes: number, timeoutMs: number): Sizable {
  if (small.kind === 'http') return { ...small, padToBytes: bytes, timeoutMs };
  const params = { ...cgiParams('/', 'localhost'), ...small.params };
  // Two bytes of lengths for each parameter, and five records around them.
  const own = Object.entries(params).reduce((sum, [name, value]) => sum + name.length + value.length + 2, 60);
  return { ...small, params: { ...params, HTTP_X_PADDING: 'x'.repeat(Math.max(0, bytes - own)) }, timeoutMs };
}

function* put(requests: readonly ProbeRequest[]): Steps<readonly (ProbeResult | undefined)[]> {
  const answers = yield* askAll(requests.map(request => ({ kind: 'probe', request }) as const));
  return answers.map(answer => (answer.state === 'known' ? answer.value : undefined));
}

function said(answer: Known<ExecResult> | undefined): string {
  return answer?.state === 'known' ? answer.value.stdout : '';
}
