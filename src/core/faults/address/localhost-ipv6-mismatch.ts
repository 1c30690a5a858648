import { configEvidence, listenerEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeResult } from '../../model/probe.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-unreachable',
  'connect-other',
  'no-live-upstreams',
  'probe-failed',
  'server-disabled',
];

export default defineFault({
  meta: {
    id: 'localhost-ipv6-mismatch',
    layer: 'address',
    title: 'A name means an IPv4 and an IPv6 address, and the backend listens on one of them alone',
    explains,
    requires: ['hops', 'lost-peers'],
    uses: ['name-resolution'],
    leadsTo: ['backend-down', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      refused:
        '{name} means {both}, and nginx takes them in turn. {service} listens on {real} alone: every try of {wanted} is refused, and clients see it wherever the next server is not tried.',
    },
  },
  *detect({ hops, 'lost-peers': lostPeers, 'name-resolution': names }, window) {
    for (const lost of lostPeers) {
      const hop = hops.find(one => one.peer.id === lost.peerId);
      const other = hops.find(one => one.peer.id === lost.sibling);
      if (hop === undefined || familyOf(hop) === undefined) continue;
      if (other === undefined) {
        if (hops.some(one => isTwin(one, hop))) yield ruledOut(`nobody listens on either address of ${hop.peer.hostName ?? ''}`);
        continue;
      }
      if (familyOf(other) === familyOf(hop)) continue;
      const refused = hop.probes.find(probe => probe.outcome.state === 'connect-failed');
      const taken = other.probes.find(takes);
      const symptoms = symptomsOf(hop, explains);
      const isProbed = refused !== undefined && taken !== undefined;
      // Where nobody was asked, the log and the sockets of this host tell nearly as much.
      const isTold = !window.probing && isBare(hop) && !isBare(other) && other.peer.local && symptoms.some(symptom => symptom.class === 'connect-refused');
      if (!isProbed && !isTold) continue;
      const name = hop.peer.hostName ?? hop.peer.written;
      const resolution = names.state === 'known' ? names.value.find(one => one.name === name) : undefined;
      yield {
        confidence: isProbed ? 'confirmed' : 'likely',
        status: statusNow(hop, symptoms),
        subject: hop.subject,
        messageId: 'refused',
        data: {
          name,
          both: (resolution?.system ?? [hop.peer.id, other.peer.id]).join(' and '),
          service: other.service?.name ?? 'The backend',
          real: other.peer.id,
          wanted: hop.peer.id,
        },
        evidence: [
          configEvidence(hop.peer.origin, hop.peer.written),
          ...(resolution === undefined ? [] : [{ source: `exec:getent ahosts ${name}`, text: resolution.system.join(', ') }]),
          ...(refused === undefined ? [] : [probeEvidence(refused)]),
          ...(taken === undefined ? [] : [probeEvidence(taken)]),
          ...other.peer.listeners.slice(0, 1).map(listenerEvidence),
          ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
        fixData: { wanted: hop.peer.id, real: other.peer.id, written: hop.peer.written },
      };
    }
  },
});

function familyOf({ peer }: Hop): 4 | 6 | undefined {
  if (peer.address.kind === 'unix' || peer.hostName === undefined) return undefined;
  return peer.address.host.includes(':') ? 6 : 4;
}

/** An address of this host at which nobody listens. */
function isBare({ peer }: Hop): boolean {
  return peer.local && peer.listeners.length === 0;
}

/** The other address of the same name and port. */
function isTwin(one: Hop, hop: Hop): boolean {
  return one !== hop && one.peer.hostName === hop.peer.hostName && one.peer.written === hop.peer.written && familyOf(one) !== familyOf(hop);
}

function takes({ outcome }: ProbeResult): boolean {
  return outcome.state !== 'connect-failed' && outcome.state !== 'connect-timeout' && outcome.state !== 'not-asked';
}
