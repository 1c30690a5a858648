import type { Known } from './fact.ts';
import type { ExecOptions, ExecResult, HostClock, ReadOptions, ReadResult, SocketOwners, StatResult } from './host.ts';
import type { FactId, Facts } from './facts.ts';
import type { ProbeRequest, ProbeResult } from './probe.ts';

/** One thing to read or ask. Pure data, so that a dry run can list it and any host can answer it. */
export type Request =
  | { readonly kind: 'exec'; readonly argv: readonly string[]; readonly options?: ExecOptions }
  | { readonly kind: 'read'; readonly path: string; readonly options?: ReadOptions }
  | { readonly kind: 'stat'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  /** Looks into these processes, by default into all. */
  | { readonly kind: 'owners'; readonly inodes: readonly number[]; readonly pids?: readonly number[] }
  | { readonly kind: 'clock' }
  | { readonly kind: 'probe'; readonly request: ProbeRequest }
  /** Waits between two samples of the same thing; at most 1000 ms. */
  | { readonly kind: 'pause'; readonly ms: number };

/** The answer to a request, in its own shape. */
export type Answer<R extends Request> = R extends { kind: 'exec' }
  ? Known<ExecResult>
  : R extends { kind: 'read' }
    ? Known<ReadResult>
    : R extends { kind: 'stat' }
      ? Known<StatResult>
      : R extends { kind: 'list' }
        ? Known<readonly string[]>
        : R extends { kind: 'owners' }
          ? Known<SocketOwners>
          : R extends { kind: 'clock' }
            ? Known<HostClock>
            : R extends { kind: 'probe' }
              ? Known<ProbeResult>
              : Known<true>;

/**
 * The steps of a collection: yields batches of requests (a batch runs at once), gets their answers in the
 * same order, returns the fact. It reads nothing itself; what to read next may depend on what was read.
 */
export type Collection<T> = Generator<readonly Request[], Known<T>, readonly Known<unknown>[]>;

/** What the person asked for, as far as a collector must know. */
export interface CollectContext {
  /** Start of the window, milliseconds since the epoch by the host's clock. */
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly clock: HostClock;
  /** False with `--no-probe`. */
  readonly probing: boolean;
}

export interface Collector<Id extends FactId = FactId, Needs extends FactId = FactId> {
  readonly id: Id;
  readonly title: string;
  /** Facts (collected or derived) that must be there first, known or not. */
  readonly needs: readonly Needs[];
  collect(facts: Pick<Facts, Needs>, context: CollectContext): Collection<FactValue<Id>>;
}

export type FactValue<Id extends FactId> = Facts[Id] extends Known<infer T> ? T : never;

/** Typed identity: a collector whose `collect` reads a fact it did not declare does not compile. */
export function defineCollector<Id extends FactId, const Needs extends FactId = never>(collector: Collector<Id, Needs>): Collector<Id, Needs> {
  return collector;
}

/** Asks one batch and gives the answers their types back: `const [a, b] = yield* ask({…}, {…})`. */
export function* ask<const R extends readonly Request[]>(
  ...requests: R
): Generator<readonly Request[], { [K in keyof R]: Answer<R[K]> }, readonly Known<unknown>[]> {
  const answers = yield requests;
  return answers as { [K in keyof R]: Answer<R[K]> };
}

/** The same for a batch whose length is only known as it runs. */
export function* askAll<R extends Request>(requests: readonly R[]): Generator<readonly Request[], readonly Answer<R>[], readonly Known<unknown>[]> {
  if (requests.length === 0) return [];
  return (yield requests) as readonly Answer<R>[];
}

/** A derived fact is made of other facts alone. */
export interface Derivation<Id extends FactId = FactId, Needs extends FactId = FactId> {
  readonly id: Id;
  readonly title: string;
  readonly needs: readonly Needs[];
  derive(facts: Pick<Facts, Needs>, context: CollectContext): Facts[Id];
}

/** Typed identity for derived facts. */
export function defineDerivation<Id extends FactId, const Needs extends FactId = never>(derivation: Derivation<Id, Needs>): Derivation<Id, Needs> {
  return derivation;
}
