import type { FixPlan } from './finding.ts';
import type { NotChecked } from './report.ts';

/** `fits`: nothing to change. `change`: a limit is too small for what was needed or too large for the memory. `unknown`: it cannot be told. */
export type SizeVerdict = 'fits' | 'change' | 'unknown';

/**
 * `too-small`: more was needed, and memory bears more. `memory-bound`: more was needed, and memory bears no more. `cpu-bound`: more was
 * needed, and more workers would only share the processors. `too-large`: full, it would not fit into memory. `idle`: it had nothing to do
 * while it was looked at, so that neither what it needs nor what its workers grow to is known.
 */
export type PoolVerdict = 'fits' | 'too-small' | 'too-large' | 'memory-bound' | 'cpu-bound' | 'idle' | 'unknown';

/** The contract of `badhop size --format json`; its schema is `docs/size-report.schema.json`. */
export interface SizeReport {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'badhop'; readonly version: string };
  readonly host: { readonly name: string; readonly hostname: string; readonly user: string; readonly cpus: number };
  /** ISO 8601, by the host's clock. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly window: { readonly from: string; readonly to: string };
  readonly verdict: SizeVerdict;
  /** The verdict in one sentence. */
  readonly summary: string;
  /** Absent where it could not be read. */
  readonly memory?: SizedMemory;
  readonly pools: readonly SizedPool[];
  readonly limits: readonly SizedLimit[];
  readonly notChecked: readonly NotChecked[];
  readonly internalErrors: readonly string[];
}

export interface SizedMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
  /** What pools share: limits of units and control groups, and the host last. */
  readonly rooms: readonly SizedRoom[];
}

/** Memory that pools share. */
export interface SizedRoom {
  readonly kind: 'host' | 'unit' | 'group';
  readonly name: string;
  readonly source: string;
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly reserveBytes: number;
  /** Held by the workers of these pools now. */
  readonly workersBytes: number;
  /** What the pools hold when each is at its limit, and all of its workers are at work. */
  readonly fullBytes: number;
  readonly pools: readonly string[];
}

/** The workers of one backend. */
export interface SizedPool {
  /** Id of the service. */
  readonly service: string;
  readonly kind: string;
  readonly name: string;
  /** What is set: `pm.max_children`, `workers`, `MaxRequestWorkers`, `maxThreads`. */
  readonly setting: string;
  readonly now?: { readonly value: number; readonly source: string };
  readonly running: number;
  /** Absent where it cannot be told, or where memory bears not one. */
  readonly recommended?: number;
  readonly verdict: PoolVerdict;
  readonly because: string;
  readonly memory?: {
    readonly how: 'PSS' | 'RSS';
    readonly measured: number;
    readonly meanBytes: number;
    /** Median of what each held at most: what those at the limit are counted with. */
    readonly inWorkBytes: number;
    /** Nine of ten never held more: what each more is counted with. */
    readonly largestBytes: number;
    readonly usedBytes: number;
  };
  readonly needed: SizedNeed;
  /** The sums with their numbers filled in, one a line. */
  readonly sums: readonly string[];
  readonly plans: readonly FixPlan[];
}

/** What was asked of a pool, as far as it could be seen. */
export interface SizedNeed {
  /** Workers busy in at least one sample, and the most requests that waited in one. */
  readonly busy?: number;
  readonly waited?: number;
  readonly samples?: number;
  /** All were busy in every sample. */
  readonly isFull?: boolean;
  readonly log?: {
    readonly requests: number;
    /** Most requests at once, as the mean over `slotMs`. */
    readonly peak: number;
    /** ISO 8601. */
    readonly peakAt: string;
    readonly slotMs: number;
    readonly meanMs: number;
    /** `upstream`: what the backend took. `request`: slow clients are counted in, so it was less. */
    readonly by: 'upstream' | 'request';
  };
  /** How often its log said that it had reached its limit. */
  readonly saidFull: number;
}

/** A limit of connections, files, queues or ports. */
export interface SizedLimit {
  readonly id: 'worker_connections' | 'open-files' | 'listen-backlog' | 'local-ports';
  /** Whose it is: `nginx`, `php-fpm pool www`, `127.0.0.1:8000`. */
  readonly name: string;
  readonly now: number;
  readonly source: string;
  /** The most that was seen in use. */
  readonly used?: number;
  readonly recommended?: number;
  readonly verdict: 'fits' | 'too-small' | 'unknown';
  readonly because: string;
  readonly sums: readonly string[];
  readonly plans: readonly FixPlan[];
}
