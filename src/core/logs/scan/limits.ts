import { mostCells, mostSamples, mostSeries } from './roll-up.ts';

/** How much a roll-up may hold. Only roll-ups of the same limits add up to one. */
export interface Limits {
  readonly mostSeries: number;
  /** Series that only tell status, maker and class, of what too many series were counted as. */
  readonly mostFolded: number;
  readonly mostCells: number;
  /** As many series are reckoned with at least, so that few series do not make room for any number of buckets. */
  readonly leastSeries: number;
  readonly mostSamples: { readonly failed: number; readonly good: number };
  readonly mostMisfits: number;
  /** Combinations of keys that an engine remembers before it forgets all of them. The roll-up does not hang on it. */
  readonly mostCombinations: number;
}

export const defaultLimits: Limits = {
  mostSeries,
  mostFolded: 256,
  mostCells,
  leastSeries: 128,
  mostSamples,
  mostMisfits: 8,
  mostCombinations: 8192,
};
