import { configEvidence, listenerEvidence, probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { FoundBackend } from '../../model/facts/lost-peer.ts';
import type { Listener } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress, takesConnectionsTo } from '../../model/host.ts';

const explains: readonly Symptom['class'][] = ['connect-refused', 'connect-no-file', 'connect-timeout', 'no-live-upstreams', 'probe-failed', 'server-disabled'];

export default defineFault({
  meta: {
    id: 'address-mismatch',
    layer: 'address',
    title: 'nginx asks an address at which its backend does not listen',
    explains,
    requires: ['hops', 'lost-peers', 'listeners'],
    leadsTo: ['socket-missing', 'socket-stale', 'backend-down', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      elsewhere: 'Nobody listens on {wanted}, which {where} names. {service} runs and listens on {real}: {because}.',
      configured:
        '{service} is set up for {wanted} and still listens on {real}: it was not restarted since its configuration changed, or nothing lets it listen there.',
      perhaps: 'Nobody listens on {wanted}, which {where} names. {service} runs, answers on {real}, and may be the backend that is meant: {because}.',
    },
  },
  *detect({ hops, 'lost-peers': lostPeers, listeners }) {
    for (const lost of lostPeers) {
      const hop = hops.find(one => one.peer.id === lost.peerId);
      if (hop === undefined || lost.sibling !== undefined) continue;
      const refused = hop.probes.some(probe => probe.outcome.state === 'connect-failed' || probe.outcome.state === 'connect-timeout');
      const symptoms = [...hop.symptoms, ...hop.groupSymptoms].filter(symptom => explains.includes(symptom.class));
      if (!refused && symptoms.length === 0) continue;
      const { here, certainty } = lost;
      // One path for another: what nginx asks for is missing, and socket-missing says where the socket is.
      const isMissing = hop.probes.some(({ outcome }) => outcome.state === 'connect-failed' && outcome.code === 'ENOENT');
      if (hop.peer.address.kind === 'unix' && here?.address.kind === 'unix' && isMissing) continue;
      if (here === undefined || certainty === undefined) {
        const stopped = lost.stopped[0];
        if (stopped !== undefined) yield ruledOut(`${stopped.unit.name}, which ${lost.peerId} seems to belong to, does not run at all`);
        continue;
      }
      // A backup that is not needed, and a service of which little says that it is meant: no word about it.
      if (certainty !== 'sure' && statusNow(hop, symptoms) === 'latent') continue;
      const wanted = lost.peerId;
      const real = formatAddress(here.address);
      const name = here.service?.name ?? 'a process';
      const isOwn = here.service?.configuredListen.some(configured => formatAddress(configured.value) === wanted) === true;
      // Of two that fit equally well either may be meant, and a plan would be a guess.
      const isTied = certainty !== 'sure' && lost.found.some(other => other !== here && other.weight >= here.weight);
      yield {
        confidence: certainty === 'sure' && refused ? 'confirmed' : certainty === 'sure' || (here.weight > 3 && !isTied) ? 'likely' : 'possible',
        status: statusNow(hop, symptoms),
        subject: hop.subject,
        messageId: isOwn ? 'configured' : certainty === 'sure' ? 'elsewhere' : 'perhaps',
        data: { wanted, real, service: name, where: `${hop.peer.origin.path}:${hop.peer.origin.line}`, because: here.signs.join(', ') || 'it is the only one' },
        evidence: evidenceOf(hop, here, listeners, symptoms),
        symptoms: symptoms.map(symptom => symptom.id),
        ...(isTied
          ? {}
          : { fixData: { wanted, real, written: hop.peer.written, ...(isOwn && here.service.unit !== undefined ? { restart: here.service.unit } : {}) } }),
      };
    }
  },
});

/** The address as written, that it is refused, who listens elsewhere, and that it answers. */
function evidenceOf(hop: Hop, here: FoundBackend, listeners: readonly Listener[], symptoms: readonly Symptom[]): [Evidence, ...Evidence[]] {
  const refusal = hop.probes.filter(probe => probe.outcome.state === 'connect-failed' || probe.outcome.state === 'connect-timeout').slice(0, 1);
  const listener = listeners.find(one => isAt(one, here));
  const route = hop.routes[0];
  const written = hop.groups.some(group => group.explicit)
    ? `server ${hop.peer.written}`
    : route === undefined
      ? hop.peer.written
      : `${route.pass}_pass ${route.target}`;
  return [
    configEvidence(hop.peer.origin, written),
    ...refusal.map(probeEvidence),
    ...(listener === undefined ? [] : [listenerEvidence(listener)]),
    probeEvidence(here.probe),
    ...(here.said === undefined ? [] : [here.said]),
    ...(here.service?.configuredListen ?? [])
      .slice(0, 1)
      .map(configured => ({ source: configured.source, text: `listens on ${formatAddress(configured.value)}` })),
    ...(hop.unit === undefined ? [] : [unitEvidence(hop.unit)]),
    ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
  ];
}

function isAt(listener: Listener, { address }: FoundBackend): boolean {
  if (address.kind === 'unix') return listener.path === address.path;
  return listener.kind === 'tcp' && listener.port === address.port && takesConnectionsTo(listener.host, address.host);
}
