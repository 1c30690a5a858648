import { emptyRollUp } from '../../core/logs/scan/merge.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import { RollUpSum, type SumParts } from '../../core/logs/scan/sum.ts';

/** Adds up what was counted, and does nothing where there is only one part, or none. */
export class LazySum {
  #only: SumParts | undefined;
  #sum: RollUpSum | undefined;

  add(parts: SumParts): void {
    if (this.#sum === undefined && this.#only === undefined) {
      this.#only = parts;
      return;
    }
    this.#whole().absorb(parts);
  }

  addRollUp(rollUp: RollUp): void {
    this.#whole().add(rollUp);
  }

  /** As one part of another sum. */
  parts(): SumParts {
    return this.#only ?? this.#whole().parts();
  }

  result(): RollUp {
    return this.#only === undefined && this.#sum === undefined ? emptyRollUp() : this.#whole().result();
  }

  #whole(): RollUpSum {
    this.#sum ??= new RollUpSum();
    if (this.#only !== undefined) this.#sum.absorb(this.#only);
    this.#only = undefined;
    return this.#sum;
  }
}
