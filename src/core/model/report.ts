import type { Finding } from './finding.ts';
import type { Symptom, Topology } from './facts/topology.ts';
import type { Service } from './facts/backend.ts';
import type { ReportTrace } from './trace-report.ts';
import type { LogHistory } from './logs-report.ts';
import type { NotChecked, Verdict } from './verdict.ts';

export type { NotChecked, Verdict };

/** The contract of `badhop diagnose --format json`; its schema is `docs/report.schema.json`. Every other output is made of it. */
export interface Report {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'badhop'; readonly version: string };
  readonly host: {
    readonly name: string;
    readonly hostname: string;
    readonly os: string;
    readonly kernel: string;
    readonly user: string;
    readonly nginx: readonly string[];
  };
  /** ISO 8601, by the host's clock. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly window: { readonly from: string; readonly to: string };
  readonly verdict: Verdict;
  /** The verdict in one sentence. */
  readonly summary: string;
  readonly traffic: { readonly requests: number; readonly failed: number; readonly explainedShare: number; readonly unexplainedShare: number };
  readonly topology: ReportTopology;
  readonly symptoms: readonly ReportSymptom[];
  readonly findings: readonly Finding[];
  readonly ruledOut: readonly { readonly fault: string; readonly because: string }[];
  readonly notChecked: readonly NotChecked[];
  /** How much was looked at, where the engine counted it. */
  readonly checked?: { readonly faults: number; readonly probes: number };
  /** Only where it was asked for (`--tail-window`). The verdict and the findings are made without it. */
  readonly history?: LogHistory;
  /** Errors of badhop's own: a fault or parser that threw. Empty unless we have a bug. */
  readonly internalErrors: readonly string[];
  /** What was seen from outside, in a report of `badhop trace`. */
  readonly trace?: ReportTrace;
}

/** Of the settings, those that the configuration says; what nginx does by itself is left out. */
export type ReportTopology = Topology & {
  readonly services: readonly Service[];
  /** Of a trace: the hops that the answer shows, from the client inwards. */
  readonly layers?: readonly ReportLayer[];
};

export interface ReportLayer {
  /** The product, or an address where none is known. */
  readonly id: string;
  readonly name: string;
  /** `cdn`, `load-balancer`, `web-server` … */
  readonly role: string;
  readonly part: 'answered' | 'passed-on' | 'seen';
  readonly certainty: 'sure' | 'likely' | 'possible';
}

/** A symptom without its groups; its samples as evidence. Times are ISO 8601. */
export interface ReportSymptom extends Omit<Symptom, 'errorGroups' | 'accessGroups' | 'firstMs' | 'lastMs' | 'buckets' | 'shape'> {
  readonly firstAt: string;
  readonly lastAt: string;
  readonly shape: string;
  /** Changes of the host shortly before the first failure, the nearest first. They need not be the cause. */
  readonly since?: readonly { readonly text: string; readonly source: string; readonly at: string; readonly diff?: string }[];
  /** Which requests fail where others do not: `only POST /export/{n}`. */
  readonly where?: string;
  /** Why `madeBy` is unknown: `the log format lacks $upstream_status`. */
  readonly because?: string;
  readonly samples: readonly { readonly source: string; readonly text: string }[];
}
