import type { Answer, CollectContext, Collector, Derivation, Request } from './model/collector.ts';
import { absent, timedOut, unparsable, type Known } from './model/fact.ts';
import type { FactId, Facts } from './model/facts.ts';
import type { Fault } from './model/fault.ts';
import type { Fix } from './model/fix.ts';
import type { Host, HostClock } from './model/host.ts';
import type { Prober } from './model/probe.ts';
import type { Report } from './model/report.ts';
import { runFaults } from './diagnosis/run-faults.ts';
import { buildReport } from './diagnosis/build-report.ts';

/** All that a diagnosis needs; the composition root gives it. */
export interface DiagnoseSetup {
  readonly host: Host;
  /** Absent where probing is switched off. */
  readonly prober: Prober | undefined;
  readonly collectors: readonly Collector[];
  readonly derivations: readonly Derivation[];
  readonly faults: readonly Fault[];
  readonly fixes: readonly Fix[];
  readonly version: string;
  /** Length of the window in milliseconds. Default: 15 minutes. */
  readonly sinceMs?: number;
  /** Takes secrets out of a text. Every text of the host in the report went through it. */
  redact(text: string): string;
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  onProgress?(stage: string): void;
  /** Time limit of one fact, waits of its own requests included. Default 12 s. */
  readonly factTimeoutMs?: number;
}

/** What it takes to collect facts. */
type GatherSetup = Omit<DiagnoseSetup, 'faults' | 'fixes' | 'redact' | 'version'>;

/** A quarter of an hour: long enough to see a rhythm, short enough that its errors are news. */
export const defaultWindowMs = 15 * 60_000;
const defaultFactTimeoutMs = 12_000;
// More at once would be noticed by the backends; most answers take a millisecond.
const probesAtOnce = 24;

/** The whole diagnosis: facts, faults, chains, report. Never throws for anything that the host does. */
export async function diagnose(setup: DiagnoseSetup): Promise<Report> {
  const startedMs = setup.monotonicMs();
  const context = await contextOf(setup);
  const internalErrors: string[] = [];
  const facts = await gatherFacts(setup, context, internalErrors);
  setup.onProgress?.('weighing the evidence');
  const assessed = runFaults(setup.faults, facts, context, internalErrors);
  return buildReport({
    facts,
    context,
    assessed,
    faults: setup.faults,
    fixes: setup.fixes,
    titles: new Map([...setup.collectors, ...setup.derivations].map(part => [part.id, part.title])),
    hostName: setup.host.name,
    version: setup.version,
    durationMs: Math.round(setup.monotonicMs() - startedMs),
    internalErrors,
    redact: text => setup.redact(text),
  });
}

/** What was read for a question that needs some facts alone. */
export interface SomeFacts {
  /** Those that were wanted and what they need; every other one is absent. */
  readonly facts: Facts;
  readonly context: CollectContext;
  readonly durationMs: number;
  readonly internalErrors: readonly string[];
}

/** Collects these facts with all that they need, as a diagnosis does. Never throws for anything that the host does. */
export async function collectFacts(setup: GatherSetup, wanted: readonly FactId[]): Promise<SomeFacts> {
  const startedMs = setup.monotonicMs();
  const context = await contextOf(setup);
  const internalErrors: string[] = [];
  const facts = await gatherFacts(setup, context, internalErrors, wanted);
  return { facts, context, internalErrors, durationMs: Math.round(setup.monotonicMs() - startedMs) };
}

async function contextOf({ host, sinceMs, prober }: GatherSetup): Promise<CollectContext> {
  const clock = await host.clock();
  return { clock, nowMs: clock.nowMs, sinceMs: clock.nowMs - (sinceMs ?? defaultWindowMs), probing: prober !== undefined };
}

