import type { Finding, FixPlan } from './finding.ts';
import type { Facts } from './facts.ts';

/** Turns a finding into a plan, or says nothing where it has none for this host. Pure; applying is somebody else's. */
export interface Fix {
  /** Verb phrase: `raise-fpm-children`. */
  readonly id: string;
  /** Fault ids that it answers to. */
  readonly fixes: readonly string[];
  plan(finding: Finding, facts: Facts): FixPlan | undefined;
}

/** Typed identity. */
export function defineFix(fix: Fix): Fix {
  return fix;
}

/** A unified diff of one replaced line range, for showing. `before` and `after` are whole lines without the final newline. */
export function lineDiff(path: string, line: number, before: string, after: string): string {
  const old = before.split('\n');
  const next = after.split('\n');
  return [
    `--- ${path}`,
    `+++ ${path}`,
    `@@ -${line},${old.length} +${line},${next.length} @@`,
    ...old.map(text => `-${text}`),
    ...next.map(text => `+${text}`),
  ].join('\n');
}
