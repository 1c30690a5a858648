import { existsSync, realpathSync } from 'node:fs';
import { faults } from '../core/faults/index.ts';
import { fixes } from '../core/fixes/index.ts';
import { onlyReloadsNginx } from '../core/changes/commands.ts';
import { applicable, doTheSame, foundAgain, mendsTest, plansNamed, type Chosen } from '../core/changes/select-plans.ts';
import { spliceEdits, type EditStep } from '../core/changes/splice.ts';
import { unifiedDiff } from '../core/changes/unified-diff.ts';
import type { ChangeResult } from '../core/model/change.ts';
import type { FixReport, PlannedFix } from '../core/model/changes-report.ts';
import { BadhopError } from '../core/model/error.ts';
import type { Report } from '../core/model/report.ts';
import { latin1FromBytes } from '../core/parsers/latin1.ts';
import { tellStory } from '../core/reporters/finding-lines.ts';
import { applyChange, refusal } from '../node/apply/apply-change.ts';
import { readWhole } from '../node/apply/durable-files.ts';
import { prepareFix } from '../node/apply/prepare.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { createProber } from '../node/probes/prober.ts';
import { redactDeep } from '../node/redact/redact.ts';
import { changeAlone, headOf, type ChangeRequest } from './change-request.ts';
import { diagnoseLocal } from './compose.ts';
import { watchSymptom } from './settle.ts';
import type { Since } from './since.ts';

