import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { NetworkPath } from '../../model/facts/network.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

const explains: readonly Symptom['class'][] = [
  'connect-unreachable',
  'connect-timeout',
  'connect-denied',
  'connect-other',
  'no-live-upstreams',
  'probe-failed',
  'server-disabled',
];
const codes: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'EHOSTDOWN', 'EACCES', 'EINVAL']);

export default defineFault({
  meta: {
    id: 'no-route',
    layer: 'network',
    title: "The backend's host cannot be reached",
    explains,
    requires: ['hops', 'network-paths'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'firewall-drop'],
    messages: {
      neighbour: 'Nobody answers for {next} on {dev} ({state}), which is {what} {address}: that host is off, has another address, or is not on this wire.',
      blocked: 'A route of this host forbids packets to {address}: `ip route get` says "{route}".',
      link: 'The packets to {address} leave by {dev}, and that link is down.',
    },
  },
  *detect({ hops, 'network-paths': paths }) {
    for (const hop of hops) {
      const { address, local, flags } = hop.peer;
      if (address.kind !== 'tcp' || local || flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const probe = hop.probes.find(({ outcome }) => outcome.state === 'connect-timeout' || (outcome.state === 'connect-failed' && codes.has(outcome.code)));
      const path = paths.find(one => one.address === address.host);
      if (probe === undefined || path === undefined || path.route === 'none') continue;
      const why = reasonOf(path);
      if (why === undefined) continue;
      const symptoms = symptomsOf(hop, explains);
      yield {
        confidence: 'confirmed',
        status: statusNow(hop, symptoms),
        subject: hop.subject,
        messageId: why.message,
        data: {
          address: hop.peer.id,
          next: path.via ?? address.host,
          what: path.via === undefined ? 'the address of' : 'the router towards',
          dev: path.dev ?? 'no interface',
          state: path.neighbour?.state ?? 'no entry',
          route: path.routeText,
        },
        evidence: [
          why.evidence,
          probeEvidence(probe),
          { source: `exec:ip route get ${address.host}`, text: path.routeText },
          ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
      };
    }
  },
});

function reasonOf(path: NetworkPath): { readonly message: 'neighbour' | 'blocked' | 'link'; readonly evidence: Evidence } | undefined {
  if (path.route === 'blocked') return { message: 'blocked', evidence: { source: `exec:ip route get ${path.address}`, text: path.routeText } };
  if (path.link?.up === false) return { message: 'link', evidence: { source: `exec:ip link show dev ${path.dev ?? ''}`, text: path.link.text } };
  const { neighbour } = path;
  if (neighbour === undefined || !['FAILED', 'INCOMPLETE'].includes(neighbour.state)) return undefined;
  return { message: 'neighbour', evidence: { source: `exec:ip neigh show ${neighbour.address}`, text: neighbour.text } };
}
