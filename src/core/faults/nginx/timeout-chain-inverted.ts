import { defineFault } from '../../model/fault.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Inversion, TimeoutChain } from '../../model/facts/timeouts.ts';
import type { Detection, Evidence, Subject } from '../../model/finding.ts';
import { bittenBackend, bittenFront, cutShort, worstInversion, type Bite, type Candidate } from '../../model/timeout-bite.ts';
import { inversionEvidence, placeOf } from '../../model/timeout-chain.ts';

type MessageId = 'longer' | 'bites' | 'computes' | 'between' | 'clients';

/**
 * An outer hop gives up before an inner one does: the user has a 504, and the worker goes on for nobody. It is advice as long as
 * no page is that slow. Where 504s or 499s of that very location show it, and the inner limit says that such a page is allowed
 * to take its time, the limit that is too short is what is wrong.
 */
export default defineFault({
  meta: {
    id: 'timeout-chain-inverted',
    layer: 'nginx',
    title: 'An outer hop gives up on a request before an inner one does',
    explains: ['read-timeout', 'no-live-upstreams', 'unattributed-5xx'],
    requires: ['hops', 'timeout-chains', 'topology'],
    uses: ['nginx-access-log'],
    leadsTo: ['backend-slower-than-timeout', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'app-returned-5xx'],
    advice: 'latent',
    messages: {
      longer:
        '{who} waits {outer} s for {peer} ({setting}, {place}), and {service} lets a request run for {inner} s ({limit}, {limitPlace}). A page that takes longer than {outer} s ends in a 504, while its worker goes on for up to {rest} s with nobody to answer.',
      bites:
        '{who} gives up on {peer} after {outer} s ({setting}, {place}), although {service} may take {inner} s for a request ({limit}, {limitPlace}). It did so {count} times; {service} ended none of these requests itself.',
      computes:
        '{who} waits {outer} s for {peer} ({setting}, {place}), and {service} lets a page compute for {inner} s ({limit}, {limitPlace}; time that it waits is not counted). A page that takes longer than {outer} s ends in a 504, while its worker goes on with nobody to answer.',
      between:
        '{who} waits {outer} s ({setting}, {place}), and {service} behind it goes on for up to {inner} s ({limit}, {limitPlace}). A page that takes longer than {outer} s ends in an error there, while what is behind it goes on with nobody to answer.',
      clients:
        '{who} waits {outer} s ({setting}, {place}), and {service} behind it goes on for up to {inner} s ({limit}, {limitPlace}). It gave up {count} times, and nothing behind it had failed.',
    },
  },
  *detect({ hops, 'timeout-chains': chains, topology, ...facts }, { nowMs }) {
    const byPeer = new Map<string, TimeoutChain[]>();
    for (const chain of chains) if (chain.inversions.length > 0) byPeer.set(chain.peerId, []);
    for (const chain of chains) byPeer.get(chain.peerId)?.push(chain);
    const access = facts['nginx-access-log'].state === 'known' ? facts['nginx-access-log'].value : undefined;
    for (const hop of hops) {
      const own = byPeer.get(hop.peer.id) ?? [];
      if (hop.peer.flags.down || own.length === 0) continue;
      const bite = firstOf(
        own,
        candidate => bittenBackend(hop, candidate) ?? bittenFront(hop, hops, candidate) ?? cutShort(hop, topology, access, candidate, nowMs),
      );
      const candidate = bite?.candidate ?? worstInversion(own);
      if (candidate === undefined) continue;
      yield finding(hop, candidate, bite);
    }
  },
});

function finding(hop: Hop, { chain, inversion }: Candidate, bite: Bite | undefined): Detection<MessageId> {
  const { outer, inner } = inversion;
  const isFront = outer.part === 'front';
  const [first, second, ...links] = inversionEvidence(inversion, chain);
  const evidence: Evidence[] = [
    ...(second === undefined ? [] : [second]),
    ...(bite?.symptoms ?? []).flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
    ...(bite?.measured === undefined ? [] : [probeEvidence(bite.measured)]),
    ...(bite?.lines ?? []),
    ...links,
  ];
  return {
    confidence: bite?.confidence ?? (inner.counts === 'cpu' ? 'likely' : 'confirmed'),
    status: bite?.status ?? 'latent',
    subject: subjectOf(hop, inversion),
    messageId: messageOf(inversion, bite),
    data: {
      who: outer.who,
      outer: outer.ms / 1000,
      setting: outer.setting,
      place: placeOf(outer),
      inner: inner.ms / 1000,
      limit: inner.setting,
      limitPlace: placeOf(inner),
      rest: (inner.ms - outer.ms) / 1000,
      peer: hop.peer.id,
      service: inner.part === 'nginx' ? 'nginx' : inner.who,
      count: bite?.count ?? 0,
    },
    evidence: [first, ...evidence],
    symptoms: (bite?.symptoms ?? []).map(symptom => symptom.id),
    fixData: {
      routeId: outer.front?.routeId ?? chain.routeId,
      part: outer.part,
      who: outer.who,
      directive: outer.setting,
      outerMs: outer.ms,
      outerPlace: placeOf(outer),
      innerMs: inner.ms,
      innerSetting: inner.setting,
      innerPlace: placeOf(inner),
      innerCounts: inner.counts,
      ...(bite?.measured === undefined ? {} : { tookMs: bite.measured.ms }),
      ...(isFront || hop.unit === undefined ? {} : { unit: hop.unit.name }),
    },
  };
}

/** The hop whose inner side goes on; a front stands for its own peer too. */
function subjectOf(hop: Hop, { outer }: Inversion): Subject {
  if (outer.part !== 'front') return hop.serviceSubject;
  const peers = [...new Set([...(outer.front === undefined ? [] : [outer.front.peerId]), hop.peer.id])];
  return { kind: 'peer', id: outer.front?.peerId ?? hop.peer.id, name: `${outer.who} in front of nginx`.replace('nginx in front (', 'nginx ('), peers };
}

function messageOf({ outer, inner }: Inversion, bite: Bite | undefined): MessageId {
  if (outer.part !== 'nginx') return bite === undefined ? 'between' : 'clients';
  if (inner.counts === 'cpu') return 'computes';
  return bite === undefined ? 'longer' : 'bites';
}

function firstOf(chains: readonly TimeoutChain[], bitten: (candidate: Candidate) => Bite | undefined): Bite | undefined {
  for (const chain of chains) {
    for (const inversion of chain.inversions) {
      const bite = bitten({ chain, inversion });
      if (bite !== undefined) return bite;
    }
  }
  return undefined;
}
