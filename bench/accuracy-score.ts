import type { RecordedFinding, ScenarioRecord } from '../lab/results.ts';
import type { Scenario } from '../lab/scenario.ts';

/** Of each fault of the catalogue, the faults that it brings about further up. */
export type LeadsTo = ReadonlyMap<string, readonly string[]>;

/** How one diagnosis did. */
export interface Score {
  readonly scenario: string;
  readonly kind: Scenario['kind'];
  readonly expected?: string;
  /** No name is expected first: an honest observer of this host can only guess. */
  readonly isOpen: boolean;
  /** False where the scenario failed before badhop was asked: nothing is known of badhop. */
  readonly isJudged: boolean;
  /** The report was as the scenario expects, and the repair worked. */
  readonly isAsExpected: boolean;
  readonly failedAt?: string;
  readonly first?: RecordedFinding;
  /** Place of the expected fault among the findings, from 1; absent where it was not found. */
  readonly rank?: number;
  /** Faults that were called confirmed and active and are not so. */
  readonly confidentlyWrong: readonly string[];
  /** Of a healthy host: there was a report, and nothing in it was active. */
  readonly isSilent?: boolean;
  readonly seconds: number;
  readonly diagnosisMs?: number;
}

export interface Totals {
  readonly scenarios: number;
  readonly judged: number;
  readonly asExpected: number;
  /** Judged scenarios that expect a name first; the base of the two shares. */
  readonly named: number;
  readonly top1: number;
  readonly top3: number;
  readonly open: number;
  readonly healthy: number;
  readonly silent: number;
  readonly confidentlyWrong: number;
  /** Undefined where no diagnosis ended. */
  readonly medianMs?: number;
  readonly p95Ms?: number;
  /** Faults of the catalogue that a judged scenario brings about. */
  readonly faultsCovered: number;
  readonly faults: number;
}

type Judged = Pick<Scenario, 'name' | 'kind' | 'fault' | 'expect'>;

export function scoreOf(scenario: Judged, record: ScenarioRecord, leadsTo: LeadsTo): Score {
  const { findings } = record;
  // A diagnosis without a report is badhop's failure; what fails before it is the lab's.
  const isJudged = findings !== undefined || record.failedAt === 'diagnose';
  const names = new Set([scenario.fault, ...(scenario.expect.orFirst ?? [])]);
  const at = findings?.findIndex(finding => names.has(finding.fault)) ?? -1;
  const first = findings?.[0];
  return {
    scenario: scenario.name,
    kind: scenario.kind,
    ...(scenario.fault !== undefined && { expected: scenario.fault }),
    isOpen: scenario.fault !== undefined && scenario.expect.first === undefined,
    isJudged,
    isAsExpected: record.result === 'passed',
    ...(record.failedAt !== undefined && { failedAt: record.failedAt }),
    ...(first && { first }),
    ...(at >= 0 && { rank: at + 1 }),
    confidentlyWrong: confidentlyWrong(scenario, findings ?? [], leadsTo),
    ...(scenario.kind === 'healthy' && isJudged && { isSilent: findings?.every(finding => finding.status !== 'active') ?? false }),
    seconds: record.seconds,
    ...(record.diagnosisMs !== undefined && { diagnosisMs: record.diagnosisMs }),
  };
}

/**
 * What is called confirmed and active is right where the scenario names it, or where it is a consequence of something right
 * that was found too: alone, a consequence is taken for the root. A cause of the expected fault that the scenario does not
 * name is wrong, for the expected fault is the root.
 */
function confidentlyWrong({ fault, expect }: Judged, findings: readonly RecordedFinding[], leadsTo: LeadsTo): string[] {
  const declared = (expect.findings ?? []).filter(({ status }) => status === undefined || status === 'active').map(each => each.fault);
  const roots = [...(fault === undefined ? [] : [fault]), ...(expect.orFirst ?? []), ...declared];
  const foundRoots = roots.filter(root => findings.some(finding => finding.fault === root));
  const consequences = foundRoots.length === 0 ? [] : [...(expect.consequences ?? []), ...foundRoots.flatMap(root => [...reachable(root, leadsTo)])];
  const right = new Set([...roots, ...consequences]);
  for (const refuted of expect.notFindings ?? []) right.delete(refuted);
  const claimed = findings.filter(finding => finding.confidence === 'confirmed' && finding.status === 'active').map(finding => finding.fault);
  return [...new Set(claimed)].filter(claim => !right.has(claim));
}

function reachable(from: string, leadsTo: LeadsTo): ReadonlySet<string> {
  const seen = new Set<string>();
  const todo = [...(leadsTo.get(from) ?? [])];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    todo.push(...(leadsTo.get(next) ?? []));
  }
  return seen;
}

export function totalsOf(scores: readonly Score[], leadsTo: LeadsTo): Totals {
  const judged = scores.filter(score => score.isJudged);
  const named = judged.filter(score => score.expected !== undefined && !score.isOpen);
  const healthy = judged.filter(score => score.kind === 'healthy');
  const covered = new Set(judged.flatMap(score => (score.expected === undefined || !leadsTo.has(score.expected) ? [] : [score.expected])));
  const times = judged.flatMap(score => score.diagnosisMs ?? []);
  const medianMs = percentile(times, 50);
  const p95Ms = percentile(times, 95);
  return {
    scenarios: scores.length,
    judged: judged.length,
    asExpected: scores.filter(score => score.isAsExpected).length,
    named: named.length,
    top1: named.filter(score => score.rank === 1).length,
    top3: named.filter(score => (score.rank ?? Infinity) <= 3).length,
    open: judged.filter(score => score.isOpen).length,
    healthy: healthy.length,
    silent: healthy.filter(score => score.isSilent === true).length,
    confidentlyWrong: judged.filter(score => score.confidentlyWrong.length > 0).length,
    ...(medianMs !== undefined && { medianMs }),
    ...(p95Ms !== undefined && { p95Ms }),
    faultsCovered: covered.size,
    faults: leadsTo.size,
  };
}

/** By nearest rank: a figure that was really seen. Undefined for no figures. */
export function percentile(figures: readonly number[], percent: number): number | undefined {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** 0: every scenario that was asked for was judged. 1: badhop was sure and wrong. 2: some scenario could not be judged. */
export function exitCodeOf(totals: Totals, asked: number): number {
  if (totals.confidentlyWrong > 0) return 1;
  return totals.judged < asked || asked === 0 ? 2 : 0;
}
