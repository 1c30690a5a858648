import { defineFault, ruledOut } from '../../model/fault.ts';
import { failedAt } from '../../model/deaths.ts';
import { localAddress } from '../../model/dependencies.ts';
import { eventEvidence, listenerEvidence, probeEvidence, processEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Detection } from '../../model/finding.ts';
import { frozenDependencies } from '../../model/frozen-dependencies.ts';
import { countOf, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { probeKey, type ProbeResult } from '../../model/probe.ts';
import { stoppedUnitAt } from '../../model/unit-behind.ts';
import { isLoose, whoAnswered } from '../../model/who-answered.ts';

const waiting: readonly Symptom['class'][] = ['read-timeout', 'send-timeout', 'connect-timeout', 'connect-queue-full', 'probe-failed'];
const failing: readonly Symptom['class'][] = ['backend-answered-5xx', 'premature-close', 'reset'];

/**
 * The application's log names an address on this host that it could not reach as requests failed, and nobody takes connections
 * there now. A dependency on another host is only quoted by the fault that its failing makes.
 */
export default defineFault({
  meta: {
    id: 'app-dependency-down',
    layer: 'app',
    title: 'What the application depends on does not answer',
    explains: [...failing, ...waiting, 'no-live-upstreams', 'unattributed-5xx'],
    requires: ['hops', 'symptoms', 'probe-results', 'topology'],
    uses: ['nginx-error-log', 'listeners', 'processes', 'connections', 'stopped-servers', 'systemd-units'],
    leadsTo: [
      'app-returned-5xx',
      'request-specific-crash',
      'auth-backend-failed',
      'retries-hide-failures',
      'worker-pool-exhausted',
      'accept-queue-overflow',
      'backend-hung',
      'backend-slower-than-timeout',
      'no-live-upstreams',
      'max-fails-amplification',
    ],
    messages: {
      away: '{service} could not reach {address} {times} within the window, and nobody takes connections there now. Requests fail as it says so.',
      stopped:
        '{service} could not reach {address} {times} within the window, and nobody takes connections there now: {unit}, whose settings name that address, is {state}. Requests fail as {service} says so.',
      frozen:
        '{service} uses no CPU and waits. Its workers hold {count} connections to {address}, where {process} (pid {pid}) is stopped by a signal (state T) and answers them no more.',
      frozenUnseen:
        '{service} uses no CPU and waits. At {address} {process} (pid {pid}) is stopped by a signal (state T) and holds {count} open connections that it answers no more. Whose they are could not be seen: maybe those of {service}.',
    },
  },
  *detect({ hops, symptoms, topology, 'probe-results': probes, ...facts }, { sinceMs }) {
    yield* frozen({
      hops,
      symptoms,
      listeners: valueOr(facts.listeners, []),
      processes: valueOr(facts.processes, []),
      connections: valueOr(facts.connections, { byRemote: [], byLocal: [], byState: {} }),
      stopped: valueOr(facts['stopped-servers'], undefined),
    });
    const units = valueOr(facts['systemd-units'], []);
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
        const parsed = localAddress(address);
        const stopped =
          parsed === undefined
            ? undefined
            : stoppedUnitAt(
                parsed,
                units.filter(({ name }) => name !== hop.unit?.name),
              );
        yield {
          // One line among many failures may be about something that nobody needs.
          confidence: own.length >= countOf(explained) / 2 ? 'confirmed' : 'likely',
          status: explained.some(symptom => symptom.ongoing) ? 'active' : 'past',
          subject: { kind: 'peer', id: address, name: address, peers: [address, hop.peer.id] },
          messageId: stopped === undefined ? 'away' : 'stopped',
          data: {
            service: hop.service?.name ?? hop.peer.id,
            address,
            times: own.length === 1 ? 'once' : `${own.length} times`,
            unit: stopped?.unit.name ?? '',
            state: stopped?.unit.activeState ?? '',
          },
          evidence: [
            eventEvidence(last),
            probeEvidence(probe),
            ...(stopped === undefined ? [] : [unitEvidence(stopped.unit), stopped.evidence]),
            ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
          ],
          symptoms: explained.map(symptom => symptom.id),
          ...(stopped === undefined ? {} : { fixData: { unit: stopped.unit.name, where: address, masked: stopped.unit.loadState === 'masked', sure: false } }),
        };
      }
    }
  },
});

type Around = Parameters<typeof frozenDependencies>[1] & { readonly symptoms: readonly Symptom[] };

/** Connected, and answered by nobody: no log speaks of it, as nothing has failed for the application yet. */
function* frozen(around: Around): Generator<Detection<'frozen' | 'frozenUnseen'>> {
  for (const hop of around.hops) {
    const explained = [...symptomsOf(hop, [...waiting, 'no-live-upstreams']), ...unattributedOf(hop, around.symptoms, [502, 504])].filter(
      symptom => symptom.ongoing,
    );
    if (explained.length === 0) continue;
    for (const { address, listener, processes, connections, isSeen } of frozenDependencies(hop, around)) {
      const [first] = processes;
      if (first === undefined) continue;
      yield {
        confidence: isSeen ? 'likely' : 'possible',
        status: 'active',
        subject: { kind: 'peer', id: address, name: address, peers: [address, hop.peer.id] },
        messageId: isSeen ? 'frozen' : 'frozenUnseen',
        data: { service: hop.service?.name ?? hop.peer.id, address, process: first.comm, pid: first.pid, count: connections },
        evidence: [
          processEvidence(first),
          listenerEvidence(listener),
          { source: 'connections', text: `ESTAB ${isSeen ? `of ${hop.service?.name ?? hop.peer.id} to` : 'at'} ${address}: ${connections}` },
          ...explained
            .filter(symptom => symptom.count > 0)
            .flatMap(symptom => symptomEvidence(symptom, 1))
            .slice(0, 2),
        ],
        symptoms: explained.map(symptom => symptom.id),
      };
    }
  }
}

/** The question whether anybody takes connections at that address. */
function connectOf(text: string, probes: readonly ProbeResult[]): ProbeResult | undefined {
  const address = localAddress(text);
  const key = address === undefined ? undefined : probeKey({ kind: 'connect', address });
  return probes.find(one => probeKey(one.request) === key);
}
