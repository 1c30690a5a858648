import { emptyRollUp } from '../../core/logs/scan/merge.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import { RollUpSum, type SumParts } from '../../core/logs/scan/sum.ts';

/** Adds up what was counted: the first sum takes in the others. */
export class LazySum {
  #sum: RollUpSum | undefined;

  /** The caller leaves the sum to this one. */
  addSum(sum: RollUpSum): void {
    if (this.#sum === undefined) this.#sum = sum;
    else this.#sum.absorb(sum.parts());
  }

  add(parts: SumParts): void {
    this.#whole().absorb(parts);
  }

  addRollUp(rollUp: RollUp): void {
    this.#whole().add(rollUp);
  }

  /** As one part of another sum. */
  parts(): SumParts {
    return this.#whole().parts();
  }

  result(): RollUp {
    return this.#sum?.result() ?? emptyRollUp();
  }

  #whole(): RollUpSum {
    return (this.#sum ??= new RollUpSum());
  }
}
