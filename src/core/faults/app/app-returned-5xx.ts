import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom, Topology } from '../../model/facts/topology.ts';
import type { Confidence, Detection, Evidence, Subject } from '../../model/finding.ts';
import { isInTrouble, nextHops, symptomsBehind } from '../../model/next-hops.ts';
import { answersWith, isLoose, tellsEverything, whoAnswered } from '../../model/who-answered.ts';

type MessageId = 'answered' | 'proxied' | 'silent' | 'unclear';

interface Seen {
  readonly hops: readonly Hop[];
  readonly symptoms: readonly Symptom[];
  readonly topology: Topology;
}

/**
 * The backend itself answered the error, so nginx's log has no line about it. Who answered is told by the upstream variables of
 * the access log, or by a probe. Where the peer is another nginx of this host, its own peers are named: what is wrong there
 * stands above this as the cause.
 */
export default defineFault({
  meta: {
    id: 'app-returned-5xx',
    layer: 'app',
    title: 'The error comes from the backend itself: nginx passed its answer on',
    explains: ['backend-answered-5xx', 'unattributed-5xx'],
    requires: ['hops', 'symptoms', 'topology'],
    uses: ['nginx-error-log', 'listeners'],
    leadsTo: ['retries-hide-failures', 'auth-backend-failed'],
    messages: {
      answered:
        '{peer} itself answered {count} requests with {status}; nginx only passed that on. The bad hop is this application or what it depends on{words}.',
      proxied: '{peer}, which is a proxy too, answered {count} requests with {status}. The bad hop is behind it: {next}.',
      silent:
        '{count} requests ended in {status} without a line in the error log, which nginx writes for every error that it makes itself: the answer came from {peer}. The log format does not say so itself{words}.',
      unclear:
        '{count} requests ended in {status} without a line in the error log. One of {peer} seems to have answered so; the log format does not tell which.',
    },
  },
  *detect({ hops, symptoms, topology, ...facts }) {
    const seen: Seen = { hops, symptoms, topology };
    for (const hop of hops) {
      const own = hop.symptoms.filter(
        symptom => symptom.class === 'backend-answered-5xx' || (symptom.class === 'unattributed-5xx' && symptom.madeBy !== 'nginx'),
      );
      if (own.length === 0) continue;
      const isCertain = own.some(symptom => symptom.madeBy === 'backend') || own.some(symptom => symptom.ongoing && answersWith(hop, symptom.status));
      const isAway = hop.peer.local && hop.peer.listeners.length === 0 && facts.listeners.state === 'known';
      if (!isCertain && isAway && own.some(symptom => symptom.ongoing)) {
        yield ruledOut(`nobody listens on ${hop.peer.id}, so that nobody there can have answered`);
        continue;
      }
      // nginx's own errors have a status in that variable too, and only the error log tells them apart.
      const isTold = own.every(
        symptom => symptom.class === 'backend-answered-5xx' || tellsEverything(symptom, { topology, errorLog: facts['nginx-error-log'] }),
      );
      yield found([hop], own, isCertain ? 'confirmed' : isTold ? 'likely' : 'possible', seen);
    }
    for (const symptom of symptoms.filter(isLoose)) {
      const who = whoAnswered(symptom, { hops, topology, errorLog: facts['nginx-error-log'] });
      if (who.state === 'unread') {
        yield ruledOut(
          `the error log that would have a line about ${symptom.count} requests with ${symptom.status ?? 'an error'} could not be read or keeps no errors, so a missing line proves nothing`,
        );
      } else if (who.state !== 'nobody') {
        // nginx makes its own 500s for reasons that it logs under many names.
        const confidence =
          who.state === 'several' ? 'possible' : who.isProbed && symptom.ongoing ? 'confirmed' : symptom.status === 500 ? 'possible' : 'likely';
        yield found(who.hops, [symptom], confidence, seen, who.state === 'several');
      }
    }
  },
});

function found(chosen: readonly Hop[], own: readonly Symptom[], confidence: Confidence, seen: Seen, isUnclear = false): Detection<MessageId> {
  const behind = chosen.map(hop => nextHops(hop, seen.hops, seen.topology));
  const further = behind.flatMap(next => next.hops).filter(isInTrouble);
  const named = symptomsBehind(
    behind.flatMap(next => next.servers),
    seen.symptoms,
  ).flatMap(symptom => symptom.upstream ?? []);
  const [hop] = chosen;
  const subject: Subject = chosen.length === 1 && hop !== undefined ? hop.serviceSubject : { kind: 'nginx', id: 'nginx', name: listed(chosen), peers: [] };
  const peers = [...new Set([...subject.peers, ...chosen.map(one => one.peer.id), ...further.map(one => one.peer.id), ...named])];
  const isProxy = behind.some(next => next.servers.length > 0);
  const words = chosen.flatMap(one => one.events).filter(event => event.kind === 'dependency-error' || event.kind === 'app-error');
  const probes = chosen.flatMap(one => one.probes.filter(probe => own.some(symptom => statusOf(probe.outcome) === symptom.status))).slice(0, 1);
  const [first = { source: 'access log', text: '' }, ...rest]: Evidence[] = [
    ...own.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
    ...probes.map(probeEvidence),
    ...words.slice(-2).map(eventEvidence),
  ];
  const last = words.at(-1);
  return {
    confidence,
    status: own.some(symptom => symptom.ongoing) ? 'active' : 'past',
    subject: { ...subject, peers },
    messageId: isUnclear
      ? 'unclear'
      : isProxy && further.length > 0
        ? 'proxied'
        : own.every(symptom => symptom.class === 'unattributed-5xx')
          ? 'silent'
          : 'answered',
    data: {
      peer: listed(chosen),
      count: own.reduce((sum, symptom) => sum + symptom.count, 0),
      status: [...new Set(own.map(symptom => symptom.status ?? '5xx'))].join(' and '),
      next: listed(further),
      words: last === undefined ? '' : last.address === undefined ? '; its own log has errors from that time' : `; its own log names ${last.address}`,
    },
    evidence: [first, ...rest],
    symptoms: own.map(symptom => symptom.id),
  };
}

function statusOf(outcome: Hop['probes'][number]['outcome']): number | undefined {
  return outcome.state === 'answered' ? outcome.answer.status : undefined;
}

function listed(hops: readonly Hop[]): string {
  const names = [...new Set(hops.map(hop => (hop.service === undefined ? hop.peer.id : `${hop.service.name} at ${hop.peer.id}`)))];
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(' and ');
}
