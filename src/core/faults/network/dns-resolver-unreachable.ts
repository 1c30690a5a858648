import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault } from '../../model/fault.ts';
import { answersTo, namesAtStart, symptomsOfName } from '../../model/name-answers.ts';
import { namesAtRunTime } from '../../model/run-time-names.ts';
import type { Symptom, Topology } from '../../model/facts/topology.ts';
import type { Subject } from '../../model/finding.ts';
import type { Address } from '../../model/host.ts';
import { formatAddress } from '../../model/host.ts';

const classes: readonly Symptom['class'][] = ['resolver-timeout', 'resolver-error', 'host-not-found'];

export default defineFault({
  meta: {
    id: 'dns-resolver-unreachable',
    layer: 'network',
    title: "The name server that is asked for the upstream's host name does not answer",
    explains: [...classes, 'client-refused'],
    requires: ['topology', 'symptoms'],
    uses: ['probe-results', 'name-resolution', 'nginx-config-test', 'nginx-instances'],
    leadsTo: ['nginx-config-invalid', 'nginx-down', 'nginx-config-not-reloaded', 'dns-name-not-found', 'no-live-upstreams', 'app-returned-5xx'],
    messages: {
      silent: '{resolver}, which nginx asks for {name} while it runs, does not answer.{others} {requests}.',
      fails: '{resolver}, which nginx asks for {name} while it runs, answers with an error.{others} {requests}.',
      logged: '{now} By its own log nginx got no answer from its resolver for {name}.',
      start: '{running} nginx resolves {name} when it reads its configuration, and no name server of the system ({resolver}) answers: {test}.',
    },
  },
  *detect({ topology, symptoms, 'probe-results': results, 'name-resolution': names, 'nginx-config-test': tests, 'nginx-instances': instances }) {
    const probes = valueOr(results, []);
    const resolutions = valueOr(names, []);
    const groups = symptoms.flatMap(symptom => symptom.errorGroups);
    for (const { name, resolvers, setting, routes, inConfig } of namesAtRunTime(topology, groups)) {
      const mine = [...symptomsOfName(name, symptoms, ['resolver-timeout', 'resolver-error']), ...symptoms.filter(symptom => isAbout(symptom, resolvers))];
      const answers = answersTo(name, resolvers, probes, setting);
      const bad = answers.filter(one => one.state === 'silent' || one.state === 'failed');
      const good = answers.filter(one => one.state === 'found' || one.state === 'unknown');
      const lines = mine.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 2));
      const subject = subjectOf(name, topology, []);
      const system = resolutions.find(one => one.name === name);
      const [first] = bad;
      if (first !== undefined && (inConfig || mine.length > 0)) {
        const knows = answersTo(name, serversOf(system?.nameServers), probes).find(one => one.state === 'found');
        const server = knows?.probe.request.kind === 'dns' && knows.probe.request.resolver.kind !== 'unix' ? knows.probe.request.resolver.host : undefined;
        yield {
          confidence: 'confirmed',
          status: mine.length > 0 ? 'active' : 'latent',
          subject,
          messageId: first.state === 'silent' ? 'silent' : 'fails',
          data: {
            name,
            resolver: bad.flatMap(one => (one.probe.request.kind === 'dns' ? [formatAddress(one.probe.request.resolver)] : [])).join(' and '),
            requests:
              good.length === 0
                ? `Each request that needs the name ${first.state === 'silent' ? 'waits for the resolver_timeout and fails' : 'fails'}`
                : first.state === 'silent'
                  ? 'A question that begins there is asked of the next one within five seconds, and fails only where resolver_timeout is shorter'
                  : 'A request whose question goes there fails',
            others:
              good.length > 0
                ? ' The other name servers of the directive do; nginx takes them in turn.'
                : (system?.system.length ?? 0) > 0
                  ? ` The system, which asks ${system?.nameServers?.join(', ') ?? 'others'}, knows the name.`
                  : '',
          },
          evidence: [
            probeEvidence(first.probe),
            ...(setting === undefined ? [] : [settingEvidence(setting)]),
            ...(knows === undefined ? [] : [probeEvidence(knows.probe)]),
            ...lines,
          ],
          symptoms: mine.map(symptom => symptom.id),
          fixData: { name, routes: routes.map(route => route.origin), ...(server === undefined ? {} : { server, instead: resolvers.map(formatAddress) }) },
        };
      } else if (mine.length > 0) {
        const [line, ...more] = lines;
        if (line === undefined) continue;
        const goesOn = mine.some(symptom => symptom.ongoing);
        yield {
          confidence: good.length > 0 && !goesOn ? 'likely' : 'possible',
          status: goesOn ? 'active' : 'past',
          subject,
          messageId: 'logged',
          data: { name, now: good.length > 0 ? 'The name server answers now.' : 'No name server was asked from here.' },
          evidence: [line, ...more, ...good.slice(0, 1).map(one => probeEvidence(one.probe))],
          symptoms: mine.map(symptom => symptom.id),
        };
      }
    }
    for (const { name, test, text } of namesAtStart(valueOr(tests, []))) {
      const system = resolutions.find(one => one.name === name);
      const servers = serversOf(system?.nameServers);
      const answers = answersTo(name, servers, probes);
      const [first] = answers;
      if (first === undefined || !answers.every(one => one.state === 'silent' || one.state === 'failed') || (system?.system.length ?? 0) > 0) continue;
      const isDown = valueOr(instances, []).find(one => one.id === test.instanceId)?.running === false;
      const mine = [...symptomsOfName(name, symptoms, classes), ...symptoms.filter(symptom => isDown && symptom.class === 'client-refused')];
      yield {
        confidence: 'confirmed',
        status: isDown ? 'active' : 'latent',
        subject: subjectOf(name, topology, [test.instanceId]),
        messageId: 'start',
        data: {
          name,
          resolver: servers.map(formatAddress).join(', '),
          test: text,
          running: isDown
            ? 'nginx does not run and cannot start.'
            : 'The running workers go on with the address that they have; a reload is refused, and a restart takes the site down.',
        },
        evidence: [
          { source: 'exec:nginx -t', text },
          ...answers.slice(0, 3).map(one => probeEvidence(one.probe)),
          ...(system?.systemError === undefined ? [] : [{ source: `exec:getent ahosts ${name}`, text: system.systemError }]),
        ],
        symptoms: mine.map(symptom => symptom.id),
      };
    }
  },
});

function subjectOf(name: string, topology: Topology, more: readonly string[]): Subject {
  return { kind: 'upstream', id: name, name, peers: [name, ...topology.peers.filter(peer => peer.hostName === name).map(peer => peer.id), ...more] };
}

function serversOf(hosts: readonly string[] = []): Address[] {
  return hosts.map(host => ({ kind: 'udp', host, port: 53 }));
}

/** `recv() failed (111: Connection refused) while resolving, resolver: 127.0.0.53:53` names the name server and not the name. */
function isAbout(symptom: Symptom, resolvers: readonly Address[]): boolean {
  if (symptom.class !== 'resolver-error' || symptom.upstream !== undefined) return false;
  return symptom.errorGroups.some(group => group.samples.some(({ text }) => resolvers.some(resolver => text.includes(`resolver: ${formatAddress(resolver)}`))));
}
