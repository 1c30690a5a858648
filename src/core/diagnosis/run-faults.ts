import type { CollectContext } from '../model/collector.ts';
import { absent } from '../model/fact.ts';
import type { FactId, Facts } from '../model/facts.ts';
import type { Fault } from '../model/fault.ts';
import type { Detection } from '../model/finding.ts';

/** A detection with the fault that made it. */
export interface Raw {
  readonly fault: Fault;
  readonly detection: Detection;
}

/** What came of running every fault over the facts. */
export interface Assessment {
  readonly raw: readonly Raw[];
  readonly ruledOut: readonly { readonly fault: string; readonly because: string }[];
  /** Faults that could not be assessed, by the fact that was missing. */
  readonly notAssessed: ReadonlyMap<FactId, readonly string[]>;
}

// A fault that yields more than this on one host is repeating itself.
const mostDetections = 200;

/** Runs every fault. One that throws is badhop's bug: it is reported, and the others run on. */
export function runFaults(faults: readonly Fault[], facts: Facts, context: CollectContext, internalErrors: string[]): Assessment {
  const raw: Raw[] = [];
  const ruledOut: { fault: string; because: string }[] = [];
  const notAssessed = new Map<FactId, string[]>();
  for (const fault of faults) {
    const missing = fault.meta.requires.filter(id => !Object.hasOwn(facts, id) || facts[id].state !== 'known');
    for (const id of missing) notAssessed.set(id, [...(notAssessed.get(id) ?? []), fault.meta.id]);
    if (missing.length > 0) continue;
    try {
      let count = 0;
      for (const said of fault.detect(unwrap(fault, facts), context)) {
        if ('ruledOut' in said) ruledOut.push({ fault: fault.meta.id, because: said.because });
        else raw.push({ fault, detection: said });
        if (++count >= mostDetections) break;
      }
    } catch (error) {
      internalErrors.push(
        `fault ${fault.meta.id}: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' | ') : String(error)}`,
      );
    }
  }
  return { raw, ruledOut, notAssessed };
}

/** Required facts are handed over as their values, the optional ones as they are. */
function unwrap(fault: Fault, facts: Facts): Parameters<Fault['detect']>[0] {
  const given: Record<string, unknown> = {};
  for (const id of fault.meta.uses ?? []) given[id] = Object.hasOwn(facts, id) ? facts[id] : absent('badhop does not collect it');
  for (const id of fault.meta.requires) {
    const fact = facts[id];
    if (fact.state === 'known') given[id] = fact.value;
  }
  return given as unknown as Parameters<Fault['detect']>[0];
}
