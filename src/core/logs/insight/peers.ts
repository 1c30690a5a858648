import type { PeerCount } from '../../model/logs-report.ts';
import type { RollUp, Series } from '../scan/roll-up.ts';
import { isPeer } from './dimensions.ts';
import { failingPeers, isRetried } from './groups.ts';
import { lnFisherTail, oddsRatio } from './statistics.ts';
import { peerLatency } from './times.ts';

const mostPeers = 200;
const fewestFailures = 5;
const mostLnP = Math.log(1e-5);
const leastOdds = 2;

interface Open {
  requests: number;
  failed: number;
  readonly series: Series[];
}

/**
 * The tries that each peer got and failed. A client that left is no failure of a peer's. `echoed`: peers that fail more only because of the
 * requests that they get.
 */
export function countPeers({ series }: RollUp, echoed: ReadonlySet<string>): readonly PeerCount[] {
  const open = new Map<string, Open>();
  const at = (peer: string): Open => {
    let one = open.get(peer);
    if (one === undefined) open.set(peer, (one = { requests: 0, failed: 0, series: [] }));
    return one;
  };
  for (const each of series) {
    const { kind, outcome, count } = each;
    if (kind !== 'access' || outcome === undefined) continue;
    if (outcome.peer !== undefined) {
      const one = at(outcome.peer);
      one.requests += count;
      one.series.push(each);
    }
    if (!outcome.failed || outcome.madeBy === 'client') continue;
    const isSaved = isRetried(outcome);
    for (const peer of failingPeers(outcome)) {
      const one = at(peer);
      one.failed += count;
      if (isSaved && peer !== outcome.peer) one.requests += count;
    }
    // The tries before the last failed too.
    if (!isSaved) {
      for (const peer of outcome.hiddenPeers ?? []) {
        const one = at(peer);
        one.failed += count;
        one.requests += count;
      }
    }
  }
  const peers = [...open].filter(([name]) => isPeer(name));
  const all = peers.reduce((sum, [, { requests }]) => sum + requests, 0);
  const allFailed = peers.reduce((sum, [, { failed }]) => sum + failed, 0);
  return peers
    .map(([peer, { requests, failed, series: own }]) => ({
      peer,
      requests,
      failed,
      share: requests === 0 ? 0 : Number((failed / requests).toPrecision(4)),
      ...peerLatency(own),
      standsOut: !echoed.has(peer) && standsOut(failed, requests, allFailed - failed, all - requests, peers.length),
    }))
    .sort((a, b) => b.failed - a.failed || b.requests - a.requests || (a.peer < b.peer ? -1 : 1))
    .slice(0, mostPeers);
}

/** It fails more than all others together, beyond chance and by much. */
function standsOut(failed: number, requests: number, otherFailed: number, otherRequests: number, peers: number): boolean {
  if (failed < fewestFailures || otherRequests < 20 || requests === 0) return false;
  const [own, other] = [Math.min(failed, requests), Math.min(otherFailed, otherRequests)];
  const { low } = oddsRatio([[own, requests - own, other, otherRequests - other]]);
  return low >= leastOdds && lnFisherTail(own, requests, other, otherRequests) + Math.log(peers) < mostLnP;
}
