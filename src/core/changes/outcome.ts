import type { Verification } from '../model/change.ts';
import type { Finding } from '../model/finding.ts';
import type { Report, ReportSymptom } from '../model/report.ts';

/** By so much the share of failing requests may rise by chance. */
const worsening = 0.1;
/** Of fewer requests no share is worth anything. */
const few = 10;

/** The failing page, asked for through nginx by badhop itself. */
export interface LiveAnswer {
  /** What was asked, for people: `GET / of shop.example`. */
  readonly what: string;
  readonly servedBefore: boolean | undefined;
  readonly servedAfter: boolean | undefined;
  /** `502`, `200`. */
  readonly before: string;
  readonly after: string;
}

export interface OutcomeInput {
  /** The diagnosis that the change was made for, and one whose window begins with the change. */
  readonly before: Report;
  readonly after: Report;
  readonly finding: Finding;
  readonly seconds: number;
  readonly live: LiveAnswer | undefined;
  /** Requests of badhop's own within the second window; all of them ended as `live` did. */
  readonly ownRequests: number;
}

export interface Outcome extends Verification {
  /** When the newest failing request was answered, by the host's clock; absent where none was. */
  readonly lastFailureMs?: number;
  /** Something still fails, and it is at most half of what it was, and no longer of this fault. */
  readonly isHalved?: true;
}

/**
 * What became of the symptom: the fault is looked for anew, the requests since the change are counted, and the failing page is asked
 * for. `ended` needs one of them as proof, and `goes-on` is whatever still fails that failed before, or fails now and did not.
 */
export function judgeOutcome({ before, after, finding, seconds, live, ownRequests }: OutcomeInput): Outcome {
  const ownFailed = live?.servedAfter === false ? ownRequests : 0;
  const then = countsOf(before, 0, 0);
  const now = countsOf(after, ownRequests, ownFailed);
  const explained = new Set([finding, ...before.findings.filter(one => one.causedBy === finding.fault)].flatMap(one => one.symptoms));
  const own = before.symptoms.filter(symptom => explained.has(symptom.id));
  const others = after.symptoms.filter(symptom => symptom.count === 0 || symptom.count > ownFailed);
  const failing = others.filter(symptom => own.some(one => isSame(one, symptom)) || !before.symptoms.some(one => isSame(one, symptom)));
  const still = after.findings.find(one => one.fault === finding.fault && isSameSubject(one, finding) && isAsBad(one, finding));
  const counted = now.requests > 0 ? { after: now } : {};
  const common = { ...counted, ...(then.requests > 0 ? { before: then } : {}), seconds };
  const lastFailureMs = failing.reduce((last, symptom) => (symptom.count > 0 ? Math.max(last, Date.parse(symptom.lastAt)) : last), 0);
  const last = lastFailureMs > 0 ? { lastFailureMs } : {};
  const told = figures(common, live);

  if (finding.advice === true) return judgeAdvice(common, still, live, told);
  const isHalved = still === undefined && then.requests > 0 && now.requests >= few && now.failed / now.requests <= then.failed / then.requests / 2;
  const halved = isHalved && live?.servedBefore !== true ? { isHalved } : {};
  if (live?.servedAfter === false) {
    const text = `${live.what} ${live.servedBefore === true ? 'now' : 'still'} gets ${live.after}.${told}`;
    return { ...common, ...last, ...halved, state: 'goes-on', text };
  }
  if (failing.length > 0) return { ...common, ...last, ...halved, state: 'goes-on', text: `${failingText(failing, own)}${told}` };
  if (still !== undefined) return { ...common, ...last, state: 'goes-on', text: `A new diagnosis still finds: ${still.title} (${still.subject.name}).${told}` };
  const isServedNow = live?.servedAfter === true && live.servedBefore === false;
  const wasProbed = own.some(symptom => symptom.probe !== undefined) || finding.evidence.some(({ source }) => source.startsWith('probe:'));
  const isBlind = after.verdict === 'inconclusive';
  if (now.requests > 0 || isServedNow || finding.status === 'latent' || (wasProbed && !isBlind)) return { ...common, state: 'ended', text: told.trim() };
  return { ...common, state: 'unknown', text: `${told.trim()} Nothing shows that the symptom has ended, and nothing that it goes on.` };
}

/** Advice is not about what fails: it is done where it need not be given again, and nothing has become worse. */
function judgeAdvice(common: Pick<Outcome, 'after' | 'before' | 'seconds'>, still: Finding | undefined, live: LiveAnswer | undefined, told: string): Outcome {
  const { after, before } = common;
  const isWorse = after !== undefined && before !== undefined && after.failed / after.requests > before.failed / before.requests + worsening;
  if (isWorse || (live?.servedBefore === true && live.servedAfter === false)) return { ...common, state: 'goes-on', text: `More fails than before.${told}` };
  if (still !== undefined) return { ...common, state: 'goes-on', text: `A new diagnosis still finds: ${still.title} (${still.subject.name}).${told}` };
  return { ...common, state: 'ended', text: told.trim() };
}

function countsOf({ traffic }: Report, own: number, ownFailed: number): { readonly requests: number; readonly failed: number } {
  const requests = Math.max(0, traffic.requests - own);
  return { requests, failed: Math.min(Math.max(0, traffic.failed - ownFailed), requests) };
}

function figures({ after, before, seconds }: Pick<Verification, 'after' | 'before' | 'seconds'>, live: LiveAnswer | undefined): string {
  const share = before === undefined || before.failed === 0 ? '' : `; before, ${percent(before.failed / before.requests)}`;
  const counted =
    after === undefined
      ? ` No request is in the access log for the ${seconds} s since the change`
      : ` ${after.failed} of ${after.requests} requests failed in the ${seconds} s since the change${share}`;
  const asked =
    live === undefined || live.servedAfter === undefined
      ? after === undefined
        ? '; what was found before is not found any more.'
        : '.'
      : `. ${live.what} gets ${live.after}${live.before === live.after ? '' : `; before, ${live.before}`}.`;
  return counted + asked;
}

function failingText(failing: readonly ReportSymptom[], own: readonly ReportSymptom[]): string {
  const isNew = failing.every(symptom => !own.some(one => isSame(one, symptom)));
  const [first] = failing;
  const what = first === undefined ? '' : ` (${first.class}${first.upstream === undefined ? '' : ` at ${first.upstream}`})`;
  return isNew ? `Since the change something else fails${what}.` : `What failed before still fails${what}.`;
}

function isSame(one: ReportSymptom, other: ReportSymptom): boolean {
  if ((one.probe === undefined) !== (other.probe === undefined)) return false;
  return one.class === other.class && (one.upstream === other.upstream || one.upstream === undefined || other.upstream === undefined);
}

function isSameSubject(one: Finding, other: Finding): boolean {
  return one.subject.id === other.subject.id || one.subject.peers.some(peer => other.subject.peers.includes(peer));
}

/** What was to come is no better while it still is to come; what was over can only come back. */
function isAsBad(now: Finding, then: Finding): boolean {
  return now.status === 'active' || (then.status === 'latent' && now.status === 'latent');
}

function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 1 ? '<1' : Math.round(value)} %`;
}
