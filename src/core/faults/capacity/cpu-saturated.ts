import { symptomEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { poolState } from '../../model/pool-state.ts';

const waits: readonly Symptom['class'][] = ['read-timeout', 'connect-timeout'];
/** Processes that want to run, for each processor: far more than a busy host that keeps up. */
const muchLoad = 6;
/** Percent of ten seconds in which somebody waited for a processor. */
const muchPressure = 90;

export default defineFault({
  meta: {
    id: 'cpu-saturated',
    layer: 'capacity',
    title: 'The processors of the host have far more to do than they can',
    explains: waits,
    requires: ['hops', 'resources', 'host-identity'],
    leadsTo: [],
    messages: {
      busy: 'On average {load} processes wanted to run on {cpus} processors in the last minute, and in {pressure} % of the last ten seconds somebody waited for one. Requests fail by waiting, and nothing more specific stands out: the lack of processors may be why.',
    },
  },
  *detect({ hops, resources, 'host-identity': host }) {
    const load = resources.load?.[0];
    const pressure = resources.pressure?.cpu?.someAvg10;
    // A load counts processes that wait for a disk too: without the pressure it says too little.
    if (load === undefined || pressure === undefined || host.cpus < 1 || load < muchLoad * host.cpus || pressure < muchPressure) return;
    const waiting = hops
      .filter(hop => hop.peer.local && !hop.peer.flags.down && !hasOwnReason(hop))
      .flatMap(hop => hop.symptoms.filter(symptom => symptom.ongoing && symptom.count > 0 && waits.includes(symptom.class)));
    const failing = hops.flatMap(hop => hop.symptoms).filter(symptom => symptom.ongoing);
    // Other failures at the same time have a cause of their own, which may well be that of these.
    if (waiting.length === 0 || failing.some(symptom => !waiting.includes(symptom))) return;
    yield {
      confidence: 'possible',
      status: 'active',
      subject: { kind: 'host', id: 'host', name: 'this host', peers: [] },
      messageId: 'busy',
      data: { load, cpus: host.cpus, pressure },
      evidence: [
        loadEvidence(load, host.cpus),
        { source: 'file:/proc/pressure/cpu', text: `some avg10=${pressure}` },
        ...symptomEvidence(waiting[0] as Symptom, 1),
      ],
      symptoms: [...new Set(waiting.map(symptom => symptom.id))],
    };
  },
});

function loadEvidence(load: number, cpus: number): Evidence {
  return { source: 'file:/proc/loadavg', text: `load average of one minute ${load}, on ${cpus} processors` };
}

/** Its probe failed, its workers are all busy, or its log tells of trouble. */
function hasOwnReason(hop: Hop): boolean {
  const isAnswered = hop.own === undefined || hop.own.outcome.state === 'answered';
  return (
    !isAnswered ||
    poolState(hop)?.isFull === true ||
    hop.events.some(event => event.kind !== 'started' && event.kind !== 'stopped' && event.kind !== 'slow-request')
  );
}
