import { unifiedDiff } from '../src/core/changes/unified-diff.ts';
import type { FixPlan } from '../src/core/model/finding.ts';
import type { FixReport, UndoReport } from '../src/core/model/changes-report.ts';
import { misbehaviour, runBadhop, type BadhopRun } from './badhop.ts';
import type { LabHost } from './host.ts';
import type { Scenario } from './scenario.ts';

/** Seconds: long enough for a symptom of any scenario to show itself again, short enough for a test. */
const settle = 4;

/** A plan by its id, and the files that it edits. */
export interface PlanToCarryOut {
  readonly id: string;
  readonly files: readonly string[];
}

/** What a plan's files are, byte for byte, with owner and mode; and which of them are not there. */
export type Snapshot = Readonly<Record<string, string>>;

export function filesOf({ steps }: FixPlan): readonly string[] {
  return [...new Set(steps.flatMap(step => (step.kind === 'edit' ? [step.path] : [])))];
}

export async function snapshotOf(host: LabHost, { files }: PlanToCarryOut): Promise<Snapshot> {
  const script = 'if [ -e "$1" ]; then stat -L -c "%u:%g %a %s" "$1"; sha256sum < "$1"; else echo absent; fi';
  const look = async (path: string): Promise<[string, string]> => [path, await host.shell(script, [path])];
  return Object.fromEntries<string>(await Promise.all(files.map(look)));
}

/** Lets badhop carry the plan out; throws where it does not say that it stays. Whether it works again is asked by the caller. */
export async function applyWithBadhop(program: string, host: LabHost, plan: PlanToCarryOut, scenario: Pick<Scenario, 'args' | 'settle'>): Promise<FixReport> {
  const before = await textsOf(host, plan);
  const options = ['--settle', String(scenario.settle ?? settle), '--format', 'json', ...(scenario.args ?? []).filter(isOption)];
  const run = await runBadhop(program, host, ['fix', plan.id, '--apply', ...options], { timeoutMs: 240_000 });
  const report = reportOf(run) as FixReport;
  const last = report.results.at(-1)?.result;
  const isDone = (last?.outcome === 'applied' && run.exitCode === 0) || (last?.outcome === 'unverified' && run.exitCode === 3);
  if (!isDone) throw new Error(`badhop fix ended with ${run.exitCode}: ${JSON.stringify(last ?? report.summary)}\n${run.stderr}`);
  // It diagnoses anew, and may reckon with another number than the diagnosis before.
  const carriedOut = report.plans.find(one => one.plan.id === plan.id)?.plan;
  if (carriedOut === undefined) throw new Error(`badhop fix does not show the plan ${plan.id}`);
  const others = filesOf(carriedOut).filter(path => !plan.files.includes(path));
  if (others.length > 0) throw new Error(`it edits ${others.join(', ')} too`);
  const stray = strayLines(carriedOut, before, await textsOf(host, plan));
  if (stray.length > 0) throw new Error(`it changed more than its plan: ${stray.join('; ')}`);
  return report;
}

/** Takes back what was applied; throws where a file has not its old bytes, owner and mode again. */
export async function undoWithBadhop(program: string, host: LabHost, plan: PlanToCarryOut, before: Snapshot): Promise<void> {
  const run = await runBadhop(program, host, ['undo', '--format', 'json'], { timeoutMs: 240_000 });
  const report = reportOf(run) as UndoReport;
  // What was mended is not broken again: the test of the server is asked before anything takes the old file up.
  if (plan.id === 'repair-nginx-config' && report.result.outcome === 'rolled-back' && report.result.why?.includes('fails its test') === true) return;
  if (report.result.outcome !== 'applied' || run.exitCode !== 0) throw new Error(`badhop undo ended with ${run.exitCode}: ${JSON.stringify(report.result)}`);
  const now = await snapshotOf(host, plan);
  const differs = Object.keys(before).filter(path => before[path] !== now[path]);
  if (differs.length > 0) throw new Error(`undone, and not as before: ${differs.map(path => `${path}: ${before[path]} → ${now[path]}`).join('; ')}`);
  const left = await host.shell('find /etc /run/systemd -xdev -name ".badhop-*" 2>/dev/null || true');
  if (left.trim() !== '') throw new Error(`left beside the files: ${left}`);
}

async function textsOf(host: LabHost, { files }: PlanToCarryOut): Promise<ReadonlyMap<string, string | undefined>> {
  const read = async (path: string): Promise<[string, string | undefined]> => {
    const { code, stdout } = await host.exec(['cat', path]);
    return [path, code === 0 ? stdout : undefined];
  };
  return new Map(await Promise.all(files.map(read)));
}

/** Lines that came or went and are in no edit of the plan. */
function strayLines(plan: FixPlan, before: ReadonlyMap<string, string | undefined>, after: ReadonlyMap<string, string | undefined>): readonly string[] {
  return [...before].flatMap(([path, text]) => {
    const edits = plan.steps.filter(step => step.kind === 'edit').filter(step => step.path === path);
    const [gone, come] = [edits.flatMap(edit => edit.before.split('\n')), edits.flatMap(edit => edit.after.split('\n'))];
    const rows = unifiedDiff(path, text, after.get(path)).split('\n').slice(2);
    return rows.filter(row => (row.startsWith('-') && !gone.includes(row.slice(1))) || (row.startsWith('+') && !come.includes(row.slice(1))));
  });
}

/** Of the arguments for `diagnose` those that `fix` has too. */
function isOption(word: string, index: number, words: readonly string[]): boolean {
  return word === '--no-probe' || word === '--since' || words[index - 1] === '--since';
}

function reportOf(run: BadhopRun): unknown {
  const wrong = misbehaviour(run);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  try {
    return JSON.parse(run.stdout);
  } catch {
    throw new Error(`badhop printed no report (exit code ${run.exitCode}):\n${(run.stdout + run.stderr).slice(-3000)}`);
  }
}
