import type { AccessGroup, ErrorGroup } from './facts/logs.ts';
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

/** When the first request of these failed; infinite where none is known to have failed. */
export function firstFailureMs(symptoms: readonly Symptom[]): number {
  return Math.min(...symptoms.filter(({ count }) => count > 0).map(({ firstMs }) => firstMs));
}

/** Whether nginx itself ended these answers: they had begun, and the rest did not come within its time. */
export function isStall({ class: kind, errorGroups }: Pick<Symptom, 'class' | 'errorGroups'>): boolean {
  return kind === 'truncated' && errorGroups.length > 0 && errorGroups.every(group => group.messageId === 'upstream-timed-out');
}

/** What a request itself brings about. A peer that refuses connections is away for every page. */
export const broughtAboutByRequest: ReadonlySet<Symptom['class']> = new Set([
  'read-timeout',
  'premature-close',
  'reset',
  'header-too-big',
  'invalid-header',
  'no-valid-header',
]);

/** When the failing requests of the samples failed, in milliseconds. */
export function sampleTimesOf({ errorGroups }: Pick<Symptom, 'errorGroups'>): number[] {
  return errorGroups.flatMap(group => group.samples.map(sample => sample.timeMs));
}

/** Failing requests of all of them. */
export function countOf(symptoms: readonly Symptom[]): number {
  return symptoms.reduce((sum, symptom) => sum + symptom.count, 0);
}

type Requested = Pick<ErrorGroup | AccessGroup, 'count' | 'method' | 'urlTemplate'>;

/** What the failing requests asked for, most frequent first: `all 12 for GET /die`, `7 for /a, 3 for /b and others`. */
export function urlsOf(symptoms: readonly Symptom[]): string {
  const counts = new Map<string, number>();
  let total = 0;
  for (const group of symptoms.flatMap((symptom): readonly Requested[] => (symptom.errorGroups.length > 0 ? symptom.errorGroups : symptom.accessGroups))) {
    total += group.count;
    if (group.urlTemplate === undefined) continue;
    const name = `${group.method === undefined ? '' : `${group.method} `}${group.urlTemplate}`;
    counts.set(name, (counts.get(name) ?? 0) + group.count);
  }
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1]);
  const [first] = sorted;
  if (first === undefined) return `${total} requests`;
  if (first[1] === total) return total === 1 ? `one for ${first[0]}` : `all ${total} for ${first[0]}`;
  const named = sorted.slice(0, 3).map(([name, count]) => `${count} for ${name}`);
  return `${named.join(', ')}${sorted.length > 3 ? ' and others' : ''}`;
}
