/** Short ways to write the steps of a plan. */
import type { FieldRole, FieldUse, PlanStep, TimeStyle } from '../scan/plan.ts';

export function literal(text: string): PlanStep {
  return { do: 'literal', text };
}

/** A value up to `until`, used as said; the one of no role is passed over. */
export function field(role: FieldRole, use: FieldUse, until: string): PlanStep {
  return { do: 'field', role, use, until };
}

/** A value in which a backslash takes the meaning off what follows it. */
export function escapedField(role: FieldRole, use: FieldUse, until: string): PlanStep {
  return { do: 'field', role, use, until, escaped: true };
}

export function pass(until: string): PlanStep {
  return { do: 'field', use: 'skip', until };
}

export function textBefore(role: FieldRole, use: FieldUse, before: string): PlanStep {
  return { do: 'text', role, use, before };
}

export function seek(text: string): PlanStep {
  return { do: 'seek', text };
}

/** Length of the text up to the hour, for each style. */
const prefixLengths: Readonly<Record<TimeStyle, number>> = {
  local: '21/Nov/2026:01'.length,
  iso: '2026-11-21T01'.length,
  'nginx-error': '2026/11/21 01'.length,
  ctime: 'Sat Nov 21 01'.length,
  'day-first': '21-Nov-2026 01'.length,
  syslog: 'Nov 21 01'.length,
};

export function clock(style: TimeStyle, until: string): PlanStep {
  return { do: 'time', form: 'clock', style, prefixLength: prefixLengths[style], until };
}

/** The same of a JSON value. */
export function jsonClock(style: TimeStyle): { readonly form: 'clock'; readonly style: TimeStyle; readonly prefixLength: number } {
  return { form: 'clock', style, prefixLength: prefixLengths[style] };
}

/** Roles that a plan's steps name, each once. */
export function rolesOf(steps: readonly PlanStep[]): readonly FieldRole[] {
  return [...new Set(steps.flatMap(step => ((step.do === 'field' || step.do === 'text') && step.role !== undefined ? [step.role] : [])))];
}

/** The steps with a literal between them: `column(' ', a, b)` is `a b`. */
export function columns(separator: string, ...steps: readonly PlanStep[]): readonly PlanStep[] {
  return steps.flatMap((step, index) => (index === 0 ? [step] : [literal(separator), step]));
}