/** Runs collectors and derivations as soon as what they need is there. */
async function gatherFacts(setup: GatherSetup, context: CollectContext, internalErrors: string[], wanted?: readonly FactId[]): Promise<Facts> {
  const answers = makeAnswerer(setup, context.clock);
  const collectors = new Map(setup.collectors.map(collector => [collector.id, collector]));
  const derivations = new Map(setup.derivations.map(derivation => [derivation.id, derivation]));
  const running = new Map<FactId, Promise<Known<unknown>>>();
  const waiting = new Set<FactId>();

  const get = (id: FactId, path: readonly FactId[]): Promise<Known<unknown>> => {
    const started = running.get(id);
    if (started !== undefined) return started;
    if (path.includes(id)) return Promise.resolve(unparsable(`badhop's own error: ${[...path, id].join(' needs ')}`));
    const promise = make(id, [...path, id]);
    running.set(id, promise);
    return promise;
  };
  const make = async (id: FactId, path: readonly FactId[]): Promise<Known<unknown>> => {
    const part = collectors.get(id) ?? derivations.get(id);
    if (part === undefined) return absent('badhop does not collect it');
    const entries = await Promise.all(part.needs.map(async need => [need, await get(need, path)] as const));
    const needed = Object.fromEntries(entries) as unknown as Facts;
    waiting.add(id);
    setup.onProgress?.(part.title);
    try {
      const collector = collectors.get(id);
      if (collector === undefined) return derivations.get(id)?.derive(needed, context) ?? absent('badhop does not derive it');
      return await drive(collector, needed, context, answers, setup);
    } catch (error) {
      internalErrors.push(`${id}: ${describe(error)}`);
      return unparsable("badhop's own error while reading it", 'Please report it.');
    } finally {
      waiting.delete(id);
      const next = [...waiting].at(-1);
      if (next !== undefined) setup.onProgress?.(collectors.get(next)?.title ?? next);
    }
  };
  const all = [...collectors.keys(), ...derivations.keys()];
  await Promise.all((wanted ?? all).map(id => get(id, [])));
  const results = await Promise.all(all.map(async id => [id, await (running.get(id) ?? absent('badhop did not ask for it'))] as const));
  return Object.fromEntries(results) as unknown as Facts;
}

type Answerer = <R extends Request>(request: R) => Promise<Answer<R>>;

/** Steps one collection through its batches until it returns or its time is over. */
async function drive(collector: Collector, facts: Facts, context: CollectContext, answer: Answerer, setup: GatherSetup): Promise<Known<unknown>> {
  const limitMs = setup.factTimeoutMs ?? defaultFactTimeoutMs;
  const endMs = setup.monotonicMs() + limitMs;
  const steps = collector.collect(facts, context);
  let step = steps.next();
  while (!step.done) {
    const left = endMs - setup.monotonicMs();
    if (left <= 0) {
      steps.return(timedOut(`reading it took longer than ${limitMs / 1000} s`));
      return timedOut(`reading it took longer than ${limitMs / 1000} s`);
    }
    step = steps.next(await Promise.all(step.value.map(request => answer(request))));
  }
  return step.value;
}

function makeAnswerer(setup: GatherSetup, clock: HostClock): Answerer {
  const { host, prober } = setup;
  const probe = limitedTo(probesAtOnce);
  // Not async: thousands of requests would each make two promises more.
  const answer = (request: Request): Promise<Known<unknown>> => {
    switch (request.kind) {
      case 'exec':
        return host.exec(request.argv, request.options);
      case 'read':
        return host.read(request.path, request.options);
      case 'stat':
        return host.stat(request.path);
      case 'list':
        return host.list(request.path);
      case 'owners':
        return host.socketOwners?.(request.inodes, request.pids) ?? Promise.resolve(absent('this host does not look for the owners of sockets'));
      case 'clock':
        return Promise.resolve({ state: 'known', value: clock });
      case 'pause':
        return setup.sleep(Math.min(request.ms, 1000)).then(() => ({ state: 'known', value: true }));
      case 'probe':
        if (prober === undefined) return Promise.resolve(absent('probing is switched off', 'Leave out --no-probe.'));
        return probe(() => prober(request.request)).then(value => ({ state: 'known', value }));
    }
  };
  return answer as Answerer;
}

/** Lets at most `most` tasks run at once; the others wait in order. */
function limitedTo(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  let free = most;
  const queue: (() => void)[] = [];
  return async task => {
    if (free === 0) await new Promise<void>(resolve => queue.push(resolve));
    else free--;
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' | ') : String(error);
}
