import { configEvidence, probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault } from '../../model/fault.ts';
import { answersTo, symptomsOfName } from '../../model/name-answers.ts';
import { namesAtRunTime } from '../../model/run-time-names.ts';
import type { Route, Symptom } from '../../model/facts/topology.ts';
import type { Address } from '../../model/host.ts';

const classes: readonly Symptom['class'][] = ['resolver-missing'];

export default defineFault({
  meta: {
    id: 'resolver-missing',
    layer: 'network',
    title: 'nginx has to resolve a name while it runs, and has no resolver',
    explains: [...classes, 'client-refused'],
    requires: ['topology', 'symptoms'],
    uses: ['probe-results', 'name-resolution', 'nginx-config-test', 'nginx-instances'],
    leadsTo: ['nginx-config-invalid', 'nginx-down', 'app-returned-5xx'],
    messages: {
      pass: '{pass} in {where} holds a variable, so nginx resolves {name} anew while it runs, and no resolver directive is in force there. Every request that goes there fails, whether the name exists or not.',
      logged:
        'nginx says that it has no resolver for {name}. The configuration on disk does not show which pass that is, or has been changed since nginx read it.',
      start: '{running} A server of an upstream is to be resolved while nginx runs, and no resolver is defined: {test}.',
    },
  },
  *detect({ topology, symptoms, 'probe-results': results, 'name-resolution': names, 'nginx-config-test': tests, 'nginx-instances': instances }) {
    const probes = valueOr(results, []);
    const resolutions = valueOr(names, []);
    const explained = new Set<string>();
    for (const { name, routes, setting, inConfig } of namesAtRunTime(
      topology,
      symptoms.flatMap(symptom => symptom.errorGroups),
    )) {
      const [route] = routes;
      const mine = symptomsOfName(name, symptoms, classes);
      if ((setting !== undefined && setting.args[0] !== 'off') || route === undefined || (!inConfig && mine.length === 0)) continue;
      for (const symptom of mine) explained.add(symptom.id);
      const system = resolutions.find(one => one.name === name);
      const servers = (system?.nameServers ?? []).map((host): Address => ({ kind: 'udp', host, port: 53 }));
      const knows = answersTo(name, servers, probes).find(one => one.state === 'found');
      const server = knows?.probe.request.kind === 'dns' && knows.probe.request.resolver.kind !== 'unix' ? knows.probe.request.resolver.host : undefined;
      yield {
        confidence: inConfig || mine.some(symptom => symptom.ongoing) ? 'confirmed' : 'likely',
        status: mine.length > 0 ? 'active' : 'latent',
        subject: { kind: 'upstream', id: name, name, peers: [name, ...topology.peers.filter(peer => peer.hostName === name).map(peer => peer.id)] },
        messageId: 'pass',
        data: { name, pass: passOf(route), where: `${route.origin.path}:${route.origin.line}` },
        evidence: [
          ...firstThen(
            configEvidence(route.origin, `${passOf(route)};`),
            routes.slice(1, 3).map(other => configEvidence(other.origin, `${passOf(other)};`)),
          ),
          ...mine.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1)),
          ...(knows === undefined ? [] : [probeEvidence(knows.probe)]),
        ],
        symptoms: mine.map(symptom => symptom.id),
        fixData: { name, missing: true, routes: routes.map(one => one.origin), ...(server === undefined ? {} : { server }), system: system?.system ?? [] },
      };
    }
    for (const symptom of symptoms.filter(one => classes.includes(one.class) && !explained.has(one.id))) {
      const [first, ...rest] = symptomEvidence(symptom, 2);
      const name = symptom.upstream ?? 'a name';
      if (first === undefined) continue;
      yield {
        confidence: 'possible',
        status: symptom.ongoing ? 'active' : 'past',
        subject: { kind: 'upstream', id: name, name, peers: [name] },
        messageId: 'logged',
        data: { name },
        evidence: [first, ...rest],
        symptoms: [symptom.id],
      };
    }
    for (const test of valueOr(tests, [])) {
      const text = test.error?.text ?? '';
      if (test.ok || test.denied || !text.includes('no resolver defined to resolve names at run time')) continue;
      const isDown = valueOr(instances, []).find(one => one.id === test.instanceId)?.running === false;
      yield {
        confidence: 'confirmed',
        status: isDown ? 'active' : 'latent',
        subject: { kind: 'upstream', id: test.instanceId, name: test.instanceId, peers: [test.instanceId] },
        messageId: 'start',
        data: {
          test: text,
          running: isDown ? 'nginx does not run and cannot start.' : 'The running workers go on; a reload is refused, and a restart takes the site down.',
        },
        evidence: [{ source: 'exec:nginx -t', text }],
        symptoms: symptoms.filter(symptom => isDown && symptom.class === 'client-refused').map(symptom => symptom.id),
      };
    }
  },
});

function passOf(route: Route): string {
  return `${route.pass}_pass ${route.target}`;
}

function firstThen<T>(first: T, rest: readonly T[]): [T, ...T[]] {
  return [first, ...rest];
}
