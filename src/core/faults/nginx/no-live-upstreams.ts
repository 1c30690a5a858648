import { defineFault, ruledOut } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { formatLogSource } from '../../model/facts/logs.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Detection, Evidence } from '../../model/finding.ts';

/**
 * nginx refuses requests without asking any server, because each one failed before. That is nearly always a consequence: it
 * stays `possible`, so that whatever made the servers fail stands above it. Only where they answer now is it a state of its own.
 */
export default defineFault({
  meta: {
    id: 'no-live-upstreams',
    layer: 'nginx',
    title: 'nginx has every server of the upstream marked as failed',
    explains: ['no-live-upstreams'],
    requires: ['hops', 'symptoms', 'topology'],
    uses: ['nginx-error-log'],
    leadsTo: ['app-returned-5xx'],
    messages: {
      held: 'nginx turned away {count} requests for {group} without asking a server, though {answering} when asked now. It leaves a server out for {timeout} s after {fails}; before this, {before}. A reload clears the marks.',
      failing: 'nginx turned away {count} requests for {group} without asking a server, because it had marked all of them as failed: {before}.',
      past: 'nginx turned away {count} requests for {group} while all its servers were marked as failed: {before}. They answer now.',
      unknown:
        'nginx turned away {count} requests for {group} without asking a server, because it had marked all of them as failed. Nothing in the logs of the window says why.',
    },
  },
  *detect({ hops, symptoms, topology, ...facts }) {
    const disabled = valueOr(facts['nginx-error-log'], undefined)?.groups.filter(group => group.class === 'server-disabled') ?? [];
    for (const symptom of symptoms) {
      if (symptom.class !== 'no-live-upstreams') continue;
      const members = hops.filter(hop => hop.groupSymptoms.some(one => one.id === symptom.id) || hop.symptoms.some(one => one.id === symptom.id));
      const usable = members.filter(hop => !hop.peer.flags.down);
      if (members.length > 0 && usable.length === 0) {
        yield ruledOut(`every server of ${symptom.upstream ?? 'the upstream'} is written as down in the configuration`);
        continue;
      }
      const group = symptom.upstream ?? 'the upstream';
      const causes = usable.flatMap(hop => hop.symptoms.filter(one => one.id !== symptom.id && one.count > 0 && one.firstMs <= symptom.lastMs));
      const answering = usable.filter(answers);
      const mute = usable.filter(hop => hop.own !== undefined && !answers(hop));
      const isHeld = answering.length > 0 && mute.length === 0;
      const marks = disabled.filter(one => usable.some(hop => hop.peer.id === one.peer)).flatMap(one => one.samples.slice(-1));
      const proof: Evidence[] = [
        ...symptomEvidence(symptom, 1),
        ...causes.flatMap(cause => symptomEvidence(cause, 1)).slice(0, 2),
        ...marks.slice(0, 1).map(record => ({ source: formatLogSource(record.source), text: record.text })),
        ...[...answering, ...mute].slice(0, 2).flatMap(hop => (hop.own === undefined ? [] : [probeEvidence(hop.own)])),
      ];
      const [first, ...rest] = proof;
      if (first === undefined) continue;
      const server = topology.servers.find(one => usable[0]?.routes.some(route => route.serverId === one.id));
      const peers = [...new Set([group, ...members.map(hop => hop.peer.id)])];
      yield {
        ...judged(symptom, isHeld, causes.length > 0),
        ...(isHeld && symptom.ongoing ? { outlivesCause: true } : {}),
        subject: { kind: 'upstream', id: group, name: group, peers },
        data: {
          count: symptom.count,
          group,
          answering: `${names(answering)} ${answering.length === 1 ? 'answers' : 'answer'}`,
          timeout: Math.round(Math.max(0, ...usable.map(hop => hop.peer.flags.failTimeoutMs)) / 1000),
          fails: failures(usable),
          before: causes.length === 0 ? 'the failures themselves are outside the window' : told(causes),
        },
        evidence: [first, ...rest],
        symptoms: [symptom.id],
        ...(server === undefined ? {} : { fixData: { instance: server.instanceId, held: isHeld && symptom.ongoing } }),
      };
    }
  },
});

function judged(
  symptom: Symptom,
  isHeld: boolean,
  hasCause: boolean,
): Pick<Detection<'held' | 'failing' | 'past' | 'unknown'>, 'confidence' | 'status' | 'messageId'> {
  if (!symptom.ongoing)
    return { confidence: hasCause ? 'possible' : 'likely', status: 'past', messageId: hasCause && isHeld ? 'past' : hasCause ? 'failing' : 'unknown' };
  if (isHeld) return { confidence: hasCause ? 'confirmed' : 'likely', status: 'active', messageId: 'held' };
  return { confidence: 'possible', status: 'active', messageId: hasCause ? 'failing' : 'unknown' };
}

function answers({ own }: Hop): boolean {
  if (own === undefined) return false;
  const { outcome } = own;
  return outcome.state === 'connected' || (outcome.state === 'answered' && outcome.speaks !== 'other' && outcome.answer.tls?.handshake !== 'failed');
}

function failures(usable: readonly Hop[]): string {
  const most = Math.max(1, ...usable.map(hop => hop.peer.flags.maxFails));
  return most === 1 ? 'one failed try' : `${most} failed tries`;
}

function names(hops: readonly Hop[]): string {
  return hops
    .slice(0, 3)
    .map(hop => hop.peer.id)
    .join(' and ');
}

/** `127.0.0.1:8001 failed 3 times (connect-refused)`, one for each peer and class. */
function told(causes: readonly Symptom[]): string {
  const texts = causes
    .slice(0, 4)
    .map(cause => `${cause.upstream ?? 'a server'} failed ${cause.count === 1 ? 'once' : `${cause.count} times`} (${cause.class})`);
  return causes.length > 4 ? `${texts.join(', ')} and more` : texts.join(', ');
}
