import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { Symptom } from '../../model/facts/topology.ts';

const explains: readonly Symptom['class'][] = ['connect-unreachable', 'no-live-upstreams', 'probe-failed', 'server-disabled'];

export default defineFault({
  meta: {
    id: 'network-unreachable',
    layer: 'network',
    title: "This host has no route to the backend's network",
    explains,
    requires: ['hops', 'network-paths'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      none: 'No route of this host leads to {address}: `ip route get` says "{route}". An interface is down or lost its address, a route or the default route is missing, or this host has no IPv6.',
    },
  },
  *detect({ hops, 'network-paths': paths }) {
    for (const hop of hops) {
      const { address, local, flags } = hop.peer;
      if (address.kind !== 'tcp' || local || flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const probe = hop.probes.find(({ outcome }) => outcome.state === 'connect-failed' && outcome.code === 'ENETUNREACH');
      const path = paths.find(one => one.address === address.host);
      if (probe === undefined || path?.route !== 'none') continue;
      const symptoms = symptomsOf(hop, explains);
      yield {
        confidence: 'confirmed',
        status: statusNow(hop, symptoms),
        subject: hop.subject,
        messageId: 'none',
        data: { address: hop.peer.id, route: path.routeText },
        evidence: [
          { source: `exec:ip route get ${address.host}`, text: path.routeText },
          probeEvidence(probe),
          ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
      };
    }
  },
});
