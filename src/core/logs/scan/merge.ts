import { defaultLimits, type Limits } from './limits.ts';
import type { RollUp } from './roll-up.ts';
import { RollUpSum } from './sum.ts';

/** Of many roll-ups; exact, and the same in any order. For two that add up often, keep a `RollUpSum`. */
export function sumOfRollUps(rollUps: Iterable<RollUp>, limits: Limits = defaultLimits): RollUp {
  const sum = new RollUpSum(limits);
  for (const rollUp of rollUps) sum.add(rollUp);
  return sum.result();
}

export function addRollUps(a: RollUp, b: RollUp, limits: Limits = defaultLimits): RollUp {
  return sumOfRollUps([a, b], limits);
}

/** Of nothing: adds nothing. */
export function emptyRollUp(): RollUp {
  return sumOfRollUps([]);
}
