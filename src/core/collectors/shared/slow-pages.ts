import type { ErrorGroup } from '../../model/facts/logs.ts';
import type { Peer, Route, Topology } from '../../model/facts/topology.ts';
import { formatAddress } from '../../model/host.ts';
import { probeKey, type ProbeRequest, type ProbeResult } from '../../model/probe.ts';
import { pageQuestion, type PageQuestion } from './peer-questions.ts';

/** Only where nginx gives up well before a probe must: what it would have got later can then be seen. */
const longestLimitMs = 2_500;
const longestWaitMs = 3_000;
const mostPeers = 2;

/**
 * One page of each peer that answers otherwise in nginx's time and on which nginx gave up waiting, to be asked with more patience than
 * nginx has. A GET, once: a page that was asked already was waited for as long as this. What is no plain path is left alone.
 */
export function slowPages(peers: readonly Peer[], topology: Topology, groups: readonly ErrorGroup[], answered: readonly ProbeResult[]): ProbeRequest[] {
  const well = quickestAnswers(answered);
  const asked = new Set(answered.map(one => probeKey(one.request)));
  return peers
    .flatMap(peer => slowPage(peer, topology, groups, well.get(peer.id)) ?? [])
    .filter(question => !asked.has(probeKey(question)))
    .slice(0, mostPeers);
}

/** The milliseconds that each peer took at best. Where that is more than nginx waits, every page is late, and one more tells nothing. */
function quickestAnswers(answered: readonly ProbeResult[]): ReadonlyMap<string, number> {
  const quickest = new Map<string, number>();
  for (const { request, outcome, ms } of answered) {
    if (outcome.state !== 'answered' || request.kind === 'dns') continue;
    const peer = formatAddress(request.address);
    quickest.set(peer, Math.min(ms, quickest.get(peer) ?? ms));
  }
  return quickest;
}

function slowPage(peer: Peer, topology: Topology, groups: readonly ErrorGroup[], answeredMs: number | undefined): ProbeRequest | undefined {
  if (answeredMs === undefined) return undefined;
  const page = timedOutPage(
    peer,
    topology,
    groups.filter(group => group.class === 'read-timeout'),
  );
  return page === undefined || page.limitMs > longestLimitMs || answeredMs > page.limitMs ? undefined : page.question;
}

/** Whether nginx gave up waiting for a peer that it was connected to: for the answer, in the middle of it, or while it sent the request. */
export function isLate(group: ErrorGroup): boolean {
  return group.class === 'read-timeout' || group.class === 'send-timeout' || (group.class === 'truncated' && group.messageId === 'upstream-timed-out');
}

/** The page on which nginx gave up waiting for the peer most often, as a question with a patience of its own, and how long nginx waits. */
export function timedOutPage(
  peer: Peer,
  topology: Topology,
  groups: readonly ErrorGroup[],
): { readonly question: PageQuestion; readonly limitMs: number } | undefined {
  const late = groups
    .filter(group => isLate(group) && group.peer === peer.id && group.method === 'GET' && !group.subrequest)
    .toSorted((a, b) => b.count - a.count);
  const uri = late
    .flatMap(group => group.samples.toReversed().flatMap(sample => sample.uri ?? []))
    .find(one => one.startsWith('/') && one.length <= 2048 && !one.includes('..') && !/\s/.test(one));
  const routes = topology.routes.filter(one => peer.routeIds.includes(one.id));
  if (uri === undefined) return undefined;
  const route = routes.find(one => takes(one, uri)) ?? routes[0];
  const limitMs = route?.settings['read_timeout']?.ms;
  if (route === undefined || limitMs === undefined) return undefined;
  const question = pageQuestion(route, topology, peer, uri);
  return question === undefined ? undefined : { question: { ...question, timeoutMs: longestWaitMs }, limitMs };
}

/** A location that is a prefix of the path; one that is an expression is taken where nothing else is. */
function takes(route: Route, uri: string): boolean {
  const prefix = route.location.split(' ').at(-1) ?? '';
  return prefix.startsWith('/') && prefix !== '/' && uri.startsWith(prefix);
}
