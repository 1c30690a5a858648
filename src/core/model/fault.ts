import type { Known } from './fact.ts';
import type { CollectContext } from './collector.ts';
import type { FactId, Facts } from './facts.ts';
import type { Detection } from './finding.ts';
import type { Symptom } from './facts/topology.ts';

export type Layer = 'backend' | 'capacity' | 'address' | 'network' | 'protocol' | 'tls' | 'nginx' | 'app';

/** Facts that were required and are all known, unwrapped. */
export type KnownFacts<Needs extends FactId> = { readonly [Id in Needs]: Facts[Id] extends Known<infer T> ? T : never };

export interface FaultMeta<Id extends string, Needs extends FactId, Optional extends FactId, MessageId extends string> {
  /** As in the catalogue; permanent; the file's name. */
  readonly id: Id;
  readonly layer: Layer;
  /** States what is true of the host. A whole sentence without its full stop. */
  readonly title: string;
  /** Symptom classes that this can explain. */
  readonly explains: readonly Symptom['class'][];
  /** Unknown ones make the fault *not assessed*. */
  readonly requires: readonly Needs[];
  /** May be unknown; the fault then knows less, and says so. */
  readonly uses?: readonly Optional[];
  /** Faults that this one causes further up: their findings on the same hop become its consequences. */
  readonly leadsTo: readonly string[];
  /** Advice: a latent finding of it does not put the host at risk. `latent`: only as long as nothing fails by it; else it is a cause like any other. */
  readonly advice?: boolean | 'latent';
  readonly messages: Readonly<Record<MessageId, string>>;
}

export interface Fault<Id extends string = string, Needs extends FactId = FactId, Optional extends FactId = FactId, MessageId extends string = string> {
  readonly meta: FaultMeta<Id, Needs, Optional, MessageId>;
  detect(facts: KnownFacts<Needs> & Pick<Facts, Optional>, context: CollectContext): Iterable<Detection<NoInfer<MessageId>> | RuledOut>;
}

/** Said instead of a detection where a fault was a candidate for a symptom and was disproved. */
export interface RuledOut {
  readonly ruledOut: true;
  readonly because: string;
}

/** Typed identity: an undeclared fact, an unknown message or a finding without evidence does not compile. */
export function defineFault<const Id extends string, const Needs extends FactId, const MessageId extends string, const Optional extends FactId = never>(
  fault: Fault<Id, Needs, Optional, MessageId>,
): Fault<Id, Needs, Optional, MessageId> {
  return fault;
}

/** `yield ruledOut('the unit is running')`. */
export function ruledOut(because: string): RuledOut {
  return { ruledOut: true, because };
}
