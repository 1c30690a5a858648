import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { BackendEvent } from '../../model/facts/backend.ts';
import { isStall, sampleTimesOf } from '../../model/hop-symptoms.ts';

/** Ends of a worker that explain why its answer broke off. */
const ends: ReadonlySet<BackendEvent['kind']> = new Set<BackendEvent['kind']>([
  'worker-signal',
  'request-killed',
  'out-of-memory',
  'worker-exit',
  'worker-recycled',
  'stopped',
]);

/** Logs that are written by two programs differ by a second or two. */
const nearMs = 2000;
/** Logs give whole seconds. What ended before that cannot have cut an answer. */
const clockMs = 1_000;
/** systemd tells a stop to the part of a second: what is cut in a later second is cut by what was started since. */
const fineClockMs = 100;

/** The answer began well and was cut off: users get a status of 200 and half a page. */
export default defineFault({
  meta: {
    id: 'response-truncated',
    layer: 'protocol',
    title: 'Answers of the backend break off in the middle',
    explains: ['truncated'],
    requires: ['hops'],
    leadsTo: [],
    messages: {
      some: 'Answers of {address} end before they are complete, {count} times: {url}. It ends the connection itself for some of them, and for others nginx waited in vain for the rest. Users see a status of success and a part of the page.',
      cut: '{address} ends the connection before its answer is complete, {count} times: {url}. Users see a status of success and a part of the page.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const symptoms = hop.symptoms.filter(symptom => symptom.class === 'truncated');
      const other = hop.symptoms.find(symptom => symptom.class === 'no-valid-header');
      if (symptoms.length === 0 || other !== undefined) continue;
      if (symptoms.every(isStall)) {
        yield ruledOut(`${hop.peer.id} ended none of its answers early: nginx did, when the rest of them did not come within its time`);
        continue;
      }
      const ended = hop.events.filter(event => ends.has(event.kind));
      const times = symptoms.flatMap(sampleTimesOf);
      const died = times.every(timeMs => ended.some(event => isEndOf(timeMs, event))) ? ended.at(-1) : undefined;
      if (died !== undefined) {
        yield ruledOut(`the backend says why it broke off: ${eventEvidence(died).text.slice(0, 200)}`);
        continue;
      }
      const [first, ...rest] = symptoms.flatMap(one => symptomEvidence(one, 3));
      if (first === undefined) continue;
      const urls = [...new Set(symptoms.flatMap(one => one.errorGroups.flatMap(group => group.urlTemplate ?? [])))];
      yield {
        confidence: 'likely',
        status: symptoms.some(one => one.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: symptoms.some(one => one.errorGroups.some(group => group.messageId === 'upstream-timed-out')) ? 'some' : 'cut',
        data: { address: hop.peer.id, count: symptoms.reduce((sum, one) => sum + one.count, 0), url: urls.slice(0, 3).join(', ') || 'of no known page' },
        evidence: [first, ...rest],
        symptoms: symptoms.map(one => one.id),
      };
    }
  },
});

/** Whether an answer that was cut in the second that begins then may have been cut by that end. */
function isEndOf(secondMs: number, { kind, timeMs }: BackendEvent): boolean {
  const isFine = kind === 'stopped' && timeMs % 1000 !== 0;
  return timeMs >= secondMs - (isFine ? fineClockMs : clockMs) && timeMs <= secondMs + nearMs;
}
