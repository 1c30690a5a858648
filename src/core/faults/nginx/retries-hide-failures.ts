import { defineFault } from '../../model/fault.ts';
import { configLine } from '../../model/config-line.ts';
import { probeEvidence } from '../../model/evidence.ts';
import { formatLogSource, type AccessGroup } from '../../model/facts/logs.ts';

/** Fewer, or a smaller share of the requests, is what any network brings about. */
const leastHidden = 5;
const leastShare = 0.01;
/** A peer that failed nobody for longer than this is well again, and the tries are history. */
const recentMs = 120_000;

/**
 * The first server fails, nginx asks another one, and users get a good answer. Nobody is refused, so it is said as what will
 * fail: with the other server gone, it does. What makes the peer fail stands above this wherever it is known.
 */
export default defineFault({
  meta: {
    id: 'retries-hide-failures',
    layer: 'nginx',
    title: 'One server of the upstream fails, and retries hide it',
    explains: [],
    requires: ['nginx-access-log', 'hops', 'symptoms'],
    uses: ['nginx-config'],
    leadsTo: [],
    messages: {
      hidden:
        '{peer} failed {count} of {total} requests at the first try (with {statuses}), and another server saved them: users see a good answer, later. When that one fails too, they see an error.',
    },
  },
  *detect({ 'nginx-access-log': access, hops, symptoms, ...facts }, { nowMs }) {
    const endMs = access.lastMs ?? nowMs;
    const hidden = access.failing.filter(group => group.tries > 1 && group.status < 400 && group.hiddenPeers !== undefined);
    for (const peer of new Set(hidden.flatMap(group => group.hiddenPeers ?? []))) {
      const own = hidden.filter(group => group.hiddenPeers?.includes(peer));
      const count = own.reduce((sum, group) => sum + group.count, 0);
      const lastMs = Math.max(...own.map(group => group.lastMs));
      if (count < leastHidden || count < access.total * leastShare || endMs - lastMs > recentMs) continue;
      const hop = hops.find(one => one.peer.id === peer);
      // A burst that is over: the peer was restarted, and took requests again.
      const seen = symptoms.filter(symptom => symptom.upstream === peer && symptom.count > 0);
      if (seen.length > 0 && seen.every(symptom => !symptom.ongoing)) continue;
      const samples = own.flatMap(group => group.samples.slice(-1)).toSorted((a, b) => a.timeMs - b.timeMs);
      const [first, ...rest] = samples.slice(-2).map(sample => ({ source: formatLogSource(sample.source), text: sample.text }));
      if (first === undefined) continue;
      yield {
        confidence: 'confirmed',
        status: 'latent',
        subject: hop?.subject ?? { kind: 'peer', id: peer, name: peer, peers: [peer] },
        messageId: 'hidden',
        data: { peer, count, total: access.total, statuses: statusesOf(own) },
        evidence: [
          first,
          ...rest,
          ...(hop?.own === undefined ? [] : [probeEvidence(hop.own)]),
          ...(hop === undefined ? [] : [configLine(facts['nginx-config'], hop.peer.origin, `server ${hop.peer.written};`)]),
        ],
        symptoms: [],
      };
    }
  },
});

function statusesOf(groups: readonly AccessGroup[]): string {
  return [...new Set(groups.flatMap(group => group.upstreamStatuses ?? []).filter(status => Number(status) >= 500))].slice(0, 3).join(' and ');
}
