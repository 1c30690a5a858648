import { configEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { newerFiles } from '../../model/config-in-force.ts';
import { plainIp } from '../../model/ip.ts';
import { loadedMs } from '../../model/nginx-commands.ts';
import type { ProbeResult } from '../../model/probe.ts';

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
    title: 'The upstream has another address now, and nginx still uses the one that it was told before',
    explains,
    requires: ['hops', 'nginx-instances'],
    uses: ['name-resolution', 'probe-results', 'host-identity', 'nginx-config', 'topology'],
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
      kept: '{name} in {where} means {now} now. nginx asks for it while it runs, keeps the answer for {kept}, and still connects to {old}, which {how}.',
    },
  },
  *detect({ hops, 'nginx-instances': instances, 'name-resolution': names, ...facts }) {
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
      const old = plainIp(address.host);
      const held = new Set(resolution?.system.map(plainIp));
      if (resolution === undefined || held.size === 0 || held.has(old)) continue;
      const said = answersOf(name, valueOr(facts['probe-results'], []));
      const byTurns = said.find(answer => answer.has(old) && [...answer].some(one => held.has(one)));
      if (byTurns !== undefined) {
        yield ruledOut(`${name} still means ${address.host}: its name servers give some of its addresses at a time`);
        continue;
      }
      // getaddrinfo leaves out a family of which the host itself has no address.
      const own = valueOr(facts['host-identity'], undefined)?.addresses;
      const isAsked = [...held].some(one => isV6(one) === isV6(old)) || own?.some(one => isV6(one) === isV6(old) && !isLoopback(one)) === true;
      const isSteady = said.every(answer => answer.size === 0 || [...answer].every(one => held.has(one)));
      const bad = hop.probes.find(probe => probe.outcome.state === 'connect-failed' || probe.outcome.state === 'connect-timeout');
      const good = named.flatMap(other => other.probes).find(({ outcome }) => ['connected', 'answered'].includes(outcome.state));
      const goesOn = symptoms.some(symptom => symptom.ongoing);
      const instanceId = valueOr(facts.topology, undefined)?.servers.find(server => server.id === now.routes[0]?.serverId)?.instanceId;
      const instance = instances.find(one => one.id === instanceId);
      const startedMs = Math.max(...(instance === undefined ? instances : [instance]).map(one => loadedMs(one) ?? 0));
      // What older workers logged before the last reload is over.
      if (!goesOn || symptoms.every(symptom => symptom.lastMs < startedMs)) continue;
      const config = valueOr(facts['nginx-config'], []).find(one => one.instanceId === instance?.id);
      // A name that was written there after the start never meant the old address.
      const isRewritten = newerFiles(config, startedMs).some(file => file.path === now.peer.origin.path);
      const kept = keptFor(now);
      // What a name server of nginx's own still says is no old answer that nginx keeps.
      const isTold = kept === undefined || said.length > 0;
      const isSound = isAsked && isSteady && isTold && !isRewritten && good !== undefined;
      yield {
        confidence: !isSound ? 'possible' : bad === undefined ? 'likely' : 'confirmed',
        status: 'active',
        subject: { kind: 'peer', id: hop.peer.id, name: `${name} at ${hop.peer.id}`, peers: [hop.peer.id, ...named.map(other => other.peer.id)] },
        messageId: kept === undefined ? 'moved' : 'kept',
        data: {
          name,
          now: resolution.system.join(', '),
          old: hop.peer.id,
          kept: kept ?? '',
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
        fixData: { name, old: hop.peer.id, isKept: kept !== undefined },
      };
    }
  },
});

/** How long nginx keeps the answer for a name in a variable, in words; undefined for a name that it resolves at its start alone. */
function keptFor({ routes }: Hop): string | undefined {
  const route = routes.find(one => one.variables.length > 0);
  if (route === undefined) return undefined;
  const valid = route.settings['resolver']?.args.find(arg => arg.startsWith('valid='));
  return valid === undefined ? 'the time to live of its record' : `${valid.slice('valid='.length)} (${valid} of its resolver)`;
}

/** A peer that the configuration names by a host name, and not with `resolve`. */
function isNamed({ peer, routes, groups }: Hop): boolean {
  if (peer.hostName === undefined || peer.hostName === 'localhost') return false;
  if (groups.some(group => group.resolvedNames?.includes(peer.hostName ?? ''))) return false;
  return routes.length > 0 && routes.every(route => route.variables.length === 0 || route.hostName === peer.hostName);
}

/** The addresses in each answer of a name server to this name. */
function answersOf(name: string, probes: readonly ProbeResult[]): readonly ReadonlySet<string>[] {
  return probes.flatMap(({ request, outcome }) =>
    request.kind === 'dns' && request.name === name && outcome.state === 'answered' ? [new Set(outcome.answer.dns?.addresses.map(plainIp))] : [],
  );
}

function isV6(address: string): boolean {
  return address.includes(':');
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || plainIp(address) === '0:0:0:0:0:0:0:1';
}
