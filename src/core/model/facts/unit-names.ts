import type { Known } from '../fact.ts';

/** A line of `systemctl list-units --all --plain --no-legend`. */
export interface ListedUnit {
  readonly name: string;
  readonly load: string;
  readonly active: string;
  readonly sub: string;
}

/** Which units there are, before anything is asked of one of them. */
export interface UnitNames {
  /** Those that systemd has loaded. */
  readonly loaded: Known<readonly ListedUnit[]>;
  /** Names of files in the folders of units: what is stopped may not be loaded. */
  readonly files: readonly string[];
}
