import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault } from '../../model/fault.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { processCountOf, type ProcessCount } from '../../model/process-limits.ts';

/** What becomes of a request for which no process or thread can be started. */
const ends: readonly Symptom['class'][] = [
  'backend-answered-5xx',
  'premature-close',
  'reset',
  'read-timeout',
  'connect-timeout',
  'connect-queue-full',
  'no-live-upstreams',
  'probe-failed',
];
const nearlyFull = 0.9;
const nearMs = 15_000;

export default defineFault({
  meta: {
    id: 'process-limit-reached',
    layer: 'capacity',
    title: 'The backend may start no more processes or threads',
    explains: [...ends, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['processes', 'process-details', 'kernel-log'],
    leadsTo: ['app-returned-5xx', 'backend-crashing', 'backend-crash-loop', 'worker-pool-exhausted', 'accept-queue-overflow', 'no-live-upstreams'],
    messages: {
      full: '{service} could start no process or thread when requests to it failed: {name} allows {limit}, and {count} are there.',
      said: '{service} could start no process or thread when requests to it failed{now}.',
    },
  },
  *detect(facts, { sinceMs, nowMs }) {
    const [processes, details, kernel] = [valueOr(facts.processes, []), valueOr(facts['process-details'], []), valueOr(facts['kernel-log'], [])];
    for (const hop of facts.hops) {
      const { service, unit } = hop;
      if (service === undefined || service.kind === 'nginx' || hop.peer.flags.down) continue;
      const said = hop.events.filter(event => event.kind === 'fork-failed' && event.timeMs >= sinceMs);
      // `cgroup: fork rejected by pids controller in /system.slice/shop.service`
      const rejected = kernel.filter(
        event =>
          unit !== undefined && event.timeMs >= sinceMs && event.text.includes('fork rejected by pids controller') && event.text.endsWith(`/${unit.name}`),
      );
      const times = [...said, ...rejected].map(event => event.timeMs);
      const explained = [...symptomsOf(hop, ends), ...unattributedOf(hop, facts.symptoms, [500, 502, 503, 504])].filter(symptom =>
        times.some(time => time >= symptom.firstMs - nearMs && time <= symptom.lastMs + nearMs),
      );
      if (explained.length === 0) continue;
      const count = processCountOf(hop, processes, details);
      const isFull = count !== undefined && count.count >= count.limit * nearlyFull;
      const isOngoing = failsStill(explained, isFull, nowMs);
      const [first, ...rest] = [
        ...said.slice(-1).map(eventEvidence),
        ...rejected.slice(-1).map(event => ({ source: event.source, text: event.text })),
        ...(count === undefined ? [] : [countEvidence(count)]),
        ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
      ];
      if (first === undefined) continue;
      yield {
        confidence: isFull && isOngoing ? 'confirmed' : isFull || rejected.length > 0 ? 'likely' : 'possible',
        status: isOngoing ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: isFull ? 'full' : 'said',
        data: {
          service: service.name,
          name: count?.name ?? 'its limit',
          limit: count?.limit ?? 0,
          count: count?.count ?? 0,
          now: count === undefined ? '' : `. Now ${count.name} allows ${count.limit}, and ${count.count} are there`,
        },
        evidence: [first, ...rest],
        symptoms: [...new Set(explained.map(symptom => symptom.id))],
        ...(count === undefined || unit === undefined ? {} : { fixData: { unit: unit.name, kind: count.kind, limit: count.limit } }),
      };
    }
  },
});

function countEvidence({ name, count, limit }: ProcessCount): { readonly source: string; readonly text: string } {
  return { source: 'proc:*/status', text: `${count} processes and threads, of ${limit} by ${name}` };
}
