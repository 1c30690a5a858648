import type { UpgradeAnswers } from './facts/upgrade.ts';
import type { Confidence } from './finding.ts';
import type { ProbeResult } from './probe.ts';
import { isNamedSocket, soundsLikeSocket } from './socket-words.ts';
import { upgradeCandidates, type CandidateView, type UpgradeCandidate } from './upgrade-candidates.ts';
import { forwardingOf } from './upgrade-headers.ts';

/** A candidate of which it is known what it is, or that it is none. */
export type JudgedUpgrade =
  | { readonly candidate: UpgradeCandidate; readonly answers?: UpgradeAnswers; readonly confidence: Confidence }
  | { readonly candidate: UpgradeCandidate; readonly answers: UpgradeAnswers; readonly because: string };

export type LostUpgrade = Extract<JudgedUpgrade, { readonly confidence: Confidence }>;

export interface LostView extends CandidateView {
  /** Empty where nothing was asked. */
  readonly answers: readonly UpgradeAnswers[];
}

/** So many requests are more than one odd client. */
const leastMany = 5;
/** One or two bad requests are in every log. */
const leastAsked = 3;
/** Of the requests for a URL that are refused: some monitors ask a WebSocket for its health by a plain GET. */
const nearlyAll = 0.9;

/** Openings of WebSockets that do not reach their server, as far as that can be told. */
export function lostUpgrades(view: LostView): readonly LostUpgrade[] {
  return judgedUpgrades(view).filter(one => 'confidence' in one);
}

/** The same, and the candidates that were disproved. */
export function judgedUpgrades(view: LostView): readonly JudgedUpgrade[] {
  return upgradeCandidates(view).flatMap((candidate): readonly JudgedUpgrade[] => {
    const answers = view.answers.find(one => one.routeId === candidate.taken.route.id && one.urlTemplate === candidate.urlTemplate);
    if (answers === undefined || stateOf(answers.whole) === 'not-asked') {
      const confidence = unasked(candidate);
      return confidence === undefined ? [] : [{ candidate, confidence }];
    }
    if (takes(answers.whole)) {
      const confidence = takes(answers.passed) ? undefined : proven(candidate, answers, view);
      if (confidence === undefined) return [];
      return [{ candidate, answers, confidence: candidate.isWholeElsewhere ? 'likely' : confidence }];
    }
    // Who asks for a login tells apart a WebSocket from a plain request, and lets neither in.
    const status = statusOf(answers.whole);
    const isLogin = (status === 401 || status === 403) && statusOf(answers.passed) !== status;
    if (isLogin && (candidate.isAsked || (has426(candidate) && isNamedSocket(candidate.uri)))) return [{ candidate, answers, confidence: 'likely' }];
    return [{ candidate, answers, because: `${candidate.peer.id} does not take a WebSocket at ${candidate.urlTemplate} when it is asked directly either` }];
  });
}

/** Whether an answer of the peer could prove something: where requests for the URL are answered well too, it is a page. */
export function isWorthAsking(candidate: UpgradeCandidate, view: CandidateView): boolean {
  if (candidate.isAsked || has426(candidate) || candidate.forwarding.isMeant || soundsLikeSocket(candidate.uri)) return true;
  return candidate.count >= leastAsked && isRefusedThroughout(candidate, view);
}

/** By the log and the configuration alone. */
function unasked(candidate: UpgradeCandidate): Confidence | undefined {
  const misses = candidate.forwarding.missing.some(part => part !== 'version');
  const isSure = candidate.isAsked || (has426(candidate) && isNamedSocket(candidate.uri));
  return misses && candidate.refused.length > 0 && isSure ? 'likely' : undefined;
}

/**
 * The peer takes a WebSocket there, and not what nginx leaves of it. That the requests were meant as such needs a sign more: a
 * server may take WebSockets on any path beside its pages, and refuse a bad request to one of them.
 */
