import { listenerEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr, type Known } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { firstFailureMs, symptomsOf } from '../../model/hop-symptoms.ts';
import { isOnlyPeer } from '../../model/served.ts';
import { mayHavePassedProbe, refusedByRule, saidOfRule } from '../../model/refused-by-rule.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeResult } from '../../model/probe.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-unreachable',
  'connect-denied',
  'connect-other',
  'no-live-upstreams',
  'probe-failed',
  'server-disabled',
];
/** Of requests that had a connection. */
const letThrough: readonly Symptom['class'][] = ['premature-close', 'reset', 'truncated', 'read-timeout', 'backend-answered-5xx'];
/** Logs give whole seconds, and what was let in before a rule came is answered for a while. */
const graceMs = 5000;
const refusals: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM', 'ECONNRESET', 'ENOPROTOOPT', 'EHOSTDOWN']);

export default defineFault({
  meta: {
    id: 'firewall-reject',
    layer: 'network',
    title: 'A firewall rule refuses the connections to the backend',
    explains,
    requires: ['hops', 'nginx-instances'],
    uses: ['firewall-rules', 'network-paths', 'resources', 'nginx-access-log'],
    leadsTo: ['backend-down', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'no-route', 'network-unreachable'],
    messages: {
      rule: '{listens}, and the rule "{rule}" in {table} {chain} rejects {whose} connections to {address} on their way {way}.',
      perhaps:
        '{listens}, connections to {address} are refused, and the rule "{rule}" in {table} {chain} may be why: a part of it cannot be judged from outside.',
      unseen:
        '{listens}, and a connection to it from this host is refused all the same. Something between them rejects it, most likely a firewall rule, and the rules could not be read.',
      young:
        '{listens}, and a connection to it was refused. It began anew after requests had begun to fail: it may have been away in that moment, or a rule that this user may not read rejects it.',
      unsteady:
        '{listens}, and a connection to it was refused. Other connections have come through since the first was refused: it may come and go, or a rule that this user may not read rejects some of them.',
      remote:
        '{address} can be reached (its neighbour entry is {neighbour}), and a message of the other side or of a router says that it may not: a firewall there rejects the connection.',
    },
  },
  *detect({ hops, 'nginx-instances': instances, 'firewall-rules': rules, 'network-paths': paths, resources, 'nginx-access-log': log }) {
    const around = { rules: valueOr(rules, []), instances, paths: valueOr(paths, []), resources: valueOr(resources, undefined) };
    for (const hop of hops) {
      const { address, local, listeners, flags } = hop.peer;
      if (address.kind !== 'tcp' || flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const symptoms = symptomsOf(hop, explains);
      const refused = hop.probes.find(isRefused);
      const failing = symptoms.filter(symptom => symptom.class !== 'probe-failed' && symptom.class !== 'no-live-upstreams' && symptom.ongoing);
      const goesOn = failing.length > 0;
      if (refused === undefined && !goesOn) continue;
      // Where nobody listens, what refuses is the kernel itself.
      if (local && listeners.length === 0) continue;
      const found = refusedByRule(hop, around);
      const seen = [
        ...(refused === undefined ? [] : [probeEvidence(refused)]),
        ...listeners.slice(0, 1).map(listenerEvidence),
        ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
      ];
      const common = { status: statusNow(hop, symptoms), subject: hop.subject, symptoms: symptoms.map(symptom => symptom.id) } as const;
      const listens = local ? `${hop.service?.name ?? 'A process'} listens on ${hop.peer.id}` : `${hop.peer.id} is on another host`;
      if (found?.does === 'reject' && (refused !== undefined || found.onlyWorkers || mayHavePassedProbe(found, hop, failing))) {
        yield { ...common, ...saidOfRule(found, { address: hop.peer.id, listens, isSeen: refused !== undefined, seen }) };
        continue;
      }
      const [first, ...rest] = seen;
      // A host that answers for its address and says "unreachable" refuses by a rule, whether or not the probe heard it too.
      const isSaid = !local && symptoms.some(symptom => symptom.class === 'connect-unreachable' && symptom.ongoing && symptom.count > 0);
      if (first === undefined || (refused === undefined && !isSaid)) {
        if (rules.state === 'known' && goesOn) yield ruledOut(`no rule of this host refuses ${hop.peer.id}`);
        continue;
      }
      if (local && rules.state !== 'known' && beganAfter(hop, failing)) {
        yield { ...common, confidence: 'possible', messageId: 'young', data: { listens }, evidence: [first, ...rest] };
      } else if (local && rules.state !== 'known' && haveComeThrough(hop, hops, failing, log)) {
        yield { ...common, confidence: 'possible', messageId: 'unsteady', data: { listens }, evidence: [first, ...rest] };
      } else if (local && rules.state !== 'known') {
        yield { ...common, confidence: 'likely', messageId: 'unseen', data: { listens }, evidence: [first, ...rest] };
      } else if (!local) {
        const path = around.paths.find(one => one.address === address.host);
        const isHere = path?.neighbour !== undefined && !['FAILED', 'INCOMPLETE'].includes(path.neighbour.state);
        if (path?.neighbour === undefined || path.route !== 'found' || !isHere || (refused !== undefined && codeOf(refused) === 'ECONNREFUSED')) continue;
        yield {
          ...common,
          confidence: 'likely',
          messageId: 'remote',
          data: { address: hop.peer.id, neighbour: path.neighbour.state },
          evidence: [first, ...rest, { source: `exec:ip neigh show ${path.neighbour.address}`, text: path.neighbour.text }],
        };
      } else yield ruledOut(`no rule of this host refuses ${hop.peer.id}`);
    }
  },
});

/** What listens was started since the failures began: sockets and answers are not seen in the same moment. */
function beganAfter({ master, unit }: Hop, failing: readonly Symptom[]): boolean {
  const startMs = Math.max(master?.startMs ?? 0, unit?.activeEnterMs ?? 0);
  const firstMs = firstFailureMs(failing);
  return startMs > firstMs;
}

/** A rule that refuses does so all the time: what was cut off or answered meanwhile had been let through. */
function haveComeThrough(hop: Hop, hops: readonly Hop[], failing: readonly Symptom[], log: Known<NginxAccessLog>): boolean {
  const firstMs = firstFailureMs(failing);
  if (symptomsOf(hop, letThrough).some(symptom => symptom.count > 0 && symptom.lastMs > firstMs + graceMs)) return true;
  return isOnlyPeer(hop, hops) && (valueOr(log, undefined)?.lastGoodMs ?? 0) > firstMs + graceMs;
}

function isRefused(probe: ProbeResult): boolean {
  return probe.outcome.state === 'connect-failed' && refusals.has(probe.outcome.code);
}

function codeOf({ outcome }: ProbeResult): string {
  return outcome.state === 'connect-failed' ? outcome.code : '';
}
