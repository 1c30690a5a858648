import type { Symptom } from './facts/topology.ts';

/** While something stays at its limit, failures come and go with the requests, in no rhythm: a pause of this length is no end. */
const longestPauseMs = 60_000;

/** Whether requests fail for a limit: they do now, or did lately, and what they failed for is at its limit still. */
export function failsStill(symptoms: readonly Symptom[], isAtLimit: boolean, nowMs: number): boolean {
  return symptoms.some(symptom => symptom.ongoing || (isAtLimit && nowMs - symptom.lastMs <= longestPauseMs));
}
