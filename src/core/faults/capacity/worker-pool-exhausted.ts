import { configEvidence, eventEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { poolEvidence, poolState, type PoolState } from '../../model/pool-state.ts';

/** What waiting for a worker ends in, at the peer itself. */
const waits: readonly Symptom['class'][] = ['connect-queue-full', 'connect-timeout', 'read-timeout', 'send-timeout', 'probe-failed'];
/** What follows from it. */
const follows: readonly Symptom['class'][] = ['no-live-upstreams'];
/** php-fpm says at most once a second that it is full, and a request may wait for a minute before it fails. */
const nearMs = 75_000;

export default defineFault({
  meta: {
    id: 'worker-pool-exhausted',
    layer: 'capacity',
    title: 'All workers of the pool are busy',
    explains: [...waits, ...follows, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    leadsTo: ['accept-queue-overflow', 'backend-slower-than-timeout', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      full: '{all} of {service} {busy}, and {waiting}{queue}{doing}{slow}{limit}.',
      busy: '{all} of {service} {busy} in every look, and requests to it fail by waiting too long{doing}{slow}{limit}.',
      said: '{service} said that it had reached its limit when requests to it failed{now}{slow}{limit}.',
    },
  },
  *detect({ hops, symptoms }, { sinceMs }) {
    for (const hop of hops) {
      const own = symptomsOf(hop, waits);
      const explained = [...own, ...symptomsOf(hop, follows), ...unattributedOf(hop, symptoms, [502, 504])];
      const { service } = hop;
      if (explained.length === 0 || service === undefined || hop.peer.flags.down) continue;
      const state = poolState(hop);
      const data = { service: service.name, limit: limitText(hop), doing: state === undefined ? '' : doingText(state), slow: slowText(hop, explained) };
      const common = { subject: hop.serviceSubject, fixData: { service: service.id } } as const;
      const isActive = explained.some(symptom => symptom.ongoing);
      const proof = [...limitEvidence(hop), ...symptomProof(hop, explained)];
      if (state?.isFull === true && isActive) {
        if (state.workersDo === 'stopped' || state.workersDo === 'locked') {
          yield ruledOut(`the workers of ${service.name} are not busy but stand still (${stillText(state)})`);
          continue;
        }
        const isQueued = state.waiting.least > 0;
        yield {
          ...common,
          // With an empty queue the workers may be busy with just those requests that are too slow by themselves.
          confidence: isQueued ? 'confirmed' : own.filter(one => one.count > 0).every(one => one.urlTemplate !== undefined) ? 'possible' : 'likely',
          status: 'active',
          messageId: isQueued ? 'full' : 'busy',
          data: {
            ...data,
            all: allText(state),
            busy: state.size === 1 ? 'is busy' : 'are busy',
            waiting: waitingText(state),
            queue: queueText(state),
          },
          evidence: [poolEvidence(state), ...proof],
          symptoms: explained.filter(symptom => symptom.ongoing).map(symptom => symptom.id),
        };
        continue;
      }
      const said = hop.events.filter(event => event.kind === 'pool-full' && event.timeMs >= sinceMs);
      const then = explained.filter(
        symptom => symptom.count > 0 && said.some(event => event.timeMs >= symptom.firstMs - nearMs && event.timeMs <= symptom.lastMs + nearMs),
      );
      const [event] = said.slice(-1);
      if (event !== undefined && then.length > 0) {
        const isSpread = then.some(symptom => symptom.class === 'connect-queue-full' || symptom.urlTemplate === undefined);
        yield {
          ...common,
          confidence: isSpread ? 'likely' : 'possible',
          status: then.some(symptom => symptom.ongoing) ? 'active' : 'past',
          messageId: 'said',
          data: { ...data, now: nowText(state) },
          evidence: [
            eventEvidence(event),
            ...(state === undefined ? [] : [poolEvidence(state)]),
            ...limitEvidence(hop),
            ...then.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
          ],
          symptoms: then.map(symptom => symptom.id),
        };
      } else if (state !== undefined && isActive && own.length > 0) {
        yield ruledOut(`at most ${state.load.busyEver} of ${state.size} workers of ${service.name} were busy, and ${state.waiting.most} connections waited`);
      }
    }
  },
});

function allText({ size, load }: PoolState): string {
  return size === 1 ? 'The only worker' : `All ${load.workers} workers`;
}

function waitingText({ waiting }: PoolState): string {
  if (waiting.most === 1) return '1 request waits';
  return waiting.least === waiting.most ? `${waiting.most} requests wait` : `${waiting.least} to ${waiting.most} requests wait`;
}

function queueText({ isQueueFull, load }: PoolState): string {
  return isQueueFull ? ` in its full accept queue of ${load.backlog}` : ' for one';
}

/** `The limit is pm.max_children = 5.` The file and its line stand in the evidence. */
function limitText({ service }: Hop): string {
  const limit = service?.workersMax;
  if (limit === undefined) return '';
  if (service?.kind !== 'php-fpm') return `. The limit is ${limit.value} at once`;
  const shared = /^\s*process\.max\s*=\s*(\d{1,9})/.exec(limit.text ?? '')?.[1];
  return shared === undefined
    ? `. The limit is pm.max_children = ${limit.value}`
    : `. The limit is process.max = ${shared}, which holds for all pools of this php-fpm together`;
}

function doingText({ workersDo, load, size }: PoolState): string {
  if (workersDo === 'compute') return '. They compute: more of them help only where processors are idle';
  if (load.cpuMs === undefined || load.sampledMs === undefined) return '';
  const share = Math.round((load.cpuMs / (load.sampledMs * size)) * 100);
  return `. ${size === 1 ? 'It uses' : 'They use'} ${share === 0 ? 'no CPU' : `${share} % of a CPU${size === 1 ? '' : ' each'}`}: ${size === 1 ? 'it waits' : 'they wait'} for something, such as a database`;
}

/** Where the slow requests are known, by php-fpm's slow log or because nearly all failures are of one page. */
function slowText(hop: Hop, explained: readonly Symptom[]): string {
  const slow = hop.events.findLast(event => event.kind === 'slow-request' && event.uri !== undefined)?.uri;
  const [template, other] = [...new Set(explained.flatMap(symptom => (symptom.count > 0 ? [symptom.urlTemplate ?? ''] : [])))];
  if (slow !== undefined) return `. The slow log names ${slow}`;
  return template === undefined || template === '' || other !== undefined ? '' : `. Nearly all that fails is ${template}`;
}

function stillText({ workersDo, load }: PoolState): string {
  const counts = workersDo === 'stopped' ? load.states : load.waits;
  return Object.entries(counts ?? {})
    .map(([name, count]) => `${count} in ${name}`)
    .join(', ');
}

function nowText(state: PoolState | undefined): string {
  return state === undefined ? '' : `. Now ${state.load.busyEver} of ${state.size} workers are busy`;
}

function limitEvidence({ service }: Hop): Evidence[] {
  const limit = service?.workersMax;
  const place = limit === undefined ? null : /^file:(.+):(\d+)$/.exec(limit.source);
  return place === null || limit?.text === undefined ? [] : [configEvidence({ path: place[1] ?? '', line: Number(place[2]) }, limit.text.trim())];
}

function symptomProof(hop: Hop, explained: readonly Symptom[]): Evidence[] {
  const event = hop.events.findLast(one => one.kind === 'pool-full');
  return [
    ...(event === undefined ? [] : [eventEvidence(event)]),
    ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
    ...(hop.own === undefined || ['answered', 'connected'].includes(hop.own.outcome.state) ? [] : [probeEvidence(hop.own)]),
  ];
}
