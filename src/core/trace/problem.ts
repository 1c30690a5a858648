import type { Attribution, Meaning, ResponseEvidence } from '../model/fingerprint.ts';
import type { Confidence, Evidence, FixPlan, FixStep } from '../model/finding.ts';
import type { Layer } from '../model/fault.ts';
import type { ReportSymptom } from '../model/report.ts';
import type { TraceAttempt, TraceHop } from '../model/trace.ts';

/** What is wrong with one request, or with a name. Requests with the same key are told together. */
export interface Problem {
  /** Id of the finding; permanent. */
  readonly fault: string;
  readonly layer: Layer;
  readonly symptomClass: ReportSymptom['class'];
  /** A whole sentence without its full stop and without the address. */
  readonly title: string;
  /** Whole sentences. */
  readonly explanation: string;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
  readonly next: FixPlan;
  /** Of two with the same id, what tells them apart. */
  readonly key?: string;
  readonly status?: number;
  /** Nothing fails by it yet. */
  readonly isLatent?: boolean;
  /** It is no risk to what was asked about. */
  readonly isAdvice?: boolean;
  /** The product that it is about, where one is known; `behind`, what stands behind it alone; `or-behind`, either of the two. */
  readonly product?: { readonly id: string; readonly name: string; readonly place?: 'behind' | 'or-behind' };
}

/** The fingerprints, as the program hands them in. */
export interface Fingerprints {
  identify(evidence: ResponseEvidence): Attribution;
  meaning(product: string, status: number, detail?: string): Meaning | undefined;
}

export interface ProblemContext {
  readonly hop: TraceHop;
  readonly fingerprints: Fingerprints;
  readonly nowMs: number;
  readonly timeoutMs: number;
  readonly method: string;
  /** badhop asked for gRPC. */
  readonly grpc: boolean;
  /** The certificate was to be told about alone. */
  readonly insecure: boolean;
}

export type ProblemReader = (attempt: TraceAttempt, context: ProblemContext) => readonly Problem[];

/** `203.0.113.7:443`, `[2001:db8::1]:443`. */
export function placeOf({ address, port }: Pick<TraceAttempt, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The source of evidence from one request. */
export function sourceOf(attempt: TraceAttempt, { hop, method }: Pick<ProblemContext, 'hop' | 'method'>, what?: string): string {
  return `probe:${what ?? `${method} ${hop.url}`} at ${placeOf(attempt)}`;
}

/** What to look at next, as a plan that nobody applies by itself. */
export function lookNext(id: string, summary: string, steps: readonly (readonly [text: string, ...commands: string[]])[], minutes = 5): FixPlan {
  return {
    id,
    summary,
    automatic: false,
    risk: 'low',
    minutes,
    steps: steps.map(([text, ...commands]): FixStep => ({ kind: 'manual', text, commands })),
    validate: [],
    verify: 'The same trace finds nothing any more',
  };
}

export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}
