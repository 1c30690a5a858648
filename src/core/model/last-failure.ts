/** A symptom of the run or of its report, with times in milliseconds. */
interface Failing {
  readonly count: number;
  readonly ongoing: boolean;
  readonly lastMs: number;
}

/** Failures that came later than this before badhop looked go on, as far as anybody can tell. */
const freshMs = 5_000;

/**
 * For how long no request is known to have failed, in milliseconds, where that leaves open whether it goes on: no backend was asked, and the
 * last failure is not of this moment. `asked`: questions that backends were really asked.
 */
export function openSinceMs(symptoms: readonly Failing[], asked: number, nowMs: number): number | undefined {
  const ongoing = symptoms.filter(symptom => symptom.ongoing);
  // What badhop saw fail itself has no count.
  if (asked > 0 || ongoing.length === 0 || ongoing.some(symptom => symptom.count === 0)) return undefined;
  const silentMs = nowMs - Math.max(...ongoing.map(symptom => symptom.lastMs));
  return silentMs > freshMs ? silentMs : undefined;
}

/** `32 s ago`, `4 min ago`. */
export function agoText(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s ago` : `${Math.round(ms / 60_000)} min ago`;
}
