import { hostname } from 'node:os';
import { faults } from '../core/faults/index.ts';
import { fixes } from '../core/fixes/index.ts';
import { applicable, doTheSame, foundAgain, mendsTest, plansNamed, type Chosen } from '../core/changes/select-plans.ts';
import { spliceEdits, type EditStep } from '../core/changes/splice.ts';
import { unifiedDiff } from '../core/changes/unified-diff.ts';
import type { ChangeResult } from '../core/model/change.ts';
import type { FixReport, HistoryReport, PlannedFix, UndoReport } from '../core/model/changes-report.ts';
import { BadhopError } from '../core/model/error.ts';
import type { Report } from '../core/model/report.ts';
import { latin1FromBytes } from '../core/parsers/latin1.ts';
import { tellStory } from '../core/reporters/finding-lines.ts';
import { applyChange, refusal } from '../node/apply/apply-change.ts';
import { readWhole } from '../node/apply/durable-files.ts';
import { readHistory } from '../node/apply/history.ts';
import { prepareFix } from '../node/apply/prepare.ts';
import { chooseChange, prepareUndo } from '../node/apply/prepare-undo.ts';
import { recoverChanges } from '../node/apply/recover.ts';
import { prepareState, takeLock, type StateFolder } from '../node/apply/state-folder.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { createProber } from '../node/probes/prober.ts';
import { redactDeep } from '../node/redact/redact.ts';
import { diagnoseLocal } from './compose.ts';
import { tellRecovery } from './open-changes.ts';
import { watchSymptom } from './settle.ts';
import { holdSignals } from './signals.ts';
import type { Since } from './since.ts';

/** What every change is given. */
export interface ChangeRequest {
  readonly version: string;
  readonly state: StateFolder;
  readonly onProgress: (stage: string) => void;
}

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
    ...head(request, startedAt),
    command: 'fix',
    verdict: report.verdict,
    summary: report.summary,
    diagnosedAt: report.startedAt,
    plans: shown,
    results,
  });
}

/** Takes a change back. */
export async function undoLocal(request: ChangeRequest & { readonly id: string | undefined }): Promise<UndoReport> {
  const startedAt = new Date().toISOString();
  const host = createLocalHost();
  return locked(request, async signal => {
    const past = chooseChange(request.state, request.id);
    const prepared = await prepareUndo(host, request.state, past, request.version);
    const result =
      'outcome' in prepared ? prepared : await applyChange({ host, state: request.state, onStep: stage => request.onProgress(stage), signal }, prepared);
    return redactDeep<UndoReport>({
      ...head(request, startedAt),
      command: 'undo',
      id: past.id,
      summary: past.record?.plan.summary ?? '',
      files: past.record?.files.map(({ path }) => path) ?? [],
      result,
    });
  });
}

/** What badhop has changed on this host. */
export function listChanges(request: Pick<ChangeRequest, 'version' | 'state'>): HistoryReport {
  const startedAt = new Date().toISOString();
  const changes = readHistory(request.state).map(({ id, result, record, text, endedAt }) => ({
    id,
    result,
    ...(record === undefined
      ? {}
      : {
          kind: record.kind,
          ...(record.undoes === undefined ? {} : { undoes: record.undoes }),
          at: record.at,
          who: record.who,
          plan: record.plan.id,
          summary: record.plan.summary,
          ...(record.plan.fault === undefined ? {} : { fault: record.plan.fault }),
        }),
    ...(endedAt === undefined ? {} : { endedAt }),
    files: record?.files.map(({ path }) => path) ?? [],
    commands: record?.commands.map(({ argv }) => argv) ?? [],
    text,
  }));
  return redactDeep<HistoryReport>({ ...head(request, startedAt), command: 'history', changes });
}

function head({ version }: Pick<ChangeRequest, 'version'>, startedAt: string) {
  return { schemaVersion: 1, tool: { name: 'badhop', version }, hostname: hostname(), startedAt } as const;
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
    return await locked(request, async signal => {
      request.onProgress('asking before the change');
      const onStep = (stage: string): void => request.onProgress(stage);
      const prober = request.probing ? createProber(host, { version: request.version }) : undefined;
      const verify = await watchSymptom({
        before: report,
        finding,
        settleMs: request.settleMs,
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

/** Holds the lock while the work is done; before it, what others left open is ended. Signals end the work, not badhop. */
async function locked<T>({ state, onProgress }: ChangeRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  prepareState(state);
  onProgress('waiting for another badhop');
  const lock = await takeLock(state);
  if (lock === undefined)
    throw new BadhopError('change-refused', 'another badhop is changing this host', { hint: 'Wait for its end, and look at `badhop history`.' });
  const ending = new AbortController();
  const letGo = holdSignals(() => ending.abort());
  try {
    for (const recovery of await recoverChanges(createLocalHost(), state)) tellRecovery(recovery);
    return await work(ending.signal);
  } finally {
    letGo();
    lock.release();
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
    const now = readWhole(path);
    const text = now === undefined ? undefined : latin1FromBytes(now.bytes);
    const made = spliceEdits(text, edits);
    return made.state === 'made' ? unifiedDiff(path, text, made.after) : undefined;
  } catch {
    return undefined;
  }
}
