import { listenerEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { ServiceLoad } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Resources } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { countOf, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { poolEvidence, poolState } from '../../model/pool-state.ts';

/** A queue shorter than nginx's own default overflows in bursts that workers would have got through. */
const shortQueue = 511;

export default defineFault({
  meta: {
    id: 'accept-queue-overflow',
    layer: 'capacity',
    title: 'The queue of connections in front of the backend overflows',
    explains: ['connect-queue-full', 'connect-timeout', 'probe-failed', 'no-live-upstreams', 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['resources'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      full: 'The accept queue of {address} holds {backlog} connections and was full when it was looked at ({queue}): the kernel turns away what comes then{why}.',
      overflowed: 'The accept queue of {address} holds {backlog} connections, and requests were turned away because it was full{why}.',
      dropped:
        'The accept queue of {address} was seen full, or the kernel drops connections to full queues on this host ({growth} while it was watched): new ones to it time out{why}.',
      lost: 'The kernel has dropped {drops} connections before {address} since it was opened{meanwhile}: its accept queue holds {backlog}, and what it drops times out{why}.',
    },
  },
  *detect(facts, context) {
    const resources = valueOr(facts.resources, undefined);
    for (const hop of facts.hops) {
      const { peer } = hop;
      const [listener] = peer.listeners;
      if (peer.flags.down || !peer.local || listener === undefined) continue;
      const refused = symptomsOf(hop, ['connect-queue-full']);
      const timedOut = symptomsOf(hop, ['connect-timeout']);
      if (refused.length === 0 && timedOut.length === 0 && !isTurnedAway(hop)) continue;
      const state = poolState(hop);
      const backlog = Math.max(listener.backlog, hop.load?.backlog ?? -1);
      const seen = [...(hop.load?.queue ?? []), listener.queue];
      const isFullNow = (backlog >= 0 && Math.max(...seen) >= Math.max(1, backlog)) || isTurnedAway(hop);
      const growth = (resources?.netCounterGrowth['ListenOverflows'] ?? 0) + (resources?.netCounterGrowth['ListenDrops'] ?? 0);
      // The kernel counts what it drops before each listener, where ss tells it: that says more than the host's own count.
      const drops = timedOut.length === 0 || peer.address.kind === 'unix' ? undefined : hop.load?.drops;
      const mayDrop = drops === undefined ? growth > 0 && Math.max(...seen) >= backlog / 2 : drops.sinceOpened > 0;
      if (refused.length === 0 && !isFullNow && !mayDrop) {
        if (timedOut.some(symptom => symptom.ongoing))
          yield ruledOut(`at most ${Math.max(...seen)} connections waited at ${peer.id}, and its queue holds ${backlog < 0 ? 'more' : backlog}`);
        continue;
      }
      const explained = [
        ...refused,
        ...timedOut,
        ...symptomsOf(hop, ['no-live-upstreams', ...(isTurnedAway(hop) ? (['probe-failed'] as const) : [])]),
        ...unattributedOf(hop, facts.symptoms, [502]),
      ];
      const isShort = backlog >= 0 && backlog < shortQueue;
      const proof = [...(state === undefined ? [] : [poolEvidence(state)]), ...(isTurnedAway(hop) && hop.own !== undefined ? [probeEvidence(hop.own)] : [])];
      const isOngoing = explained.some(symptom => symptom.ongoing && (symptom.count > 0 || isFullNow));
      const isSeen = isFullNow || (drops?.meanwhile ?? 0) > 0;
      const wereDropped = drops !== undefined && (growth > 0 || areOfWindow(hop, drops, timedOut, context.sinceMs));
      const isTold = isShort && state?.isFull !== true && (refused.length > 0 || wereDropped);
      yield {
        confidence: isSeen && isOngoing ? 'confirmed' : isTold ? 'likely' : 'possible',
        status: isOngoing ? 'active' : 'past',
        subject: hop.service === undefined ? hop.subject : hop.serviceSubject,
        messageId: isFullNow ? 'full' : refused.length > 0 ? 'overflowed' : drops === undefined ? 'dropped' : 'lost',
        data: {
          address: peer.id,
          backlog: backlog < 0 ? 'an unknown number of' : backlog,
          queue: (hop.load?.queue ?? [listener.queue]).join(', '),
          growth,
          drops: drops?.sinceOpened ?? 0,
          meanwhile: (drops?.meanwhile ?? 0) > 0 ? `, ${drops?.meanwhile} of them while it was watched` : '',
          why: whyText(hop, backlog, state?.isFull === true, resources),
        },
        evidence: [
          listenerEvidence(listener),
          ...dropEvidence(hop, drops),
          ...proof,
          ...clampEvidence(backlog, resources),
          ...turnedAway([...refused, ...timedOut]),
        ],
        symptoms: explained.filter(symptom => symptom.lastMs >= context.sinceMs).map(symptom => symptom.id),
        ...(hop.service === undefined ? {} : { fixData: { service: hop.service.id, backlog, address: peer.id } }),
      };
    }
  },
});

/** The socket is no older than the window, and at least as many connections were dropped before it as timed out. */
function areOfWindow({ master, unit }: Hop, drops: NonNullable<ServiceLoad['drops']>, timedOut: readonly Symptom[], sinceMs: number): boolean {
  const openedMs = master?.startMs ?? unit?.activeEnterMs ?? 0;
  return openedMs >= sinceMs && drops.sinceOpened >= countOf(timedOut);
}

function dropEvidence({ peer, load }: Hop, drops: ServiceLoad['drops']): Evidence[] {
  if (drops === undefined || load === undefined) return [];
  return [{ source: 'exec:ss -Htlnm', text: `${peer.id}: ${drops.sinceOpened} connections dropped, ${drops.meanwhile} of them while badhop watched` }];
}

/** The kernel's answer to a connection to a unix socket whose queue is full. */
function isTurnedAway({ own }: Hop): boolean {
  return own?.outcome.state === 'connect-failed' && own.outcome.code === 'EAGAIN';
}

function turnedAway(symptoms: readonly Symptom[]): Evidence[] {
  return symptoms.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2);
}

function isClamped(backlog: number, resources: Resources | undefined): boolean {
  const limit = Number(resources?.sysctl['net.core.somaxconn']);
  return backlog > 0 && limit === backlog;
}

function clampEvidence(backlog: number, resources: Resources | undefined): Evidence[] {
  return isClamped(backlog, resources) ? [{ source: 'file:/proc/sys/net/core/somaxconn', text: String(backlog) }] : [];
}

function whyText(hop: Hop, backlog: number, isPoolFull: boolean, resources: Resources | undefined): string {
  if (isPoolFull) return '. Every worker behind it is busy';
  const free = hop.load === undefined ? '' : '. The workers behind it are not busy all the time: the queue is too short for the bursts that come';
  const set = hop.service?.backlog?.text;
  const asked = set === undefined ? '' : `. The length is set by ${set.trim()}`;
  const limit = isClamped(backlog, resources) ? `. net.core.somaxconn = ${backlog} cuts every queue of this host to that` : asked;
  return `${limit}${free}`;
}
