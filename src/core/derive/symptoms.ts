import { defineDerivation, type CollectContext } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { AccessGroup, ErrorGroup, NginxAccessLog } from '../model/facts/logs.ts';
import type { Shape, Symptom, Topology } from '../model/facts/topology.ts';
import { formatAddress } from '../model/host.ts';
import { answersAsAsked, probeKey, type ProbeResult } from '../model/probe.ts';
import { lostUpgrades, type LostUpgrade } from '../model/lost-upgrades.ts';
import { mergeBuckets } from '../logs/buckets.ts';
import { isOngoing, shapeOf } from '../logs/shape.ts';
import { copiesBy } from './copied-requests.ts';
import { isHeldOff } from './held-off.ts';
import { groupBy } from '../model/group-by.ts';
import { dominant, endsIn, isFailing, upstreamOf } from './symptom-groups.ts';

const serverErrors: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** A request that takes longer than any timeout that is usual says nothing of when the next one fails. */
const longestWorkMs = 120_000;

/** What a symptom is before it is known whether it goes on. */
type Draft = Omit<Symptom, 'ongoing' | 'shape'>;

export default defineDerivation({
  id: 'symptoms',
  title: 'groups of failing requests and failing probes',
  needs: ['nginx-error-log', 'nginx-access-log', 'nginx-layout', 'topology', 'probe-results', 'nginx-instances', 'nginx-config', 'upgrade-answers'],
  derive(facts, context): Known<readonly Symptom[]> {
    const logged = facts['nginx-error-log'].state === 'known' ? facts['nginx-error-log'].value.groups : [];
    const errors = logged.filter(isFailing);
    const fixed = facts['nginx-layout'].state === 'known' ? facts['nginx-layout'].value.fixedAnswers : [];
    const access = facts['nginx-access-log'].state === 'known' ? facts['nginx-access-log'].value : undefined;
    const probes = facts['probe-results'].state === 'known' ? facts['probe-results'].value : [];
    const topology = facts.topology.state === 'known' ? facts.topology.value : undefined;
    const isCopy = copiesBy(valueOr(facts['nginx-config'], []));
    const fromErrors = [...errorSymptoms(errors.filter(group => !isCopy(group))), ...errorSymptoms(errors.filter(isCopy)).map(asCopies)];
    const answers = (access?.failing ?? []).filter(group => serverErrors.has(group.status));
    const { attached, rest } = accessSymptoms(withoutIntended(answers, logged, new Set(fixed.map(answer => answer.status))), fromErrors);
    const fromProbes =
      topology === undefined
        ? []
        : probeSymptoms(probes, topology, {
            nowMs: context.nowMs,
            failed: new Set(errors.flatMap(group => upstreamOf(group) ?? [])),
            hasGood: access?.lastGoodMs !== undefined,
          });
    const down =
      facts['nginx-instances'].state === 'known' &&
      facts['nginx-instances'].value.length > 0 &&
      facts['nginx-instances'].value.every(instance => !instance.running);
    const upgrades =
      access === undefined || topology === undefined
        ? []
        : lostUpgrades({ topology, configs: valueOr(facts['nginx-config'], []), access, errors: logged, answers: valueOr(facts['upgrade-answers'], []) });
    const drafts = [...attached, ...rest, ...upgradeSymptoms(upgrades), ...fromProbes, ...(down ? [refusedClients(context.nowMs)] : [])];
    // Questions in other protocols are expected to fail, and say nothing about whether the requests do.
    const own = topology === undefined ? [] : probes.filter(probe => isOwn(probe, topology));
    return known(drafts.map(draft => finish(draft, access, own, { ...context, isHeldOff: isHeldOff(draft, drafts, topology) })));
  },
});

