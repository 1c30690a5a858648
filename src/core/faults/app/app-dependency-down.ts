import { defineFault, ruledOut } from '../../model/fault.ts';
import { failedAt } from '../../model/deaths.ts';
import { localAddress } from '../../model/dependencies.ts';
import { eventEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { countOf, symptomsOf } from '../../model/hop-symptoms.ts';
import { probeKey, type ProbeResult } from '../../model/probe.ts';
import { isLoose, whoAnswered } from '../../model/who-answered.ts';

const failing: readonly Symptom['class'][] = ['backend-answered-5xx', 'premature-close', 'reset'];

/**
 * The application's log names an address on this host that it could not reach as requests failed, and nobody takes connections
 * there now. A dependency on another host is only quoted by the fault that its failing makes.
 */
export default defineFault({
  meta: {
    id: 'app-dependency-down',
    layer: 'app',
    title: 'What the application depends on does not take connections',
    explains: [...failing, 'unattributed-5xx'],
    requires: ['hops', 'symptoms', 'probe-results', 'topology'],
    uses: ['nginx-error-log'],
    leadsTo: ['app-returned-5xx', 'request-specific-crash', 'auth-backend-failed', 'retries-hide-failures'],
    messages: {
      away: '{service} could not reach {address} {times} within the window, and nobody takes connections there now. Requests fail as it says so.',
    },
  },
  *detect({ hops, symptoms, topology, 'probe-results': probes, ...facts }, { sinceMs }) {
    for (const hop of hops) {
      const events = hop.events.filter(event => event.kind === 'dependency-error' && event.timeMs >= sinceMs && event.address !== undefined);
      if (events.length === 0) continue;
      const loose = symptoms.filter(symptom => {
        const who = isLoose(symptom) ? whoAnswered(symptom, { hops, topology, errorLog: facts['nginx-error-log'] }) : undefined;
        return who?.state === 'one' && who.hops.some(one => one.peer.id === hop.peer.id);
      });
      const unattributed = hop.symptoms.filter(symptom => symptom.class === 'unattributed-5xx' && symptom.madeBy !== 'nginx');
      for (const address of new Set(events.flatMap(event => event.address ?? []))) {
        const own = events.filter(event => event.address === address);
        const explained = [...symptomsOf(hop, failing), ...unattributed, ...loose].filter(
          symptom => symptom.count > 0 && own.some(event => failedAt(symptom, event.timeMs)),
        );
        const probe = connectOf(address, probes);
        const last = own.at(-1);
        if (explained.length === 0 || last === undefined || probe === undefined || address === hop.peer.id) continue;
        if (probe.outcome.state === 'connected') {
          yield ruledOut(`${address}, which ${hop.service?.name ?? hop.peer.id} could not reach, takes connections now`);
          continue;
        }
        if (probe.outcome.state !== 'connect-failed' && probe.outcome.state !== 'connect-timeout') continue;
        yield {
          // One line among many failures may be about something that nobody needs.
          confidence: own.length >= countOf(explained) / 2 ? 'confirmed' : 'likely',
          status: explained.some(symptom => symptom.ongoing) ? 'active' : 'past',
          subject: { kind: 'peer', id: address, name: address, peers: [address, hop.peer.id] },
          messageId: 'away',
          data: { service: hop.service?.name ?? hop.peer.id, address, times: own.length === 1 ? 'once' : `${own.length} times` },
          evidence: [eventEvidence(last), probeEvidence(probe), ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2)],
          symptoms: explained.map(symptom => symptom.id),
        };
      }
    }
  },
});

/** The question whether anybody takes connections at that address. */
function connectOf(text: string, probes: readonly ProbeResult[]): ProbeResult | undefined {
  const address = localAddress(text);
  const key = address === undefined ? undefined : probeKey({ kind: 'connect', address });
  return probes.find(one => probeKey(one.request) === key);
}
