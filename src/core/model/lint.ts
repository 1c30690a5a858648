/** What `badhop lint` says of a configuration, as one versioned value; every form of output is a rendering of it. */
export interface LintReport {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'badhop'; readonly version: string };
  readonly subject: LintSubject;
  readonly nginx: { readonly version: string; readonly from: VersionSource; readonly upgradeTo?: string };
  /** `inconclusive`: nothing was found, and something could not be read that may hold it. */
  readonly verdict: 'clean' | 'findings' | 'inconclusive';
  /** In the order of their places. */
  readonly findings: readonly LintFinding[];
  /** Findings that a comment in the file silences. */
  readonly ignored: readonly { readonly rule: string; readonly path: string; readonly line: number; readonly reason: string }[];
  readonly notChecked: readonly LintGap[];
}

export interface LintSubject {
  readonly path: string;
  readonly form: 'file' | 'folder' | 'dump' | 'stdin';
  readonly files: number;
  readonly lines: number;
}

/** Where the version that the defaults are taken of comes from. */
export type VersionSource = 'option' | 'installed' | 'newest-known';

/** `error`: requests will fail, or nginx will not start. `warning`: requests can fail. `notice`: worth knowing, nothing fails by it. */
export type LintSeverity = 'error' | 'warning' | 'notice';

export interface LintFinding extends LintSpan {
  readonly rule: string;
  /** The fault of the catalogue that it will be when it is seen at run time. */
  readonly fault?: string;
  readonly severity: LintSeverity;
  readonly title: string;
  /** What is written, and what follows from it. */
  readonly message: string;
  /** What to do. */
  readonly advice: string;
  readonly related: readonly (LintSpan & { readonly text: string })[];
  readonly fix?: LintFix;
}

/** A place in a file. Lines and columns count from 1; a column is a character, and the end column is the one behind the last. */
export interface LintSpan {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The line as it is written, secrets taken out. */
  readonly source: string;
}

export interface LintFix {
  readonly summary: string;
  /** Unified diffs, one for each run of lines. */
  readonly diffs: readonly string[];
}

/** What was not judged. `matters`: without findings the verdict is `inconclusive` because of it. */
export interface LintGap {
  readonly what: string;
  readonly why: string;
  readonly how?: string;
  readonly matters: boolean;
}

/** The worst first. */
export const lintSeverities: readonly LintSeverity[] = ['error', 'warning', 'notice'];
