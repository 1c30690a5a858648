import type { Symptom, Topology } from '../model/facts/topology.ts';
import { broughtAboutByRequest } from '../model/hop-symptoms.ts';

type Draft = Omit<Symptom, 'ongoing' | 'shape'>;

const leastMs = 4_000;
const leastRequests = 10;
/** The request that found a server slow is turned away itself when it is to be tried on the next. */
const sameTryMs = 1_000;

/**
 * Whether requests of one page made nginx mark the server, and nobody asks for that page any more: since then nginx has sent the
 * server nothing, and turned away requests for other pages alone. What failed then does not go on, though nothing has succeeded since.
 */
export function isHeldOff(draft: Draft, drafts: readonly Draft[], topology: Topology | undefined): boolean {
  const page = draft.urlTemplate;
  if (page === undefined || !broughtAboutByRequest.has(draft.class)) return false;
  const groupIds = new Set(topology?.peers.find(peer => peer.id === draft.upstream)?.groupIds);
  const names = new Set(topology?.groups.filter(group => groupIds.has(group.id)).map(group => group.name));
  return drafts.some(
    other =>
      other.class === 'no-live-upstreams' &&
      other.upstream !== undefined &&
      names.has(other.upstream) &&
      other.lastMs - draft.lastMs >= leastMs &&
      other.count >= leastRequests &&
      !other.errorGroups.some(group => (group.urlTemplate ?? page) === page && group.lastMs > draft.lastMs + sameTryMs),
  );
}
