import type { Finding, FixPlan } from '../model/finding.ts';
import type { Report } from '../model/report.ts';

/** A plan, and the finding that it is for. */
export interface Chosen {
  readonly finding: Finding;
  readonly plan: FixPlan;
}

/** All plans of the findings that are named by the id of their fault or of a plan. */
export function plansNamed(report: Report, names: readonly string[]): readonly Chosen[] {
  return report.findings.flatMap(finding =>
    finding.fixes.filter(plan => names.includes(finding.fault) || names.includes(plan.id)).map(plan => ({ finding, plan })),
  );
}

/** Of the plans of each finding the first that badhop may carry out by itself: two for one fault would be tried as one. */
export function applicable(chosen: readonly Chosen[]): readonly Chosen[] {
  const done = new Set<Finding>();
  return chosen.filter(({ finding, plan }) => {
    if (!plan.automatic || done.has(finding)) return false;
    done.add(finding);
    return true;
  });
}

/** The same plan for the same finding in a newer diagnosis. */
export function foundAgain(report: Report, { finding, plan }: Chosen): Chosen | undefined {
  const again = report.findings.find(one => one.fault === finding.fault && one.subject.id === finding.subject.id && one.status !== 'past');
  const same = again?.fixes.find(one => one.id === plan.id);
  return again === undefined || same === undefined ? undefined : { finding: again, plan: same };
}

/** Whether two plans do the same: their words may differ, their edits and commands may not. */
export function doTheSame(one: FixPlan, other: FixPlan): boolean {
  const deeds = ({ steps, validate }: FixPlan): string =>
    JSON.stringify([
      steps.map(step => (step.kind === 'edit' ? [step.path, step.line, step.before, step.after] : step.kind === 'command' ? step.argv : 0)),
      validate,
    ]);
  return deeds(one) === deeds(other);
}

/** Faults of which nginx's own test may speak: a plan for one of them is made although, or because, the test fails. */
const failTheTest: ReadonlySet<string> = new Set(['nginx-config-invalid', 'nginx-down', 'dns-name-not-found', 'dns-resolver-unreachable', 'resolver-missing']);

export function mendsTest({ fault }: Finding): boolean {
  return failTheTest.has(fault);
}
