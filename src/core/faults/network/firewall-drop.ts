import { listenerEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import { mayHavePassedProbe, refusedByRule, saidOfRule } from '../../model/refused-by-rule.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NetworkPath } from '../../model/facts/network.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress } from '../../model/host.ts';

const explains: readonly Symptom['class'][] = ['connect-timeout', 'no-live-upstreams', 'probe-failed', 'server-disabled'];

export default defineFault({
  meta: {
    id: 'firewall-drop',
    layer: 'network',
    title: 'A firewall drops the packets to the backend',
    explains,
    requires: ['hops', 'nginx-instances'],
    uses: ['firewall-rules', 'network-paths', 'resources'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'backend-hung', 'backend-slower-than-timeout'],
    messages: {
      rule: '{listens}, and the rule "{rule}" in {table} {chain} drops the packets of {whose} connections to {address} on their way {way}: they wait until they time out.',
      perhaps: '{listens}, connections to {address} time out, and the rule "{rule}" in {table} {chain} may be why: a part of it cannot be judged from outside.',
      unseen:
        '{listens}, its accept queue has room, and a connection from this host gets no answer all the same. Something drops the packets, most likely a firewall rule, and the rules could not be read.',
      remote:
        'No rule of this host drops packets to {address}, its host is there ({sign}), and connections to that port get no answer: a firewall on the way or on that host drops them.',
      silent:
        'Connections to {address} get no answer, not even a refusal. A firewall on the way or on that host drops them, or that host is gone; what is known here does not tell which.',
    },
  },
  *detect({ hops, 'nginx-instances': instances, 'firewall-rules': rules, 'network-paths': paths, resources }) {
    const around = { rules: valueOr(rules, []), instances, paths: valueOr(paths, []), resources: valueOr(resources, undefined) };
    for (const hop of hops) {
      const { address, local, listeners, flags } = hop.peer;
      if (address.kind !== 'tcp' || flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const symptoms = symptomsOf(hop, explains);
      const timedOut = hop.probes.find(probe => probe.outcome.state === 'connect-timeout');
      const failing = symptoms.filter(symptom => symptom.class === 'connect-timeout' && symptom.ongoing);
      if (timedOut === undefined && failing.length === 0) continue;
      const found = refusedByRule(hop, around);
      const seen = [
        ...(timedOut === undefined ? [] : [probeEvidence(timedOut)]),
        ...listeners.slice(0, 1).map(listenerEvidence),
        ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
      ];
      const common = { status: statusNow(hop, symptoms), subject: hop.subject, symptoms: symptoms.map(symptom => symptom.id) } as const;
      const listens = !local
        ? `${hop.peer.id} is on another host`
        : listeners.length > 0
          ? `${hop.service?.name ?? 'A process'} listens on ${hop.peer.id}`
          : `${hop.peer.id} is an address of this host`;
      // A full accept queue swallows the first packet as well.
      const isQueueFull = listeners.some(listener => listener.backlog >= 0 && listener.queue >= listener.backlog);
      if (found?.does === 'drop' && (timedOut !== undefined || found.onlyWorkers || (!isQueueFull && mayHavePassedProbe(found, hop, failing)))) {
        yield { ...common, ...saidOfRule(found, { address: hop.peer.id, listens, isSeen: timedOut !== undefined, seen }) };
        continue;
      }
      const [first, ...rest] = seen;
      if (first === undefined || timedOut === undefined) continue;
      if (isQueueFull) {
        yield ruledOut(`the accept queue of ${hop.peer.id} is full, which looks the same`);
      } else if (local) {
        if (listeners.length === 0) continue;
        if (rules.state === 'known') yield ruledOut(`no rule of this host drops packets to ${hop.peer.id}`);
        else yield { ...common, confidence: 'likely', messageId: 'unseen', data: { listens }, evidence: [first, ...rest] };
      } else {
        const path = around.paths.find(one => one.address === address.host);
        if (path !== undefined && isCutOff(path)) continue;
        // Linux answers refused packets once a second: the requests before may have used that up.
        if (
          symptoms.every(symptom => symptom.class !== 'connect-timeout') &&
          symptomsOf(hop, ['connect-unreachable', 'connect-refused']).some(symptom => symptom.count > 0)
        ) {
          yield ruledOut(`requests to ${hop.peer.id} are refused at once; only the probe got no answer`);
          continue;
        }
        const sign = signOfLife(hop, hops, path);
        yield {
          ...common,
          confidence: sign === undefined ? 'possible' : 'likely',
          messageId: sign === undefined ? 'silent' : 'remote',
          data: { address: hop.peer.id, sign: sign?.words ?? '' },
          evidence: [first, ...rest, ...(sign === undefined ? [] : [sign.evidence])],
          fixData: {
            address: hop.peer.id,
            commands: [
              `ss -ltn 'sport = :${address.port}'   # on ${address.host}`,
              `nft list ruleset; iptables-save   # on ${address.host}`,
              `tcpdump -ni any port ${address.port}   # on both hosts`,
            ],
          },
        };
      }
    }
  },
});

/** No route, no neighbour, no link: then no firewall is needed to explain the silence. */
function isCutOff({ route, neighbour, link }: NetworkPath): boolean {
  return route === 'none' || route === 'blocked' || link?.up === false || (neighbour !== undefined && ['FAILED', 'INCOMPLETE'].includes(neighbour.state));
}

/** What shows that the peer's host is there although the port is silent. */
function signOfLife(hop: Hop, hops: readonly Hop[], path: NetworkPath | undefined): { readonly words: string; readonly evidence: Evidence } | undefined {
  const host = hop.peer.address.kind === 'unix' ? '' : hop.peer.address.host;
  const other = hops
    .filter(one => one !== hop && one.peer.address.kind === 'tcp' && one.peer.address.host === host)
    .flatMap(one => one.probes)
    .find(
      probe =>
        ['connected', 'answered', 'closed', 'no-answer'].includes(probe.outcome.state) ||
        (probe.outcome.state === 'connect-failed' && probe.outcome.code === 'ECONNREFUSED'),
    );
  if (other !== undefined && other.request.kind !== 'dns')
    return { words: `it answers on ${formatAddress(other.request.address)}`, evidence: probeEvidence(other) };
  if (path?.ping?.answered === true) return { words: 'it answers to ping', evidence: { source: `exec:ping ${host}`, text: path.ping.text } };
  const { neighbour } = path ?? {};
  if (neighbour === undefined || path?.via !== undefined || !['REACHABLE', 'STALE', 'DELAY', 'PROBE'].includes(neighbour.state)) return undefined;
  return { words: `it answers for its address on the wire, ${neighbour.state}`, evidence: { source: `exec:ip neigh show ${host}`, text: neighbour.text } };
}