function proven(candidate: UpgradeCandidate, answers: UpgradeAnswers, view: LostView): Confidence | undefined {
  const { refused, uri, forwarding, taken, urlTemplate } = candidate;
  if (candidate.isAsked) return 'confirmed';
  // What gets a good answer now failed for another reason.
  if (!isRefused(answers.passed) || !isRefusedThroughout(candidate, view)) return undefined;
  const switched = view.access.switched ?? [];
  // They opened there before: a WebSocket is written to the log when it ends, which may be long after the others began to fail.
  if (switched.some(one => one.key === urlTemplate)) return 'confirmed';
  const speaksOfIt = /web-?socket|upgrade[- ]required|(?:expect|requir|missing|need)[a-z]* (?:an |the )?(?:http )?"?upgrade/i.test(headOf(answers.passed));
  const hasOwnPath = !takes(answers.elsewhere) && stateOf(answers.elsewhere) === 'answered';
  if (speaksOfIt || hasOwnPath || has426(candidate)) return 'confirmed';
  // It takes WebSockets on any path: where they have a place of their own that works, this may be a page.
  const isBusyElsewhere = switched.length > 0 || isServedElsewhere(candidate, view);
  const isAlone = hasLocationOfItsOwn(taken.route.location, urlTemplate, view.access) || answersNothingElse(candidate, view);
  const isMany = candidate.count >= leastMany;
  if (isNamedSocket(uri)) {
    const isMissing = refused.length > 0 && refused.every(group => group.status === 404);
    if (!isMissing || forwarding.lost !== undefined) return 'confirmed';
    // Scanners ask for such paths as well.
    return isMany && !isBusyElsewhere ? 'likely' : undefined;
  }
  if (forwarding.isMeant && isAlone) return isBusyElsewhere ? (isMany ? 'likely' : undefined) : 'confirmed';
  return isMany && !isBusyElsewhere && (isAlone || soundsLikeSocket(uri)) ? 'likely' : undefined;
}

/** The location is one of a path, and nothing else below it was answered well. */
export function hasLocationOfItsOwn(location: string, urlTemplate: string, access: CandidateView['access']): boolean {
  const prefix = location.split(' ').at(-1) ?? '';
  if (location.includes('~') || !prefix.startsWith('/') || prefix === '/') return false;
  const refused = new Set((access.refused ?? []).map(group => group.urlTemplate));
  return !access.byTemplate.some(one => one.key.startsWith(prefix) && one.key !== urlTemplate && !refused.has(one.key) && one.total > one.failed);
}

/** Nearly all requests for the URL ended so: a page is sometimes asked for rightly. */
function isRefusedThroughout({ refused, urlTemplate, count }: UpgradeCandidate, { access }: CandidateView): boolean {
  const traffic = access.byTemplate.find(one => one.key === urlTemplate);
  const switched = (access.switched ?? []).find(one => one.key === urlTemplate)?.total ?? 0;
  if (traffic === undefined) return true;
  // A proxy in front of this one writes the same requests down once more.
  const all = (access.refused ?? []).filter(group => group.urlTemplate === urlTemplate).reduce((sum, group) => sum + group.count, 0);
  const bad = refused.length > 0 ? all + traffic.failed : count;
  return bad >= (traffic.total - switched) * nearlyAll;
}

/** No request to the peer was answered well, as far as the log names peers. */
function answersNothingElse({ peer }: UpgradeCandidate, { access }: LostView): boolean {
  const traffic = access.byPeer.find(one => one.key === peer.id);
  const refused = (access.refused ?? []).filter(group => group.peer === peer.id).reduce((sum, group) => sum + group.count, 0);
  return traffic !== undefined && refused > 0 && traffic.total <= refused + traffic.failed;
}

/** Another location passes WebSockets to the same peer as it should. */
function isServedElsewhere({ peer, config, taken }: UpgradeCandidate, { topology }: LostView): boolean {
  return topology.routes.some(route => {
    if (!peer.routeIds.includes(route.id) || route.id === taken.route.id || route.pass !== 'proxy') return false;
    const { missing, isUnknown } = forwardingOf(route, [], config);
    return isUnknown || missing.length === 0;
  });
}

function has426({ refused }: UpgradeCandidate): boolean {
  const counts = (status: number): number => refused.filter(group => group.status === status).reduce((sum, group) => sum + group.count, 0);
  return counts(426) > 0;
}

function isRefused({ outcome }: ProbeResult): boolean {
  return outcome.state === 'answered' ? (outcome.answer.status ?? 0) >= 400 : outcome.state === 'closed' || outcome.state === 'no-answer';
}

function takes({ outcome }: ProbeResult): boolean {
  return outcome.state === 'answered' && outcome.answer.upgraded === true;
}

function stateOf({ outcome }: ProbeResult): string {
  return outcome.state;
}

function statusOf({ outcome }: ProbeResult): number | undefined {
  return outcome.state === 'answered' ? outcome.answer.status : undefined;
}

function headOf({ outcome }: ProbeResult): string {
  return outcome.state === 'answered' ? (outcome.answer.head ?? '') : '';
}