function errorSymptoms(groups: readonly ErrorGroup[]): Draft[] {
  return [...groupBy(groups, group => `${group.class} ${upstreamOf(group) ?? ''}`).values()].map(same => {
    const upstream = upstreamOf(same[0] as ErrorGroup);
    const first = same[0] as ErrorGroup;
    return {
      id: upstream === undefined ? first.class : `${first.class}@${upstream}`,
      class: first.class,
      ...(upstream === undefined ? {} : { upstream }),
      ...where(same, group => group.server),
      madeBy: 'nginx',
      count: same.reduce((sum, group) => sum + group.count, 0),
      firstMs: Math.min(...same.map(group => group.firstMs)),
      lastMs: Math.max(...same.map(group => group.lastMs)),
      buckets: mergeBuckets(same.map(group => group.buckets)),
      errorGroups: [...same].sort((a, b) => b.count - a.count),
      accessGroups: [],
    };
  });
}

/** The copies to a peer are a symptom beside the clients' own requests to it. */
function asCopies(draft: Draft): Draft {
  return { ...draft, id: `${draft.id}-copies`, copies: true };
}

/** Leaves out what nginx was told to answer: requests over a limit, which the error log counts, and `return 503`. */
function withoutIntended(groups: readonly AccessGroup[], logged: readonly ErrorGroup[], fixed: ReadonlySet<number>): AccessGroup[] {
  let limited = logged.filter(group => group.class === 'rate-limited').reduce((sum, group) => sum + group.count, 0);
  return groups.filter(group => {
    if (group.madeBy === 'backend' || group.peer !== undefined) return true;
    if (fixed.has(group.status)) return false;
    if (group.status !== 503 || limited === 0 || group.count > limited * 1.5 + 3) return true;
    limited = Math.max(0, limited - group.count);
    return false;
  });
}

/**
 * Joins the access log's failing requests to the error log's groups. What the backend answered itself, and what nothing in the
 * error log accounts for, become symptoms of their own.
 */
function accessSymptoms(groups: readonly AccessGroup[], drafts: readonly Draft[]): { attached: Draft[]; rest: Draft[] } {
  const joined = new Map<Draft, AccessGroup[]>();
  const backend: AccessGroup[] = [];
  const loose: AccessGroup[] = [];
  // How many failing requests of each symptom are still without a line of the access log.
  const free = new Map(drafts.map(draft => [draft, draft.copies === true ? 0 : draft.count]));
  for (const group of [...groups].sort((a, b) => b.count - a.count)) {
    if (group.madeBy === 'backend') {
      backend.push(group);
      continue;
    }
    const named = (draft: Draft): number => Number(group.peer !== undefined && draft.upstream === group.peer);
    const roomIn = (draft: Draft): number => free.get(draft) ?? 0;
    // One group of requests may have failed in several ways: refused, then reset.
    const partners = drafts.filter(draft => fits(draft, group) && roomIn(draft) > 0).toSorted((a, b) => named(b) - named(a) || roomIn(b) - roomIn(a));
    const room = partners.reduce((sum, draft) => sum + roomIn(draft), 0);
    let left = group.count;
    for (const partner of partners) {
      if (left <= 0) break;
      joined.set(partner, [...(joined.get(partner) ?? []), group]);
      const taken = Math.min(left, roomIn(partner));
      free.set(partner, roomIn(partner) - taken);
      left -= taken;
    }
    // A few lines more than records is the edge of the window; many more is something that the error log does not know.
    if (left > Math.max(room * 0.5, 3) || (room === 0 && left > 0)) loose.push(left === group.count ? group : { ...group, count: left });
  }
  return {
    attached: drafts.map(draft => ({ ...draft, accessGroups: joined.get(draft) ?? [] })),
    rest: [
      ...[...groupBy(backend, group => `${group.status} ${group.peer ?? ''}`).values()].map(same => accessDraft(same, 'backend-answered-5xx')),
      ...[...groupBy(loose, group => `${group.status} ${group.peer ?? ''} ${group.madeBy}`).values()].map(same => accessDraft(same, 'unattributed-5xx')),
    ],
  };
}

function fits(draft: Draft, group: AccessGroup): boolean {
  if (!draft.errorGroups.some(error => endsIn(error, group.status))) return false;
  if (group.peer !== undefined && draft.upstream !== undefined && group.peer !== draft.upstream) return false;
  return draft.firstMs - 15_000 <= group.lastMs && group.firstMs <= draft.lastMs + 15_000;
}

