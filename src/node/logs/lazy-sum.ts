import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import { emptyRollUp } from '../../core/logs/scan/merge.ts';
import { RollUpSum } from '../../core/logs/scan/sum.ts';

/** Adds roll-ups up, and does nothing where there is only one: adding takes longer than many a log takes to be read. */
export class LazySum {
  #only: RollUp | undefined;
  #sum: RollUpSum | undefined;

  add(rollUp: RollUp): void {
    if (this.#sum === undefined && this.#only === undefined) {
      this.#only = rollUp;
      return;
    }
    this.#sum ??= new RollUpSum();
    if (this.#only !== undefined) this.#sum.add(this.#only);
    this.#only = undefined;
    this.#sum.add(rollUp);
  }

  result(): RollUp {
    return this.#only ?? this.#sum?.result() ?? emptyRollUp();
  }
}
