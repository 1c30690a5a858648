import type { Hop } from './facts/hop.ts';
import type { NginxAccessLog } from './facts/logs.ts';
import { formatLogSource } from './facts/logs.ts';
import type { Inversion, TimeoutChain } from './facts/timeouts.ts';
import type { Route, Symptom, Topology } from './facts/topology.ts';
import type { Confidence, Evidence, FindingStatus } from './finding.ts';
import { countOf, symptomsOf } from './hop-symptoms.ts';
import { isInTrouble } from './next-hops.ts';
import { poolState } from './pool-state.ts';
import type { ProbeResult } from './probe.ts';

/** Two limits that are the wrong way round, and the way on which they are. */
export interface Candidate {
  readonly chain: TimeoutChain;
  readonly inversion: Inversion;
}

/** Requests that failed because the outer one gave up. */
export interface Bite {
  readonly candidate: Candidate;
  readonly confidence: Confidence;
  readonly status: FindingStatus;
  readonly symptoms: readonly Symptom[];
  readonly count: number;
  /** A direct question that was answered later than the outer one waits, and within the inner limit. */
  readonly measured?: ProbeResult;
  readonly lines: readonly Evidence[];
}

/** Off unless somebody sets them: such a limit says how long a request may take. That of gunicorn is there for workers that hang. */
const deliberate: ReadonlySet<string> = new Set(['php-fpm', 'uwsgi']);
/** What the backend ended or could not do itself: then its limit is not what the request would have needed. */
const ownReasons: ReadonlySet<string> = new Set(['request-killed', 'dependency-error', 'out-of-memory', 'pool-full', 'listen-queue-full', 'worker-signal']);
const nearMs = 60_000;
/** A wait that ended where the limit is, as logs tell it. */
const tolerance = 0.1;
const leastCut = 3;
/** Requests that stopped failing this many intervals ago no longer fail. */
const intervals = 3;
const shortestQuietMs = 30_000;

/** nginx gave up on requests of that location, and the backend was told that they may take longer. */
export function bittenBackend(hop: Hop, candidate: Candidate): Bite | undefined {
  const { outer, inner } = candidate.inversion;
  if (outer.part !== 'nginx' || inner.counts !== 'request' || !inner.isSet || !deliberate.has(hop.service?.kind ?? 'other')) return undefined;
  const symptoms = symptomsOf(hop, ['read-timeout']).filter(symptom => symptom.count > 0 && isOf(candidate.chain.routeId, symptom, hop.routes));
  if (symptoms.length === 0 || symptoms.some(symptom => gaveUpEarlier(symptom, outer.ms)) || hasOwnReason(hop, symptoms)) return undefined;
  const measured = hop.probes.find(probe => probe.outcome.state === 'answered' && probe.ms - probe.connectMs >= outer.ms && probe.ms < inner.ms);
  return {
    candidate,
    confidence: measured === undefined ? 'likely' : 'confirmed',
    status: symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
    symptoms,
    count: countOf(symptoms),
    ...(measured === undefined ? {} : { measured }),
    lines: [],
  };
}

/** An nginx of this host gave up on the one behind it, which had no failure of its own. */
export function bittenFront(hop: Hop, hops: readonly Hop[], candidate: Candidate): Bite | undefined {
  const { front } = candidate.inversion.outer;
  const before = front === undefined ? undefined : hops.find(one => one.peer.id === front.peerId);
  if (front === undefined || before === undefined || isInTrouble(hop) || !isAlive(hop)) return undefined;
  const symptoms = symptomsOf(before, ['read-timeout']).filter(symptom => symptom.count > 0 && isOf(front.routeId, symptom, before.routes));
  if (symptoms.length === 0 || symptoms.some(symptom => gaveUpEarlier(symptom, candidate.inversion.outer.ms)) || hasOwnReason(hop, symptoms)) return undefined;
  return {
    candidate,
    confidence: 'likely',
    status: symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
    symptoms,
    count: countOf(symptoms),
    lines: [],
  };
}

