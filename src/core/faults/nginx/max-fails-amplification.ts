import { defineFault } from '../../model/fault.ts';
import { configLine } from '../../model/config-line.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { broughtAboutByRequest, countOf, symptomsOf } from '../../model/hop-symptoms.ts';

const away: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-timeout',
  'connect-no-file',
  'connect-denied',
  'connect-reset',
  'connect-queue-full',
  'connect-unreachable',
];
/** Of the failures before it, those of the one page. */
const leastOfOne = 0.9;

/**
 * One page fails, each failure marks a server as failed, and with all of them marked nginx refuses every page. Why that page
 * fails is another matter, and stands above this; that the others fail too comes from `max_fails`.
 */
export default defineFault({
  meta: {
    id: 'max-fails-amplification',
    layer: 'nginx',
    title: 'One page that fails takes all servers of the upstream away from the other pages',
    explains: ['no-live-upstreams'],
    requires: ['symptoms', 'hops'],
    uses: ['nginx-config'],
    leadsTo: ['no-live-upstreams'],
    messages: {
      page: '{page} failed {count} times, and {fails} a server of {group} as failed for {timeout} s. So nginx turned away {refused} requests for other pages too ({others}), though the servers answer.',
    },
  },
  *detect({ symptoms, hops, ...facts }) {
    for (const symptom of symptoms) {
      if (symptom.class !== 'no-live-upstreams') continue;
      const members = hops.filter(hop => !hop.peer.flags.down && hop.groupSymptoms.some(one => one.id === symptom.id));
      const [member] = members;
      if (member === undefined || !members.every(answers) || members.some(hop => symptomsOf(hop, away).length > 0)) continue;
      const causes = members.flatMap(hop => hop.symptoms.filter(one => broughtAboutByRequest.has(one.class) && one.count > 0 && one.firstMs <= symptom.lastMs));
      const page = onePage(causes);
      const others = [
        ...new Set(symptom.errorGroups.flatMap(group => (group.urlTemplate === undefined || group.urlTemplate === page ? [] : [group.urlTemplate]))),
      ];
      const [first, ...rest] = [...causes.flatMap(cause => symptomEvidence(cause, 1)).slice(0, 2), ...symptomEvidence(symptom, 1)];
      if (page === undefined || others.length === 0 || first === undefined) continue;
      const group = symptom.upstream ?? 'the upstream';
      // The marks stay for as long as fail_timeout says, and nobody asks for that page any more.
      const isHeld = symptom.ongoing && causes.every(cause => !cause.ongoing);
      const { maxFails, failTimeoutMs } = member.peer.flags;
      yield {
        confidence: isHeld ? 'confirmed' : 'likely',
        status: symptom.ongoing ? 'active' : 'past',
        subject: { kind: 'upstream', id: group, name: group, peers: [...new Set([group, ...members.map(hop => hop.peer.id)])] },
        messageId: 'page',
        data: {
          page,
          count: countOf(causes),
          fails: maxFails === 1 ? 'each failed try marks' : `every ${maxFails} failed tries mark`,
          group,
          timeout: Math.round(failTimeoutMs / 1000),
          refused: symptom.count,
          others: others.slice(0, 3).join(', '),
        },
        evidence: [
          first,
          ...rest,
          ...(member.own === undefined ? [] : [probeEvidence(member.own)]),
          configLine(facts['nginx-config'], member.peer.origin, `server ${member.peer.written};`),
        ],
        symptoms: [symptom.id],
        ...(isHeld ? { outlivesCause: true } : {}),
        fixData: { group, page, maxFails, failTimeoutMs, most: mostWithin(causes, failTimeoutMs) },
      };
    }
  },
});

/** Failures of the page in the worst stretch as long as `fail_timeout`, as far as the counts in time tell. */
function mostWithin(causes: readonly Symptom[], lengthMs: number): number {
  const counts = new Map<number, number>();
  let widthMs = 10_000;
  for (const { buckets } of causes) {
    if (buckets === undefined) continue;
    widthMs = buckets.widthMs;
    for (const [index, start] of buckets.starts.entries()) counts.set(start, (counts.get(start) ?? 0) + (buckets.counts[index] ?? 0));
  }
  const worst = [...counts.keys()].map(from => {
    let sum = 0;
    for (const [start, count] of counts) if (start >= from && start < from + Math.max(lengthMs, widthMs)) sum += count;
    return sum;
  });
  return Math.max(0, ...worst);
}

function answers({ own }: Hop): boolean {
  return own?.outcome.state === 'answered' && own.outcome.speaks !== 'other';
}

/** The page that nearly all of the failures are of. */
function onePage(causes: readonly Symptom[]): string | undefined {
  const counts = new Map<string, number>();
  let total = 0;
  for (const group of causes.flatMap(cause => cause.errorGroups)) {
    total += group.count;
    if (group.urlTemplate !== undefined) counts.set(group.urlTemplate, (counts.get(group.urlTemplate) ?? 0) + group.count);
  }
  return [...counts].find(([, count]) => count >= total * leastOfOne)?.[0];
}
