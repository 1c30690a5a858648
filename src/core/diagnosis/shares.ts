import type { Symptom } from '../model/facts/topology.ts';
import { rankOf, type Chain } from './chains.ts';

/** How much of the failing traffic each chain explains. */
export interface Shares {
  /** By chain, in the order given: the failing requests it explains, and their share of all. */
  readonly counts: readonly number[];
  readonly total: number;
  readonly unexplained: number;
}

/**
 * Gives each symptom to one chain: to the best-proven one, then to one that is still going on, then to the one with the
 * fewer symptoms (it is the more specific). So shares add up to at most 1. Copies of requests are no client's, and count nowhere.
 */
export function shareOut(chains: readonly Chain[], symptoms: readonly Symptom[]): Shares {
  const counts = chains.map(() => 0);
  const claims = chains.map(chain => new Set([chain.root, ...chain.consequences].flatMap(raw => raw.detection.symptoms)));
  let total = 0;
  let unexplained = 0;
  for (const symptom of symptoms) {
    if (symptom.copies === true) continue;
    total += symptom.count;
    const best = chains
      .map((chain, index) => ({ index, chain, size: claims[index]?.size ?? 0 }))
      .filter(({ index }) => claims[index]?.has(symptom.id) === true)
      .sort(
        (a, b) =>
          rankOf(b.chain.root.detection.confidence) - rankOf(a.chain.root.detection.confidence) ||
          statusRank(a.chain) - statusRank(b.chain) ||
          a.size - b.size ||
          a.index - b.index,
      )[0];
    if (best === undefined) unexplained += symptom.count;
    else counts[best.index] = (counts[best.index] ?? 0) + symptom.count;
  }
  return { counts, total, unexplained };
}

/** Active first, then past, then latent. */
export function statusRank(chain: Chain): number {
  return { active: 0, past: 1, latent: 2 }[chain.root.detection.status];
}
