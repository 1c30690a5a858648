import type { MadeBy, MessageClass } from './facts/logs.ts';
import type { Finding } from './finding.ts';
import type { NotChecked, Verdict } from './verdict.ts';

/** The contract of `badhop logs --format json`; its schema is `docs/logs-report.schema.json`. Every other output is made of it. Times are ISO 8601. */
export interface LogsReport {
  readonly schemaVersion: 1;
  readonly kind: 'logs';
  readonly tool: { readonly name: 'badhop'; readonly version: string };
  readonly startedAt: string;
  readonly durationMs: number;
  /** What the lines read really cover, inside what was asked for. Absent where no line has a time. */
  readonly window?: { readonly from: string; readonly to: string };
  /** The zone that times are told in, and that logs without a zone were read in: `UTC`, `Europe/Berlin`. */
  readonly zone: string;
  readonly verdict: Verdict;
  /** The verdict in one sentence. */
  readonly summary: string;
  /** Reading was broken off (Ctrl-C, a limit): what is here is what was known by then. */
  readonly partial?: string;
  readonly inputs: readonly LogInput[];
  readonly totals: LogTotals;
  readonly timeline: Timeline;
  /** What failed, the most first. */
  readonly problems: readonly LogProblem[];
  readonly peers: readonly PeerCount[];
  /** As far as logs alone allow: `confirmed` only where the message itself proves the cause. */
  readonly findings: readonly Finding[];
  /** What to run where, to know the rest. */
  readonly next: readonly { readonly command: string; readonly why: string }[];
  readonly notChecked: readonly NotChecked[];
  readonly internalErrors: readonly string[];
}

/** What the access and error logs of a host say of a longer time than the diagnosis looks at: of all that the configuration writes now. */
export interface LogHistory {
  /** As it was asked for; `logs.window` says what the lines cover of it. */
  readonly since: string;
  readonly logs: LogsReport;
}

export interface LogInput {
  readonly path: string;
  /** Absent where no format fits. */
  readonly format?: { readonly id: string; readonly title: string };
  readonly kind?: 'access' | 'error';
  readonly bytes: number;
  readonly lines: number;
  readonly outside: number;
  readonly continued: number;
  readonly misfits: number;
  /** Lines of other formats than the first: id and number. */
  readonly otherFormats?: readonly { readonly id: string; readonly lines: number }[];
  readonly misfitSamples: readonly string[];
  readonly from?: string;
  readonly to?: string;
  /** What went wrong while it was read; what came before was counted. */
  readonly problems: readonly string[];
  /** Nothing of it could be read. */
  readonly unread?: string;
  /** Why it was left out: it is the same log as another, or all of it lies outside of what was asked for. */
  readonly skipped?: string;
}

export interface LogTotals {
  readonly requests: number;
  readonly failed: number;
  /** Requests that succeeded only because another peer was asked after one failed. */
  readonly hiddenRetries: number;
  /** Messages that tell of a failure. */
  readonly errors: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Of the failed requests. */
  readonly byMadeBy: Readonly<Partial<Record<MadeBy, number>>>;
  readonly latency?: LatencySummary;
}

/** Seconds. Each may be wrong by `error`, as a share of it. */
export interface LatencySummary {
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
  readonly error: number;
}

/** Equal steps from `startsAt`; every list has one entry a step. */
export interface Timeline {
  readonly startsAt?: string;
  readonly widthMs: number;
  readonly requests: readonly number[];
  readonly failed: readonly number[];
  readonly errors: readonly number[];
  /** Seconds; null where no request of the step has a time. */
  readonly median: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  /** Failed requests or messages by peer, the eight with the most. */
  readonly byPeer: readonly { readonly peer: string; readonly failed: readonly number[] }[];
  /** Failed requests by status. */
  readonly byStatus: readonly { readonly status: string; readonly failed: readonly number[] }[];
}

/** Failing requests alike in status, maker and class, with the messages of error logs that belong to them. */
export interface LogProblem {
  readonly id: string;
  /** One sentence: `4,120 requests were answered with 502 by nginx: the backend refused the connection`. */
  readonly title: string;
  readonly status?: number;
  readonly class?: MessageClass;
  readonly madeBy: MadeBy;
  readonly because?: string;
  readonly count: number;
  /** Of all requests; absent where there is no access log. */
  readonly share?: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** By the end of the data it still went on. */
  readonly ongoing: boolean;
  readonly shape: ProblemShape;
  readonly peers: readonly { readonly peer: string; readonly count: number }[];
  /** What is more frequent among these than among the requests that did not fail, the most telling first. */
  readonly where: readonly OverRepresented[];
  /** Groups of messages at the same times and peers. */
  readonly messages: readonly { readonly text: string; readonly class: MessageClass; readonly count: number; readonly level?: string }[];
  /** The first, and others that stand for them: verbatim, with their place. */
  readonly samples: readonly { readonly source: string; readonly at: string; readonly text: string }[];
  /** It goes with the load, or with slow answers: said only where it is beyond chance. */
  readonly goesWith?: readonly { readonly what: 'load' | 'latency'; readonly correlation: number; readonly text: string }[];
}

export interface ProblemShape {
  readonly when: 'once' | 'burst' | 'bursts' | 'periodic' | 'steady' | 'scattered';
  readonly text: string;
  readonly bursts: readonly { readonly from: string; readonly to: string; readonly count: number }[];
  /** `pValue`: the chance that failures without a period look like one. */
  readonly period?: { readonly everyMs: number; readonly plusMinusMs: number; readonly pValue: number };
}

export interface OverRepresented {
  readonly dimension: 'url' | 'peer' | 'method' | 'client' | 'network' | 'user-agent' | 'host' | 'size' | 'server' | 'protocol';
  readonly value: string;
  /** Shares of the failing requests and of the others that have it; estimated from samples where `estimated`. */
  readonly amongFailing: number;
  readonly amongOthers: number;
  readonly estimated: boolean;
  /** Of all requests that have it, the share that failed. */
  readonly failingShare: number;
  /** `only POST fails`, `9 of 10 failures are /export/{n}, which is 0.2 % of the requests`. */
  readonly text: string;
}

export interface PeerCount {
  readonly peer: string;
  readonly requests: number;
  readonly failed: number;
  readonly share: number;
  /** Seconds. */
  readonly median?: number;
  readonly p95?: number;
  /** It fails beyond what the others do. */
  readonly standsOut: boolean;
}