function accessDraft(same: readonly AccessGroup[], kind: 'backend-answered-5xx' | 'unattributed-5xx' | 'upgrade-lost'): Draft {
  const first = same[0] as AccessGroup;
  return {
    id: `${kind}-${first.status}${first.peer === undefined ? '' : `@${first.peer}`}${kind === 'unattributed-5xx' ? `-${first.madeBy}` : ''}`,
    class: kind,
    ...(first.peer === undefined ? {} : { upstream: first.peer }),
    ...where(same, group => group.host),
    status: first.status,
    madeBy: first.madeBy,
    count: same.reduce((sum, group) => sum + group.count, 0),
    firstMs: Math.min(...same.map(group => group.firstMs)),
    lastMs: Math.max(...same.map(group => group.lastMs)),
    buckets: mergeBuckets(same.map(group => group.buckets)),
    errorGroups: [],
    accessGroups: [...same].sort((a, b) => b.count - a.count),
  };
}

/** Requests that a backend refused because they reached it as plain ones. No server error: only what was proven counts as a failure. */
function upgradeSymptoms(lost: readonly LostUpgrade[]): Draft[] {
  const refused = lost.filter(one => one.candidate.refused.length > 0);
  return [...groupBy(refused, one => one.candidate.peer.id).values()].map(same => {
    const groups = [...new Set(same.flatMap(one => one.candidate.refused))].sort((a, b) => b.count - a.count);
    const peer = same[0]?.candidate.peer.id ?? '';
    return { ...accessDraft(groups, 'upgrade-lost'), id: `upgrade-lost@${peer}`, upstream: peer, madeBy: 'backend' };
  });
}

/** What the logs say of the requests, beside the probes. */
interface RequestsSeen {
  readonly nowMs: number;
  /** Peers and groups that the error log names. */
  readonly failed: ReadonlySet<string>;
  /** Some request of the window was answered well. */
  readonly hasGood: boolean;
}

/** Peers in use that do not answer now in the protocol that nginx speaks to them. */
function probeSymptoms(probes: readonly ProbeResult[], topology: Topology, { nowMs, failed, hasGood }: RequestsSeen): Draft[] {
  const drafts = new Map<string, Draft>();
  for (const probe of probes) {
    if (probe.request.kind === 'dns') continue;
    const address = formatAddress(probe.request.address);
    // A backup that is not needed fails nobody.
    const peer = topology.peers.find(one => one.id === address && !one.flags.down && !one.flags.backup && one.routeIds.length > 0);
    const route = topology.routes.find(one => peer?.routeIds.includes(one.id) === true && asks(probe, one.pass, one.tls));
    if (peer === undefined || route === undefined || !hasFailed(probe)) continue;
    // nginx is more patient than a probe: where requests succeed and none failed, silence is only a slow page.
    if (probe.outcome.state === 'no-answer' && hasGood && !failed.has(peer.id) && (route.settings['read_timeout']?.ms ?? 60_000) > probe.ms) continue;
    drafts.set(peer.id, {
      id: `probe-failed@${peer.id}`,
      class: 'probe-failed',
      upstream: peer.id,
      madeBy: 'nginx',
      count: 0,
      firstMs: nowMs,
      lastMs: nowMs,
      errorGroups: [],
      accessGroups: [],
      probe: probeKey(probe.request),
    });
  }
  return [...drafts.values()];
}

/** Asked as nginx asks that peer; of a peer without a route, any question. */
function isOwn(probe: ProbeResult, topology: Topology): boolean {
  if (probe.request.kind === 'dns') return false;
  const address = formatAddress(probe.request.address);
  const peer = topology.peers.find(one => one.id === address);
  if (peer === undefined || peer.routeIds.length === 0) return true;
  return topology.routes.some(route => peer.routeIds.includes(route.id) && asks(probe, route.pass, route.tls));
}

function asks(probe: ProbeResult, pass: string, tls: boolean): boolean {
  const { kind } = probe.request;
  if (kind === 'connect') return true;
  return pass === 'proxy' ? kind === (tls ? 'tls' : 'http') : kind === pass;
}

