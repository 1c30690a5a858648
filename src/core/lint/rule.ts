import type { ConfigDirective, ConfigToken } from '../model/facts/nginx.ts';
import type { LintSeverity } from '../model/lint.ts';
import type { TextChange } from '../model/nginx-edits.ts';
import type { LintView } from './view.ts';

/** A byte range of a file: what is underlined. */
export interface Spot {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** What a rule has found, before lines and columns are counted. */
export interface LintProblem {
  readonly at: Spot;
  /** What is written, and what follows from it. Whole sentences. */
  readonly message: string;
  /** What to do. Whole sentences. */
  readonly advice: string;
  readonly related?: readonly { readonly at: Spot; readonly text: string }[];
  /** Given only where the change is right whatever the backend is. */
  readonly fix?: { readonly summary: string; readonly changes: readonly TextChange[] };
  /** Where this case is milder or worse than the rule's usual one. */
  readonly severity?: LintSeverity;
  /** Where this case is another fault than the rule's usual one. */
  readonly fault?: string;
}

export interface LintRule {
  readonly meta: {
    /** As the fault of the catalogue where it is one; permanent; the file's name. */
    readonly id: string;
    /** States what is true of the configuration. A whole sentence without its full stop. */
    readonly title: string;
    readonly severity: LintSeverity;
    /** The fault of the catalogue that this becomes at run time. */
    readonly fault?: string;
  };
  check(view: LintView): Iterable<LintProblem>;
}

/** Typed identity. */
export function defineLintRule(rule: LintRule): LintRule {
  return rule;
}

/** A directive's name and arguments, without its block; or one of its arguments alone. */
export function spotOf(directive: ConfigDirective, token?: ConfigToken): Spot {
  const { path, start } = directive;
  if (token !== undefined) return { path, start: token.start, end: token.end };
  return { path, start, end: directive.args.at(-1)?.end ?? start + directive.name.length };
}
