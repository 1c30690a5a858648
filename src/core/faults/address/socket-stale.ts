import { listenerEvidence, probeEvidence, processEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import { describePart } from '../../model/socket-access.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { PathFile } from '../../model/facts.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

const explains: readonly Symptom['class'][] = ['connect-refused', 'no-live-upstreams', 'probe-failed'];

export default defineFault({
  meta: {
    id: 'socket-stale',
    layer: 'address',
    title: 'The file of the unix socket is a leftover, at which nobody listens',
    explains,
    requires: ['hops', 'socket-files'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      replaced:
        '{path} is there, and a connection to it is refused: the file is not the socket that {service} listens on. Somebody removed or replaced the file while {service} ran.',
      unheard: '{path} is there, and no process listens at it, although {service} runs.',
      leftover: '{path} is there, and no process listens at it: whoever made it has ended without removing it.',
    },
  },
  *detect({ hops, 'socket-files': files }) {
    for (const hop of hops) {
      const { address } = hop.peer;
      if (address.kind !== 'unix' || hop.routes.length === 0 || hop.peer.flags.down) continue;
      const file = files.find(one => one.path === address.path);
      const refused = hop.probes.find(one => one.outcome.state === 'connect-failed' && one.outcome.code === 'ECONNREFUSED');
      const last = file?.chain.at(-1);
      if (file?.exists !== true || refused === undefined || last === undefined) continue;
      const symptoms = symptomsOf(hop, explains);
      const service = hop.service?.name ?? 'the service';
      const unit = hop.service?.unit;
      const runs = hop.master !== undefined || hop.workers.length > 0;
      yield {
        confidence: 'confirmed',
        status: statusNow(hop, symptoms),
        subject: runs ? hop.serviceSubject : hop.subject,
        messageId: hop.peer.listeners.length > 0 ? 'replaced' : runs ? 'unheard' : 'leftover',
        data: { path: address.path, service },
        evidence: [
          probeEvidence(refused),
          ...fileEvidence(file),
          ...hop.peer.listeners.slice(0, 1).map(listenerEvidence),
          ...behind(hop),
          ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
        ...(runs && unit !== undefined ? { fixData: { unit, path: address.path } } : {}),
      };
    }
  },
});

function fileEvidence(file: PathFile): Evidence[] {
  const last = file.chain.at(-1);
  return last === undefined ? [] : [{ source: `stat:${file.path}`, text: describePart(last) }];
}

function behind(hop: Hop): Evidence[] {
  return [...(hop.unit === undefined ? [] : [unitEvidence(hop.unit)]), ...(hop.master === undefined ? [] : [processEvidence(hop.master)])];
}
