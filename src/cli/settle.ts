import { answerText, isServed, liveRequest } from '../core/changes/live-request.ts';
import { judgeOutcome, type LiveAnswer, type Outcome } from '../core/changes/outcome.ts';
import type { Verification } from '../core/model/change.ts';
import type { Finding } from '../core/model/finding.ts';
import type { ProbeResult } from '../core/model/probe.ts';
import type { Prober } from '../core/model/probe.ts';
import type { Report } from '../core/model/report.ts';

/** What looking at a host after a change needs. */
export interface SettleSetup {
  /** The diagnosis that the change is made for. */
  readonly before: Report;
  readonly finding: Finding;
  readonly settleMs: number;
  /** How long the plan needs to have its whole effect. */
  readonly takesMs: number;
  /** Something is started anew, and may need a while before it serves. */
  readonly startsAnew: boolean;
  /** Absent where probing is switched off. */
  readonly prober: Prober | undefined;
  readonly signal: AbortSignal;
  /** A diagnosis whose window is that long, up to now. */
  diagnose(windowMs: number): Promise<Report>;
  onStep(step: string): void;
}

const stepMs = 250;
// The clock of a log has whole seconds: what was logged in the second of the change may be from before it.
const clockGrainMs = 1000;
// A quiet time this many times as long is waited for before a change is given up, and where less fails than before, longer.
const patience = 3;
const moreMs = 40_000;
// A service that was started anew needs some time, however short the settling time; nginx takes a reload up at once.
const leastMs = 20_000;
const leastReloadMs = 3000;

/** Asks for the failing page now; the result looks after the change, until it has been quiet for the settling time or that does not come. */
export async function watchSymptom(setup: SettleSetup): Promise<() => Promise<Verification>> {
  const request = liveRequest(setup.before, setup.finding);
  const { prober } = setup;
  const ask = async (): Promise<ProbeResult | undefined> => (request === undefined || prober === undefined ? undefined : prober(request));
  const first = await ask();
  const what = request === undefined ? '' : `A GET of ${request.path ?? '/'} through nginx`;
  return async () => {
    const changedMs = Date.now();
    const deadlineMs = changedMs + Math.max(setup.settleMs * patience, setup.startsAnew ? leastMs : leastReloadMs, setup.takesMs + setup.settleMs * 2);
    const lateMs = Math.max(deadlineMs, changedMs + setup.settleMs * 2 + moreMs);
    let quietFromMs = changedMs + clockGrainMs;
    let asked = 0;
    for (;;) {
      await waitUntil(quietFromMs + setup.settleMs, setup);
      setup.onStep('looking whether it helped');
      const now = await ask();
      asked += now === undefined ? 0 : 1;
      const windowMs = Math.max(1000, Date.now() - quietFromMs);
      const after = await setup.diagnose(windowMs);
      const live = first === undefined || now === undefined ? undefined : liveAnswer(what, first, now);
      const seconds = Math.round(windowMs / 1000);
      const outcome = judgeOutcome({ before: setup.before, after, finding: setup.finding, seconds, live, ownRequests: asked });
      asked = 0;
      const endMs = isBetter(outcome) ? lateMs : deadlineMs;
      if (outcome.state !== 'goes-on' || Date.now() >= endMs || setup.signal.aborted) return verificationOf(outcome);
      quietFromMs = Math.min(Math.max(outcome.lastFailureMs ?? Date.now(), quietFromMs) + clockGrainMs, endMs - setup.settleMs);
      if (quietFromMs + setup.settleMs < Date.now()) quietFromMs = Date.now() - setup.settleMs / 2;
    }
  };
}

/** Fewer requests fail than before: what is left of it may pass. */
function isBetter({ before, after }: Outcome): boolean {
  return before !== undefined && after !== undefined && after.failed / after.requests < (before.failed / before.requests) * 0.7;
}

function liveAnswer(what: string, before: ProbeResult, after: ProbeResult): LiveAnswer {
  return { what, servedBefore: isServed(before), servedAfter: isServed(after), before: answerText(before), after: answerText(after) };
}

/** What helped by half and more is not taken back: then more would fail again. */
function verificationOf({ lastFailureMs: _time, isHalved, ...verification }: Outcome): Verification {
  return isHalved === true && verification.state === 'goes-on'
    ? { ...verification, state: 'unknown', text: `Less fails than before, and it is not over. ${verification.text}` }
    : verification;
}

async function waitUntil(untilMs: number, { signal, onStep }: Pick<SettleSetup, 'signal' | 'onStep'>): Promise<void> {
  for (let left = untilMs - Date.now(); left > 0 && !signal.aborted; left = untilMs - Date.now()) {
    onStep(`watching requests for ${Math.ceil(left / 1000)} s more`);
    await new Promise(done => {
      setTimeout(done, Math.min(stepMs, left));
    });
  }
}
