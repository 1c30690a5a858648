import type { Hop } from './facts/hop.ts';
import type { Symptom } from './facts/topology.ts';

/** What is seen of a peer now fails requests, except of a backup that nobody was sent to: that one will fail when it is needed. */
export function statusNow(hop: Hop, symptoms: readonly Symptom[]): 'active' | 'latent' {
  return hop.peer.flags.backup && symptoms.every(symptom => symptom.count === 0) ? 'latent' : 'active';
}
