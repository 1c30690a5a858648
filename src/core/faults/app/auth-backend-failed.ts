import { defineFault } from '../../model/fault.ts';
import { configLine } from '../../model/config-line.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom, Topology } from '../../model/facts/topology.ts';
import type { NginxConfig } from '../../model/facts/nginx.ts';
import type { Evidence } from '../../model/finding.ts';
import { valueOr } from '../../model/fact.ts';
import { directivesOf } from '../../model/nginx-edits.ts';

/**
 * A page failed because the request that asks for permission did (`auth_request`). The page's own backend is well: the bad hop is
 * the one behind the subrequest, and what is wrong there stands above this.
 */
export default defineFault({
  meta: {
    id: 'auth-backend-failed',
    layer: 'app',
    title: 'The request for permission failed, not the page',
    explains: ['auth-request'],
    requires: ['hops', 'symptoms', 'topology'],
    uses: ['nginx-config'],
    leadsTo: [],
    messages: {
      answered:
        'nginx turned {count} requests into a 500, because the subrequest for permission was answered with {status}. {backend} serves it; the backend of the page was not asked.',
      unknown:
        'nginx turned {count} requests into a 500, because the subrequest for permission was answered with {status}. Which backend serves it could not be told.',
    },
  },
  *detect({ hops, symptoms, topology, ...facts }) {
    for (const symptom of symptoms) {
      if (symptom.class !== 'auth-request') continue;
      const places = valueOr(facts['nginx-config'], []).flatMap(authPlaces);
      const asked = behindSubrequest(symptom, hops, topology, places);
      const status = statusIn(symptom);
      const troubled = asked.filter(hop => hop.symptoms.length > 0);
      const chosen = troubled.length > 0 ? troubled : asked;
      const probes = chosen.flatMap(hop => (hop.own === undefined ? [] : [hop.own]));
      const [first, ...rest]: Evidence[] = [
        ...symptomEvidence(symptom, 1),
        ...chosen.flatMap(hop => hop.symptoms.flatMap(one => symptomEvidence(one, 1))).slice(0, 2),
        ...probes.slice(0, 1).map(probeEvidence),
        ...places
          .filter(place => chosen.some(hop => hop.routes.some(route => takes(route.location, place.uri))))
          .slice(0, 1)
          .map(place => configLine(facts['nginx-config'], place, `auth_request ${place.uri};`)),
      ];
      if (first === undefined) continue;
      const [hop] = chosen;
      const isProbed = probes.some(({ outcome }) => outcome.state === 'answered' && outcome.answer.status === status);
      yield {
        confidence: isProbed || troubled.length > 0 ? 'confirmed' : hop === undefined ? 'possible' : 'likely',
        status: symptom.ongoing ? 'active' : 'past',
        subject: {
          kind: 'route',
          id: symptom.id,
          name: hop === undefined ? (symptom.server ?? 'auth_request') : hop.serviceSubject.name,
          peers: [...new Set(chosen.flatMap(one => one.serviceSubject.peers))],
        },
        messageId: hop === undefined ? 'unknown' : 'answered',
        data: { count: symptom.count, status: status ?? 'an error', backend: chosen.map(one => one.peer.id).join(' or ') },
        evidence: [first, ...rest],
        symptoms: [symptom.id],
      };
    }
  },
});

interface AuthPlace {
  readonly uri: string;
  readonly path: string;
  readonly line: number;
}

function authPlaces(config: NginxConfig): AuthPlace[] {
  return [...directivesOf(config)].flatMap(({ directive }) => {
    const uri = directive.args[0]?.value ?? 'off';
    return directive.name === 'auth_request' && uri !== 'off' ? [{ uri, path: directive.path, line: directive.line }] : [];
  });
}

/** Peers that log lines with a `subrequest` name; else those of the locations that `auth_request` names. */
function behindSubrequest(symptom: Symptom, hops: readonly Hop[], topology: Topology, places: readonly AuthPlace[]): readonly Hop[] {
  const logged = hops.filter(hop =>
    hop.symptoms.some(
      one => one.errorGroups.some(group => group.subrequest) && one.firstMs <= symptom.lastMs + 15_000 && one.lastMs >= symptom.firstMs - 15_000,
    ),
  );
  if (logged.length > 0) return logged;
  const servers = topology.servers.filter(server => symptom.server === undefined || server.names.includes(symptom.server));
  const asked = topology.routes.filter(route => servers.some(server => server.id === route.serverId) && places.some(place => takes(route.location, place.uri)));
  const ids = new Set(asked.map(route => route.id));
  return hops.filter(hop => hop.routes.some(route => ids.has(route.id)));
}

function takes(location: string, uri: string): boolean {
  const words = location.split(' ').slice(1);
  const prefix = words.at(-1) ?? '';
  if (words[0] === '=') return prefix === uri;
  return prefix !== '/' && prefix.startsWith('/') && uri.startsWith(prefix);
}

function statusIn(symptom: Symptom): number | undefined {
  const text = symptom.errorGroups[0]?.samples[0]?.message ?? '';
  const status = Number(text.slice(text.indexOf('status: ') + 8).slice(0, 3));
  return status >= 100 && status < 600 ? status : undefined;
}
