import type { ChangeAuthor, ChangeResult } from './change.ts';
import type { Confidence, FindingStatus, FixPlan } from './finding.ts';
import type { Verdict } from './report.ts';

/** Head of each of these reports; their schema is `docs/changes-report.schema.json`. */
interface Head {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'badhop'; readonly version: string };
  readonly hostname: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** A plan of a finding, as it would be carried out on this host now. */
export interface PlannedFix {
  readonly fault: string;
  readonly title: string;
  readonly confidence: Confidence;
  readonly status: FindingStatus;
  readonly subject: { readonly id: string; readonly name: string };
  readonly plan: FixPlan;
  /** A unified diff for each file. */
  readonly diffs: readonly { readonly path: string; readonly diff: string }[];
  /** Its disruptive commands: with them it is applied only where it is named or somebody says yes. */
  readonly disruptive: readonly (readonly string[])[];
}

/** `badhop fix --format json`. */
export interface FixReport extends Head {
  readonly command: 'fix';
  /** Of the diagnosis that the plans are from. */
  readonly verdict: Verdict;
  readonly summary: string;
  /** When that diagnosis was made. */
  readonly diagnosedAt: string;
  readonly plans: readonly PlannedFix[];
  /** In the order in which they were tried; empty without --apply. */
  readonly results: readonly { readonly plan: string; readonly fault: string; readonly subject: string; readonly result: ChangeResult }[];
}

/** `badhop undo --format json`. */
export interface UndoReport extends Head {
  readonly command: 'undo';
  /** The change that is taken back. */
  readonly id: string;
  readonly summary: string;
  readonly files: readonly string[];
  readonly result: ChangeResult;
}

/** `badhop history --format json`, the newest first. */
export interface HistoryReport extends Head {
  readonly command: 'history';
  readonly changes: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly id: string;
  readonly result: 'applied' | 'undone' | 'rolled-back' | 'conflict' | 'open' | 'unreadable';
  readonly kind?: 'fix' | 'undo';
  readonly undoes?: string;
  readonly at?: string;
  readonly endedAt?: string;
  readonly who?: ChangeAuthor;
  readonly plan?: string;
  readonly summary?: string;
  readonly fault?: string;
  readonly files: readonly string[];
  readonly commands: readonly (readonly string[])[];
  readonly text: string;
}

export type ChangesReport = FixReport | UndoReport | HistoryReport;
