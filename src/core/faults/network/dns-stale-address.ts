import { configEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-timeout',
  'connect-unreachable',
  'read-timeout',
  'reset',
  'premature-close',
  'no-live-upstreams',
];

export default defineFault({
  meta: {
    id: 'dns-stale-address',
    layer: 'network',
    title: 'The upstream has another address now, and nginx still uses the one that it resolved at its start',
    explains,
    requires: ['hops', 'nginx-instances'],
    uses: ['name-resolution'],
    leadsTo: [
      'firewall-drop',
      'firewall-reject',
      'no-route',
      'network-unreachable',
      'backend-down',
      'backend-hung',
      'nginx-config-not-reloaded',
      'no-live-upstreams',
      'max-fails-amplification',
      'retries-hide-failures',
    ],
    messages: {
      moved: '{name} in {where} means {now} now. nginx resolved it when it read its configuration and still connects to {old}, which {how}.',
    },
  },
  *detect({ hops, 'nginx-instances': instances, 'name-resolution': names }) {
    for (const hop of hops) {
      const { address, onlyInLog } = hop.peer;
      if (onlyInLog !== true || address.kind !== 'tcp') continue;
      const symptoms = [...hop.symptoms, ...hop.groupSymptoms].filter(symptom => explains.includes(symptom.class));
      const named = hops.filter(other => isNamed(other) && other.peer.address.kind === 'tcp' && other.peer.address.port === address.port);
      const [now] = named;
      const name = now?.peer.hostName;
      const record = symptoms[0];
      // Two names with one port, and nothing tells which of them the old address belonged to.
      if (now === undefined || name === undefined || record === undefined || new Set(named.map(other => other.peer.hostName)).size > 1) continue;
      const resolution = valueOr(names, []).find(one => one.name === name);
      if (resolution === undefined || resolution.system.includes(address.host)) continue;
      const bad = hop.probes.find(probe => probe.outcome.state === 'connect-failed' || probe.outcome.state === 'connect-timeout');
      const good = named.flatMap(other => other.probes).find(({ outcome }) => ['connected', 'answered'].includes(outcome.state));
      const goesOn = symptoms.some(symptom => symptom.ongoing);
      const startedMs = Math.max(...instances.flatMap(instance => instance.workers.filter(worker => !worker.shuttingDown).map(worker => worker.startMs)));
      // What older workers logged before the last reload is over.
      if (!goesOn || symptoms.every(symptom => symptom.lastMs < startedMs)) continue;
      yield {
        confidence: good !== undefined && bad !== undefined ? 'confirmed' : good === undefined ? 'possible' : 'likely',
        status: 'active',
        subject: { kind: 'peer', id: hop.peer.id, name: `${name} at ${hop.peer.id}`, peers: [hop.peer.id, ...named.map(other => other.peer.id)] },
        messageId: 'moved',
        data: {
          name,
          now: resolution.system.join(', '),
          old: hop.peer.id,
          where: `${now.peer.origin.path}:${now.peer.origin.line}`,
          how: bad === undefined ? 'answers no longer as it should' : bad.outcome.state === 'connect-timeout' ? 'does not answer' : 'refuses connections',
        },
        evidence: [
          { source: `exec:getent ahosts ${name}`, text: resolution.system.join(', ') },
          configEvidence(now.peer.origin, now.peer.written),
          ...(bad === undefined ? [] : [probeEvidence(bad)]),
          ...(good === undefined ? [] : [probeEvidence(good)]),
          ...symptomEvidence(record, 1),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
        fixData: { name, old: hop.peer.id },
      };
    }
  },
});

/** A peer that the configuration names by a host name, without a variable: resolved once. */
function isNamed({ peer, routes }: Hop): boolean {
  return peer.hostName !== undefined && peer.hostName !== 'localhost' && routes.length > 0 && routes.every(route => route.variables.length === 0);
}
