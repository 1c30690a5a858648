/** What a report of a host or of its logs comes to. */
export type Verdict = 'failing' | 'recovered' | 'at-risk' | 'healthy' | 'inconclusive';

/** What a report could not look at, why, and what would let it. */
export interface NotChecked {
  readonly what: string;
  readonly why: string;
  readonly how: string;
}
