import { defineFault, ruledOut } from '../../model/fault.ts';
import { journalEvidence, probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Evidence } from '../../model/finding.ts';

/** States of a unit in which systemd does not try to bring it back. */
const ended: ReadonlySet<string> = new Set(['inactive', 'failed']);

export default defineFault({
  meta: {
    id: 'backend-down',
    layer: 'backend',
    title: 'The service behind the upstream is not running',
    explains: ['connect-refused', 'connect-no-file', 'probe-failed', 'no-live-upstreams'],
    requires: ['hops', 'listeners'],
    uses: ['systemd-units'],
    leadsTo: ['socket-missing', 'socket-stale', 'no-live-upstreams', 'app-returned-5xx', 'max-fails-amplification'],
    messages: {
      unit: '{unit} is {state}{result}: no process of it runs and nobody listens on {address}.',
      gone: 'Nobody listens on {address}, and no running process or unit is known that should.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const { peer, unit, service } = hop;
      if (!peer.local || peer.flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      if (peer.listeners.length > 0) {
        if (hop.symptoms.some(symptom => symptom.class === 'connect-refused')) yield ruledOut(`something listens on ${peer.id}`);
        continue;
      }
      const proof = refusal(hop);
      if (proof === undefined) continue;
      const symptoms = [...hop.symptoms, ...hop.groupSymptoms].filter(symptom => ['connect-refused', 'connect-no-file', 'probe-failed', 'no-live-upstreams'].includes(symptom.class)).map(symptom => symptom.id);
      if (unit !== undefined && ended.has(unit.activeState)) {
        yield {
          confidence: 'confirmed',
          status: 'active',
          subject: hop.serviceSubject,
          messageId: 'unit',
          data: { unit: unit.name, state: unit.activeState, result: unit.result === 'success' ? '' : ` (result ${unit.result})`, address: peer.id },
          evidence: [unitEvidence(unit), ...proof, ...journalEvidence(unit, 2)],
          symptoms,
          fixData: { unit: unit.name },
        };
      } else if (service === undefined) {
        yield { confidence: 'possible', status: 'active', subject: hop.subject, messageId: 'gone', data: { address: peer.id }, evidence: proof, symptoms };
      }
    }
  },
});

/** The direct observation: the probe was refused, or the log says so and nobody listens. */
function refusal(hop: Hop): [Evidence, ...Evidence[]] | undefined {
  const probe = hop.probes.find(one => one.outcome.state === 'connect-failed' && ['ECONNREFUSED', 'ENOENT'].includes(one.outcome.code));
  const logged = hop.symptoms.filter(symptom => symptom.class === 'connect-refused' || symptom.class === 'connect-no-file').flatMap(symptom => symptomEvidence(symptom, 1));
  const [first, ...rest] = [...(probe === undefined ? [] : [probeEvidence(probe)]), ...logged];
  return first === undefined ? undefined : [first, ...rest];
}