function hasFailed(probe: ProbeResult): boolean {
  return probe.outcome.state !== 'not-asked' && !answersAsAsked(probe);
}

function refusedClients(nowMs: number): Draft {
  return { id: 'client-refused', class: 'client-refused', madeBy: 'nginx', count: 0, firstMs: nowMs, lastMs: nowMs, errorGroups: [], accessGroups: [] };
}

interface FinishContext extends CollectContext {
  readonly isHeldOff: boolean;
}

function finish(draft: Draft, access: NginxAccessLog | undefined, probes: readonly ProbeResult[], context: FinishContext): Symptom {
  const shape: Shape =
    draft.buckets === undefined
      ? { when: 'unknown', text: 'seen now' }
      : shapeOf({ buckets: draft.buckets, windowFromMs: context.sinceMs, nowMs: context.nowMs });
  return { ...draft, shape, ongoing: draft.count === 0 || goesOn(draft, access, probes, context) };
}

/**
 * Whether the failing goes on. Requests that came after the last failure and did not fail are the best sign that it stopped:
 * at three expected failures that did not come, chance explains less than 5 %. Without traffic the probes and the age decide.
 */
function goesOn(draft: Draft, access: NginxAccessLog | undefined, probes: readonly ProbeResult[], { nowMs, isHeldOff: isHeld }: FinishContext): boolean {
  const ageMs = nowMs - draft.lastMs;
  const live = probes.filter(probe => probe.request.kind !== 'dns' && formatAddress(probe.request.address) === draft.upstream);
  // That a probe of that one page fails still is no word on the requests that come now.
  if (isHeld && live.some(answersAsAsked)) return false;
  if (live.some(hasFailed)) return true;
  // Requests that work for long before they fail end in clumps: what came with them began earlier, and the next are still at work.
  const workMs = medianTimeMs(draft);
  if (access !== undefined && access.total > 0 && ageMs > Math.max(longestPauseMs(draft) * 1.5, workMs)) {
    const during = countBetween(access, draft.firstMs - workMs, draft.lastMs);
    const after = countBetween(access, draft.lastMs + access.buckets.all.widthMs, nowMs);
    const share = during === 0 ? 1 : Math.min(1, draft.count / during);
    if (after * share >= 3) return false;
  }
  if (draft.class.startsWith('connect-') && draft.class !== 'connect-queue-full' && live.length > 0) return ageMs < 3_000;
  return draft.buckets === undefined || isOngoing({ buckets: draft.buckets, nowMs, lastMs: draft.lastMs });
}

/** How long the failing requests took, as far as the log tells. */
function medianTimeMs({ accessGroups }: Draft): number {
  const slowest = Math.max(0, ...accessGroups.map(group => group.requestTime?.median ?? group.upstreamTime?.median ?? 0));
  return Math.min(longestWorkMs, slowest * 1000);
}

/** The longest silence between two failures so far: what comes in bursts has not stopped in a pause between them. */
function longestPauseMs({ buckets }: Draft): number {
  if (buckets === undefined) return 0;
  return Math.max(0, ...buckets.starts.slice(1).map((start, index) => start - (buckets.starts[index] ?? start) - buckets.widthMs));
}

function countBetween(access: NginxAccessLog, fromMs: number, toMs: number): number {
  const { widthMs, starts, counts } = access.buckets.all;
  let sum = 0;
  for (const [at, start] of starts.entries()) if (start + widthMs > fromMs && start <= toMs) sum += counts[at] ?? 0;
  return sum;
}

function where<T extends ErrorGroup | AccessGroup>(
  same: readonly T[],
  server: (group: T) => string | undefined,
): Pick<Draft, 'server' | 'urlTemplate' | 'method'> {
  const name = dominant(same, server);
  const urlTemplate = dominant(same, group => group.urlTemplate);
  const method = dominant(same, group => group.method);
  return {
    ...(name === undefined ? {} : { server: name }),
    ...(urlTemplate === undefined ? {} : { urlTemplate }),
    ...(method === undefined ? {} : { method }),
  };
}
