import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault } from '../../model/fault.ts';
import { answersTo, namesAtStart, symptomsOfName } from '../../model/name-answers.ts';
import { namesAtRunTime } from '../../model/run-time-names.ts';
import type { NameResolution } from '../../model/facts/system.ts';
import type { Symptom, Topology } from '../../model/facts/topology.ts';
import type { Evidence, Subject } from '../../model/finding.ts';
import type { Address } from '../../model/host.ts';
import { formatAddress } from '../../model/host.ts';

const classes: readonly Symptom['class'][] = ['host-not-found'];

export default defineFault({
  meta: {
    id: 'dns-name-not-found',
    layer: 'network',
    title: "The upstream's host name does not exist for the name server that is asked",
    explains: [...classes, 'client-refused'],
    requires: ['topology', 'symptoms'],
    uses: ['probe-results', 'name-resolution', 'nginx-config-test', 'nginx-instances'],
    leadsTo: ['nginx-config-invalid', 'nginx-down', 'nginx-config-not-reloaded', 'no-live-upstreams', 'app-returned-5xx'],
    messages: {
      nowhere:
        '{resolver}, which nginx asks while it runs, says that there is no {name}{kind}, and the system does not know it either. Each request that needs it fails.',
      systemOnly:
        '{resolver}, which nginx asks while it runs, says that there is no {name}{kind}. The system resolves it to {addresses}: nginx reads neither /etc/hosts nor the search list for such names.',
      logged: 'nginx could not resolve {name}, by its own log. No name server was asked from here.',
      back: 'nginx could not resolve {name} within the window. {resolver} knows it now: {addresses}.',
      start: '{running} nginx resolves {name} when it reads its configuration, and the system says that there is no such host: {test}.',
    },
  },
  *detect({ topology, symptoms, 'probe-results': results, 'name-resolution': names, 'nginx-config-test': tests, 'nginx-instances': instances }) {
    const probes = valueOr(results, []);
    const resolutions = valueOr(names, []);
    for (const { name, resolvers, setting, routes, inConfig } of namesAtRunTime(
      topology,
      symptoms.flatMap(symptom => symptom.errorGroups),
    )) {
      const mine = symptomsOfName(name, symptoms, classes);
      const answers = answersTo(name, resolvers, probes, setting);
      const first = answers.find(one => one.state === 'unknown');
      const now = answers.find(one => one.state === 'found');
      const system = resolutions.find(one => one.name === name);
      const lines = mine.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 2));
      const common = { subject: subjectOf(name, topology, []), symptoms: mine.map(symptom => symptom.id) } as const;
      const resolver = resolvers.map(formatAddress).join(' or ');
      if (first !== undefined && (inConfig || mine.length > 0)) {
        const isKnown = (system?.system.length ?? 0) > 0;
        yield {
          ...common,
          confidence: 'confirmed',
          status: mine.length > 0 ? 'active' : 'latent',
          messageId: isKnown ? 'systemOnly' : 'nowhere',
          data: { name, resolver: nameOfResolver(first.probe.request), kind: kindOf(setting?.args ?? []), addresses: system?.system.join(', ') ?? '' },
          evidence: [probeEvidence(first.probe), ...(setting === undefined ? [] : [settingEvidence(setting)]), ...systemEvidence(system), ...lines],
          fixData: { name, ...otherServer(name, system, probes, resolvers), routes: routes.map(route => route.origin) },
        };
      } else if (mine.length > 0) {
        const [line, ...more] = lines;
        if (line === undefined) continue;
        const goesOn = mine.some(symptom => symptom.ongoing);
        if (now === undefined && answers.length > 0) continue;
        yield {
          ...common,
          confidence: now !== undefined && !goesOn ? 'likely' : 'possible',
          status: goesOn ? 'active' : 'past',
          messageId: now === undefined ? 'logged' : 'back',
          data: { name, resolver, addresses: now?.addresses.join(', ') ?? '' },
          evidence: [line, ...more, ...(now === undefined ? [] : [probeEvidence(now.probe)])],
        };
      }
    }
    for (const { name, test, text } of namesAtStart(valueOr(tests, []))) {
      const system = resolutions.find(one => one.name === name);
      const answers = answersTo(name, systemServers(system), probes);
      if ((system?.system.length ?? 0) > 0) continue;
      // Silence is a fault of its own.
      if (answers.length > 0 && answers.every(one => one.state === 'silent' || one.state === 'failed')) continue;
      const instance = valueOr(instances, []).find(one => one.id === test.instanceId);
      const isDown = instance?.running === false;
      const mine = [...symptomsOfName(name, symptoms, classes), ...symptoms.filter(symptom => isDown && symptom.class === 'client-refused')];
      yield {
        confidence: answers.some(one => one.state === 'unknown') ? 'confirmed' : 'likely',
        status: isDown ? 'active' : 'latent',
        subject: subjectOf(name, topology, [test.instanceId]),
        messageId: 'start',
        data: {
          name,
          test: text,
          running: isDown
            ? 'nginx does not run and cannot start.'
            : 'The running workers go on with the address that they have; a reload is refused, and a restart takes the site down.',
        },
        evidence: [{ source: 'exec:nginx -t', text }, ...systemEvidence(system), ...answers.slice(0, 2).map(one => probeEvidence(one.probe))],
        symptoms: mine.map(symptom => symptom.id),
        fixData: { name, atStart: true },
      };
    }
  },
});

function subjectOf(name: string, topology: Topology, more: readonly string[]): Subject {
  const peers = topology.peers.filter(peer => peer.hostName === name).map(peer => peer.id);
  return { kind: 'upstream', id: name, name, peers: [name, ...peers, ...more] };
}

function nameOfResolver(request: { readonly kind: string; readonly resolver?: Address }): string {
  return request.resolver === undefined ? 'the resolver' : formatAddress(request.resolver);
}

function kindOf(args: readonly string[]): string {
  return args.includes('ipv6=off') ? ' with an IPv4 address' : args.includes('ipv4=off') ? ' with an IPv6 address' : '';
}

function systemEvidence(system: NameResolution | undefined): Evidence[] {
  return system === undefined ? [] : [{ source: `exec:getent ahosts ${system.name}`, text: system.systemError ?? system.system.join(', ') }];
}

function systemServers(system: NameResolution | undefined): Address[] {
  return (system?.nameServers ?? []).map(host => ({ kind: 'udp', host, port: 53 }));
}

/** A name server of the system that knows the name, where the one of nginx does not. */
function otherServer(
  name: string,
  system: NameResolution | undefined,
  probes: Parameters<typeof answersTo>[2],
  own: readonly Address[],
): { readonly server?: string; readonly instead?: readonly string[] } {
  const knows = answersTo(name, systemServers(system), probes).find(one => one.state === 'found');
  return knows === undefined || knows.probe.request.kind !== 'dns'
    ? {}
    : { server: knows.probe.request.resolver.kind === 'unix' ? '' : knows.probe.request.resolver.host, instead: own.map(formatAddress) };
}
