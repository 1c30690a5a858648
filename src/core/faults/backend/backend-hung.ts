import { defineFault, ruledOut } from '../../model/fault.ts';
import { listenerEvidence, probeEvidence, processEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { firstFailureMs, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { isStopped } from '../../model/process-states.ts';
import { isOnlyPeer } from '../../model/served.ts';
import { poolEvidence, poolState } from '../../model/pool-state.ts';
import { slowStart } from '../../model/slow-start.ts';
import { programFixData } from '../../model/program-commands.ts';

const waits: readonly Symptom['class'][] = ['read-timeout', 'send-timeout', 'connect-timeout', 'connect-queue-full', 'probe-failed', 'no-live-upstreams'];

type MessageId = 'frozen' | 'locked' | 'blocked' | 'silent' | 'late' | 'some';

/** What sends no byte for as long is not merely slow. */
const patienceMs = 10_000;
/** Access logs tell the second in which a request ended. */
const logSecondMs = 1000;

interface Verdict {
  readonly messageId: MessageId;
  readonly confidence: 'confirmed' | 'likely' | 'possible';
  readonly evidence: readonly Evidence[];
  readonly state: string;
  readonly pids: readonly number[];
}

export default defineFault({
  meta: {
    id: 'backend-hung',
    layer: 'backend',
    title: 'The backend is alive and listens, and never answers',
    explains: [...waits, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['nginx-access-log', 'systemd-units', 'processes'],
    leadsTo: [
      'worker-pool-exhausted',
      'accept-queue-overflow',
      'backend-slower-than-timeout',
      'no-live-upstreams',
      'max-fails-amplification',
      'retries-hide-failures',
      'app-returned-5xx',
    ],
    messages: {
      frozen: 'All processes of {service} that could answer are {state}: {address} takes connections and sends no byte.',
      locked:
        'All workers of {service} wait for a lock that nobody gives back ({state}), and finished nothing while they were watched: {address} takes connections and sends no byte.',
      blocked: '{service} no longer accepts connections ({state}): {address} takes them into its queue and sends no byte.',
      silent:
        '{service} accepts connections at {address} and sends no byte. Nothing that was asked of it has succeeded since the failures began, and it {state}.',
      late: '{service} accepts connections at {address} and sends no byte in the {waited} s for which badhop waits. Nothing that was asked of it has succeeded since the failures began, and it {state}. It never answers, or later than the {limit} s for which nginx waits.',
      some: 'Some processes of {service} are {state}: what reaches them is never answered.',
    },
  },
  *detect(facts, { sinceMs, nowMs }) {
    const access = valueOr(facts['nginx-access-log'], undefined);
    const processes = valueOr(facts.processes, []);
    for (const hop of facts.hops) {
      const { peer } = hop;
      if (peer.flags.down || peer.listeners.length === 0 || hop.service?.kind === 'nginx' || hop.service?.kind === 'haproxy') continue;
      const all = [...symptomsOf(hop, waits), ...unattributedOf(hop, facts.symptoms, [502, 504])].filter(symptom => symptom.ongoing);
      if (all.length === 0) continue;
      if (
        slowStart(hop, { hops: facts.hops, units: valueOr(facts['systemd-units'], []), lost: [], lastGoodMs: access?.lastGoodMs }, { sinceMs, nowMs }) !==
        undefined
      ) {
        yield ruledOut(`${hop.service?.name ?? peer.id} is being started`);
        continue;
      }
      const verdict = judge(hop, all, { access, hops: facts.hops, nowMs }, processes);
      if (verdict === undefined) {
        if (hop.own?.outcome.state === 'answered') yield ruledOut(`${peer.id} answered a direct question in ${Math.round(hop.own.ms)} ms`);
        continue;
      }
      const probe = mute(hop);
      const [first = peer.listeners.map(listenerEvidence)[0] ?? { source: 'listeners', text: peer.id }, ...rest] = [
        ...verdict.evidence,
        ...(probe === undefined ? [] : [probeEvidence(probe)]),
        ...peer.listeners.slice(0, 1).map(listenerEvidence),
        ...all
          .filter(symptom => symptom.count > 0)
          .flatMap(symptom => symptomEvidence(symptom, 1))
          .slice(0, 2),
      ];
      yield {
        confidence: verdict.confidence,
        status: 'active',
        subject: hop.serviceSubject,
        messageId: verdict.messageId,
        data: {
          service: hop.service?.name ?? peer.id,
          address: peer.id,
          state: verdict.state,
          waited: Math.round((probe?.ms ?? 0) / 1000),
          limit: longestWaitOf(hop) / 1000,
        },
        evidence: [first, ...rest],
        symptoms: all.map(symptom => symptom.id),
        fixData: {
          how: verdict.messageId,
          pids: verdict.pids,
          isStopped: verdict.state.startsWith('stopped'),
          ...(hop.unit === undefined ? {} : { unit: hop.unit.name }),
          ...(hop.program === undefined ? {} : programFixData(hop.program)),
        },
      };
    }
  },
});

/** What tells whether others are served. */
interface Around {
  readonly access: NginxAccessLog | undefined;
  readonly hops: readonly Hop[];
  readonly nowMs: number;
}

function judge(hop: Hop, symptoms: readonly Symptom[], around: Around, processes: readonly ProcessInfo[]): Verdict | undefined {
  const own = processesOf(hop, processes);
  const frozen = own.filter(process => isStopped(process.state) || process.state === 'D');
  const stopped = own.filter(process => isStopped(process.state));
  const isMute = mute(hop) !== undefined;
  const pids = own.map(process => process.pid);
  const asEvidence = (list: readonly ProcessInfo[]): Evidence[] => list.slice(0, 3).map(processEvidence);
  // One look may catch a process in a short wait for the disk: it must be so in the samples too, or all must be stopped.
  const isSampled = Object.entries(hop.load?.states ?? {}).every(([state]) => isStopped(state) || state === 'D');
  if (own.length > 0 && frozen.length === own.length && (stopped.length === own.length || (isSampled && isMute))) {
    return { messageId: 'frozen', confidence: 'confirmed', evidence: asEvidence(frozen), state: stateText(frozen), pids };
  }
  const pool = poolState(hop);
  if (pool?.workersDo === 'locked' && (isMute || pool.isFull)) {
    return { messageId: 'locked', confidence: 'likely', evidence: [poolEvidence(pool), ...asEvidence(own)], state: waitsText(hop), pids };
  }
  // A pool whose workers are all at work is full, not hung; whoever still has free hands and answers is neither.
  if (isMute && pool?.isFull !== true) {
    const queue = hop.load?.queue ?? [];
    const least = queue.length === 0 ? 0 : Math.min(...queue);
    const grows = queue.every((count, index) => index === 0 || count >= (queue[index - 1] ?? 0));
    const isLoop = hop.service?.manager === 'event-loop' || hop.service?.manager === undefined;
    const cpu = cpuText(hop);
    if (isLoop && least > 0 && grows && (hop.load?.finished ?? 0) === 0) {
      return {
        messageId: 'blocked',
        confidence: 'confirmed',
        evidence: asEvidence(own),
        state: `${queue.join(', ')} connections waited in ${queue.length} looks, ${cpu}`,
        pids,
      };
    }
    // A server with a number of workers that could not be watched may as well have them all at work.
    const isUnseen = pool === undefined && hop.service?.manager !== undefined && hop.service.manager !== 'event-loop';
    const limitMs = longestWaitOf(hop);
    if (limitMs > (mute(hop)?.ms ?? 0) && limitMs < patienceMs && !succeeds(symptoms, hop, around))
      return { messageId: 'late', confidence: 'possible', evidence: asEvidence(own), state: cpu, pids };
    if (!succeeds(symptoms, hop, around))
      return { messageId: 'silent', confidence: isUnseen ? 'possible' : 'likely', evidence: asEvidence(own), state: cpu, pids };
  }
  if (
    stopped.length > 0 &&
    stopped.length < own.length &&
    hop.workers.length > 1 &&
    stopped.some(process => hop.workers.some(worker => worker.pid === process.pid))
  ) {
    return { messageId: 'some', confidence: 'likely', evidence: asEvidence(stopped), state: stateText(stopped), pids: stopped.map(process => process.pid) };
  }
  return undefined;
}

/** The processes that answer: the workers, or the master where it works alone; without a known service, the socket's owners. */
function processesOf(hop: Hop, processes: readonly ProcessInfo[]): readonly ProcessInfo[] {
  if (hop.workers.length > 0) return hop.workers;
  if (hop.master !== undefined) return [hop.master];
  const owners = new Set(hop.peer.listeners.flatMap(listener => listener.pids));
  return processes.filter(process => owners.has(process.pid));
}

/** A direct question that was taken and got no byte; a full queue does not even take it. */
function mute(hop: Hop) {
  if (hop.probes.some(probe => probe.outcome.state === 'answered')) return undefined;
  // The kernel takes connections for a process that does not, as long as the queue has room: silence before that is the network's.
  const isFull = hop.peer.listeners.some(listener => listener.queue > 0 && (listener.backlog < 0 || listener.queue >= listener.backlog));
  const silent =
    hop.own !== undefined && (hop.own.outcome.state === 'no-answer' || (hop.own.outcome.state === 'connect-timeout' && isFull)) ? hop.own : undefined;
  return silent ?? hop.probes.find(probe => probe.outcome.state === 'connect-failed' && probe.outcome.code === 'EAGAIN');
}

/** The longest time for which nginx waits for an answer of the peer; 0 where none is known. */
function longestWaitOf({ routes }: Hop): number {
  return Math.max(0, ...routes.flatMap(route => route.settings['read_timeout']?.ms ?? []));
}

/** Whether any request succeeded there since the failures began, as far as the access log tells. */
function succeeds(symptoms: readonly Symptom[], hop: Hop, { access, hops, nowMs }: Around): boolean {
  const firstMs = firstFailureMs(symptoms);
  if (!Number.isFinite(firstMs) || access === undefined) return false;
  const byPeer = access.byPeer.find(count => count.key === hop.peer.id);
  if (byPeer !== undefined && byPeer.total === byPeer.failed) return false;
  // The buckets begin at full minutes or so: of failures that are younger only the last success tells, where it can be nobody else's.
  const silent = new Set(access.byPeer.flatMap(({ key, total, failed }) => (total === failed ? [key] : [])));
  if (isOnlyPeer(hop, hops, silent) && access.lastGoodMs !== undefined && access.lastGoodMs >= firstMs + logSecondMs) return true;
  const between = (buckets: NginxAccessLog['buckets']['all']): number =>
    buckets.starts.reduce((sum, start, index) => (start >= firstMs && start <= nowMs ? sum + (buckets.counts[index] ?? 0) : sum), 0);
  return between(access.buckets.all) > between(access.buckets.failed);
}

function stateText(list: readonly ProcessInfo[]): string {
  const isSignalled = list.every(process => process.state !== 'D');
  return isSignalled ? 'stopped by a signal (state T)' : `in uninterruptible sleep (state D${list[0]?.wchan === undefined ? '' : ` in ${list[0].wchan}`})`;
}

function waitsText(hop: Hop): string {
  return Object.entries(hop.load?.waits ?? {})
    .map(([name, count]) => `${count} in ${name}`)
    .join(', ');
}

function cpuText({ load }: Hop): string {
  if (load?.cpuMs === undefined || load.sampledMs === undefined || load.sampledMs === 0) return 'its use of the CPU is not known';
  const share = Math.round((load.cpuMs / load.sampledMs) * 100);
  return share < 5 ? 'uses no CPU' : `uses ${share} % of a CPU`;
}