/** Requests that the proxy in front left (499), all of them after the time that it waits. */
export function cutShort(hop: Hop, topology: Topology, access: NginxAccessLog | undefined, candidate: Candidate, nowMs: number): Bite | undefined {
  const { outer } = candidate.inversion;
  if (access === undefined || outer.part !== 'front' || outer.front !== undefined || isInTrouble(hop) || !isAlive(hop)) return undefined;
  const route = topology.routes.find(one => one.id === candidate.chain.routeId);
  const server = topology.servers.find(one => one.id === route?.serverId);
  if (route === undefined || server === undefined) return undefined;
  const logs = new Set(server.accessLogs.map(log => log.path));
  const left = access.failing.filter(
    group => group.status === 499 && logs.has(group.path) && (group.peer === undefined || group.peer === hop.peer.id) && isUnder(route, group.urlTemplate),
  );
  const count = left.reduce((sum, group) => sum + group.count, 0);
  const isCut = left.every(({ requestTime: time }) => time !== undefined && isAbout(time.min * 1000, outer.ms) && isAbout(time.max * 1000, outer.ms));
  if (count < leastCut || !isCut) return undefined;
  const firstMs = Math.min(...left.map(group => group.firstMs));
  const lastMs = Math.max(...left.map(group => group.lastMs));
  const quietMs = Math.max(shortestQuietMs, ((lastMs - firstMs) / count) * intervals);
  return {
    candidate,
    confidence: 'likely',
    status: nowMs - lastMs <= quietMs ? 'active' : 'past',
    symptoms: [],
    count,
    lines: left.flatMap(group => group.samples.slice(-1).map(sample => ({ source: formatLogSource(sample.source), text: sample.text }))).slice(0, 2),
  };
}

/** Of the ways to one peer that which waits longest: others may have their own reason to be quick. Fronts count by themselves. */
export function worstInversion(chains: readonly TimeoutChain[]): Candidate | undefined {
  for (const part of ['nginx', 'front', 'backend'] as const) {
    const longest = chains
      .flatMap(chain => chain.links.flatMap(link => (link.part === part && link.counts === 'silence' ? [{ chain, link }] : [])))
      .toSorted((a, b) => waitOf(b.link.ms) - waitOf(a.link.ms))[0];
    const inversion = longest?.chain.inversions.find(one => one.outer === longest.link);
    if (longest !== undefined && inversion !== undefined) return { chain: longest.chain, inversion };
  }
  return undefined;
}

/** No limit is the longest of all. */
function waitOf(ms: number): number {
  return ms <= 0 ? Number.POSITIVE_INFINITY : ms;
}

/** The failing pages are those of that location, as far as prefixes tell. */
function isOf(routeId: string, symptom: Symptom, routes: readonly Route[]): boolean {
  const pages = symptom.errorGroups.flatMap(group => group.samples.flatMap(sample => sample.uri ?? []));
  const route = routes.find(one => one.id === routeId);
  if (route === undefined) return false;
  if (routes.length === 1) return true;
  return pages.length > 0 && pages.every(page => routeOf(page, routes)?.id === routeId);
}

function routeOf(page: string, routes: readonly Route[]): Route | undefined {
  const path = page.split('?')[0] ?? page;
  const exact = routes.find(one => one.location === `location = ${path}`);
  const prefixes = routes.filter(one => one.samplePath !== undefined && !one.location.includes('~') && path.startsWith(one.samplePath));
  const patterns = routes.filter(one => one.location.includes('~'));
  const longest = prefixes.toSorted((a, b) => (b.samplePath?.length ?? 0) - (a.samplePath?.length ?? 0))[0];
  // A pattern wins over a prefix, and is not tried here: a single one is taken where no longer prefix than `/` fits.
  return exact ?? (patterns.length === 1 && (longest?.samplePath ?? '/') === '/' ? patterns[0] : patterns.length === 0 ? longest : undefined);
}

function isUnder(route: Route, template: string | undefined): boolean {
  return template === undefined || route.samplePath === undefined || route.location.includes('~') || template.startsWith(route.samplePath);
}

/** The running workers wait for less than the files say. */
function gaveUpEarlier(symptom: Symptom, limitMs: number): boolean {
  const times = symptom.accessGroups.filter(group => group.tries === 1).flatMap(group => group.upstreamTime ?? group.requestTime ?? []);
  return times.length > 0 && times.every(time => time.max * 1000 < limitMs * (1 - 2 * tolerance));
}

/** Something else keeps the requests: a full pool, a backend that does not answer, or one that says so itself. */
function hasOwnReason(hop: Hop, symptoms: readonly Symptom[]): boolean {
  const pool = poolState(hop);
  const firstMs = Math.min(...symptoms.map(symptom => symptom.firstMs));
  return (
    !isAlive(hop) ||
    (pool !== undefined && pool.isFull && pool.waiting.most > 0) ||
    hop.events.some(event => ownReasons.has(event.kind) && event.timeMs >= firstMs - nearMs)
  );
}

function isAlive({ own }: Hop): boolean {
  return own === undefined || own.outcome.state === 'answered' || own.outcome.state === 'not-asked';
}

function isAbout(ms: number, limitMs: number): boolean {
  return ms >= limitMs * (1 - tolerance) && ms <= limitMs * (1 + tolerance) + 500;
}