/** What a person may ask of `badhop fix`. */
export interface FixRequest extends ChangeRequest {
  /** Ids of faults or plans; empty for the root cause. */
  readonly names: readonly string[];
  readonly apply: boolean;
  readonly since: Since | undefined;
  readonly probing: boolean;
  readonly settleMs: number;
  /** A report that was made before; its plans are shown, and applied where a new diagnosis has them too. */
  readonly earlier: Report | undefined;
  /** Asks a person at a terminal; false where there is none. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/** Diagnoses, shows the plans, and with `apply` carries them out one after the other. */
export async function fixLocal(request: FixRequest): Promise<FixReport> {
  const startedAt = new Date().toISOString();
  const report = request.earlier ?? (await diagnoseNow(request));
  const chosen = choosePlans(report, request.names);
  const results: FixReport['results'][number][] = [];
  let shown = chosen.map(planned);
  if (request.apply) {
    let fresh = request.earlier === undefined ? report : await diagnoseNow(request);
    for (const [index, wanted] of applicable(chosen).entries()) {
      // The change before this one has made the first diagnosis an old one.
      if (index > 0) fresh = await diagnoseNow(request);
      const tried = await tryPlan(request, fresh, wanted);
      if (tried.now !== undefined)
        shown = [planned(tried.now), ...shown.filter(one => one.plan.id !== wanted.plan.id || one.subject.id !== wanted.finding.subject.id)];
      results.push({ plan: wanted.plan.id, fault: wanted.finding.fault, subject: wanted.finding.subject.id, result: tried.result });
      if (tried.result.outcome !== 'applied') break;
    }
  }
  return redactDeep<FixReport>({
    ...headOf(request, startedAt),
    command: 'fix',
    verdict: report.verdict,
    summary: report.summary,
    diagnosedAt: report.startedAt,
    plans: shown,
    results,
  });
}

function diagnoseNow({ since, probing, version, ...request }: FixRequest): Promise<Report> {
  return diagnoseLocal({ since, probing, version, keepsSecrets: true, onProgress: stage => request.onProgress(stage) });
}

function choosePlans(report: Report, names: readonly string[]): readonly Chosen[] {
  if (names.length === 0) {
    const { root } = tellStory(report);
    return root === undefined ? [] : root.fixes.map(plan => ({ finding: root, plan }));
  }
  const found = new Set(report.findings.flatMap(finding => [finding.fault, ...finding.fixes.map(plan => plan.id)]));
  const known = new Set([...faults.map(({ meta }) => meta.id), ...fixes.map(({ id }) => id), ...found]);
  const unknown = names.find(name => !known.has(name));
  if (unknown !== undefined)
    throw new BadhopError('usage', `there is no fault or plan '${unknown}'`, {
      hint: '`badhop explain` lists the faults, `badhop fix` the plans for this host.',
    });
  return plansNamed(report, names);
}

/** Tries one plan; where the host changed after the diagnosis, once more with what a new one says. */
async function tryPlan(request: FixRequest, report: Report, wanted: Chosen): Promise<{ readonly now?: Chosen; readonly result: ChangeResult }> {
  const current = foundAgain(report, wanted) ?? (request.earlier === undefined ? wanted : undefined);
  if (current === undefined) return { result: refusedBecause('A new diagnosis does not find it any more.', []) };
  if (request.earlier !== undefined && !doTheSame(redactDeep(current.plan), wanted.plan))
    return {
      now: current,
      result: refusedBecause('The host has changed since that report: a new diagnosis has another plan.', ['Look at it, and apply it without --report.']),
    };
  const named = request.names.includes(current.plan.id);
  if (!named && disruptiveOf(current).length > 0 && !(await request.confirm(`${current.plan.summary}: requests under way are cut off. Apply it?`)))
    return { result: refusedBecause('It cuts requests off, and nobody said yes.', [`Name the plan to apply it: badhop fix ${current.plan.id} --apply`]) };
  const result = await carryOut(request, report, current);
  if (result.outcome !== 'refused' || result.id !== undefined || !isStale(result)) return { result };
  request.onProgress('the host has changed: looking again');
  const again = await diagnoseNow(request);
  const newer = foundAgain(again, current);
  if (newer === undefined || doTheSame(newer.plan, current.plan)) return { result };
  return { now: newer, result: refusedBecause(`${result.why ?? ''} A new diagnosis has another plan.`, ['Look at it, and apply it: `badhop fix` shows it.']) };
}

function isStale({ why = '' }: ChangeResult): boolean {
  return why.includes('no longer holds') || why.includes('is there already') || why.includes('not there any more');
}

async function carryOut(request: FixRequest, report: Report, { finding, plan }: Chosen): Promise<ChangeResult> {
  const host = createLocalHost();
  try {
    return await changeAlone(request, async signal => {
      request.onProgress('asking before the change');
      const onStep = (stage: string): void => request.onProgress(stage);
      const prober = request.probing ? createProber(host, { version: request.version }) : undefined;
      const verify = await watchSymptom({
        before: report,
        finding,
        settleMs: request.settleMs,
        takesMs: (plan.takesSeconds ?? 0) * 1000,
        startsAnew: !onlyReloadsNginx(plan),
        prober,
        signal,
        onStep,
        diagnose: windowMs => diagnoseNow({ ...request, since: { kind: 'length', ms: windowMs }, onProgress: () => undefined }),
      });
      const change = await prepareFix(host, {
        plan,
        fault: finding.fault,
        subject: finding.subject.id,
        toolVersion: request.version,
        mendsTest: mendsTest(finding),
      });
      return applyChange({ host, state: request.state, onStep, verify, signal }, change);
    });
  } catch (error) {
    return refusal(error);
  }
}

function refusedBecause(why: string, notes: readonly string[]): ChangeResult {
  return { outcome: 'refused', why, notes };
}

function disruptiveOf({ plan }: Chosen): readonly (readonly string[])[] {
  return plan.steps.flatMap(step => (step.kind === 'command' && step.disruptive ? [step.argv] : []));
}

/** A plan with its diffs against the files as they are; where one no longer fits, with the plan's own. */
function planned(chosen: Chosen): PlannedFix {
  const { finding, plan } = chosen;
  const edits = new Map<string, EditStep[]>();
  for (const step of plan.steps) if (step.kind === 'edit') edits.set(step.path, [...(edits.get(step.path) ?? []), step]);
  const diffs = [...edits].map(([path, ofFile]) => ({ path, diff: diffOf(path, ofFile) ?? ofFile.map(({ diff }) => diff).join('\n') }));
  const { fault, title, confidence, status, subject } = finding;
  return { fault, title, confidence, status, subject: { id: subject.id, name: subject.name }, plan, diffs, disruptive: disruptiveOf(chosen) };
}

function diffOf(path: string, edits: readonly EditStep[]): string | undefined {
  try {
    const now = existsSync(path) ? readWhole(realpathSync(path)) : undefined;
    const text = now === undefined ? undefined : latin1FromBytes(now.bytes);
    const made = spliceEdits(text, edits);
    return made.state === 'made' ? unifiedDiff(path, text, made.after) : undefined;
  } catch {
    return undefined;
  }
}
