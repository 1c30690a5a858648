import type { Hop } from './facts/hop.ts';
import type { Symptom } from './facts/topology.ts';

/** Symptoms of the peer, and of the groups that it is one of, in any of these classes. */
export function symptomsOf(hop: Hop, classes: readonly Symptom['class'][]): Symptom[] {
  return [...hop.symptoms, ...hop.groupSymptoms].filter(symptom => classes.includes(symptom.class));
}

/**
 * Failing requests that no log line ascribes to a peer, in a status that this peer's trouble ends in. They belong to the
 * peer only where it is in use and no other symptom names a different peer.
 */
export function unattributedOf(hop: Hop, symptoms: readonly Symptom[], statuses: readonly number[]): Symptom[] {
  if (hop.routes.length === 0) return [];
  const elsewhere = symptoms.some(symptom => symptom.upstream !== undefined && symptom.upstream !== hop.peer.id && !hop.groupSymptoms.includes(symptom));
  if (elsewhere) return [];
  return symptoms.filter(
    symptom =>
      symptom.class === 'unattributed-5xx' &&
      (symptom.upstream === undefined || symptom.upstream === hop.peer.id) &&
      symptom.status !== undefined &&
      statuses.includes(symptom.status),
  );
}

/** Failing requests of all of them. */
export function countOf(symptoms: readonly Symptom[]): number {
  return symptoms.reduce((sum, symptom) => sum + symptom.count, 0);
}
