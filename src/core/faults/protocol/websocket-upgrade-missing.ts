import { configLine } from '../../model/config-line.ts';
import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { known, valueOr } from '../../model/fact.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { NginxConfig } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { Detection, Evidence } from '../../model/finding.ts';
import { hasLocationOfItsOwn, judgedUpgrades, type LostUpgrade } from '../../model/lost-upgrades.ts';
import type { Forwarding } from '../../model/upgrade-headers.ts';

/** In which a backend ends a plain request for a WebSocket, beside refusing it. */
const ends: ReadonlySet<Symptom['class']> = new Set(['premature-close', 'reset', 'read-timeout', 'backend-answered-5xx', 'unattributed-5xx']);
const most = 0.8;

/**
 * `Upgrade` and `Connection` hold for one hop (RFC 9110 §7.6.1): nginx passes them on only where it is told to. The peer is asked
 * directly for a WebSocket, once whole and once with what the configuration leaves of it.
 */
export default defineFault({
  meta: {
    id: 'websocket-upgrade-missing',
    layer: 'protocol',
    title: 'nginx does not pass the upgrade to a WebSocket on to its backend',
    explains: ['upgrade-lost', 'premature-close', 'reset', 'read-timeout', 'backend-answered-5xx', 'unattributed-5xx'],
    requires: ['topology', 'nginx-config', 'nginx-access-log', 'symptoms'],
    uses: ['nginx-error-log', 'upgrade-answers'],
    leadsTo: [
      'app-returned-5xx',
      'backend-crashing',
      'backend-hung',
      'backend-slower-than-timeout',
      'keepalive-race',
      'max-fails-amplification',
      'no-live-upstreams',
      'request-specific-crash',
      'restart-window',
      'retries-hide-failures',
    ],
    messages: {
      proven: '{count} requests for {url} ended in {status}: {location} passes them to {peer} {how}. Asked directly, {peer} takes a WebSocket there.',
      unproven:
        '{count} requests for {url} ended in {status}: {location} passes them to {peer} {how}. Whether {peer} takes a WebSocket there could not be seen.',
    },
  },
  *detect({ topology, 'nginx-config': configs, 'nginx-access-log': access, symptoms, ...facts }) {
    const errors = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
    const judged = judgedUpgrades({ topology, configs, access, errors, answers: valueOr(facts['upgrade-answers'], []) });
    for (const one of judged) if ('because' in one && one.candidate.refused.length > 0) yield ruledOut(one.because);
    const lost = judged.filter(one => 'confidence' in one);
    for (const routeId of new Set(lost.map(one => one.candidate.taken.route.id))) {
      const own = lost
        .filter(one => one.candidate.taken.route.id === routeId)
        .toSorted((a, b) => Number(b.confidence === 'confirmed') - Number(a.confidence === 'confirmed'));
      const found = findingOf(own, symptoms, access, configs);
      if (found !== undefined) yield found;
    }
  },
});

function findingOf(
  own: readonly LostUpgrade[],
  symptoms: readonly Symptom[],
  access: NginxAccessLog,
  configs: readonly NginxConfig[],
): Detection<'proven' | 'unproven'> | undefined {
  const [best] = own;
  const peers = new Set(own.map(one => one.candidate.peer.id));
  const urls = new Set(own.map(one => one.candidate.urlTemplate));
  const claimed = symptoms.filter(
    symptom =>
      symptom.upstream !== undefined && peers.has(symptom.upstream) && (symptom.class === 'upgrade-lost' || (ends.has(symptom.class) && isFor(symptom, urls))),
  );
  if (best === undefined || claimed.length === 0) return undefined;
  const { candidate, answers, confidence } = best;
  const { route, blocks } = candidate.taken;
  const { forwarding, server } = candidate;
  const location = blocks.at(-1);
  const [first = configLine(known(configs), route.origin, route.target), ...rest]: Evidence[] = [
    ...claimed.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
    ...(answers === undefined ? [] : [probeEvidence(answers.whole), probeEvidence(answers.passed)]),
    configLine(known(configs), route.origin, route.target),
    ...configEvidence(forwarding, route.settings['http_version'], configs),
  ];
  const place = location === undefined ? '' : ` (${location.path}:${location.line})`;
  const name = server.names.find(one => one !== '' && one !== '_');
  return {
    confidence,
    status: claimed.some(symptom => symptom.ongoing) ? 'active' : confidence === 'confirmed' ? 'latent' : 'past',
    subject: {
      kind: 'route',
      id: route.id,
      name: `${route.location}${name === undefined ? '' : ` of ${name}`}`,
      peers: [...peers],
    },
    messageId: confidence === 'confirmed' ? 'proven' : 'unproven',
    data: {
      count: claimed.reduce((sum, symptom) => sum + symptom.count, 0),
      url: [...urls].slice(0, 3).join(' and '),
      status: endsIn(claimed),
      location: `${route.location}${place}`,
      peer: [...peers].join(' and '),
      how: howOf(forwarding),
    },
    evidence: [first, ...rest],
    symptoms: claimed.map(symptom => symptom.id),
    fixData: {
      routeId: route.id,
      path: location?.path ?? '',
      start: location?.start ?? -1,
      isShared: !hasLocationOfItsOwn(route.location, candidate.urlTemplate, access),
    },
  };
}

/** Nearly all requests of the symptom are for these. */
function isFor(symptom: Symptom, urls: ReadonlySet<string>): boolean {
  const groups = symptom.accessGroups.length > 0 ? symptom.accessGroups : symptom.errorGroups;
  const all = groups.reduce((sum, group) => sum + group.count, 0);
  const own = groups.reduce((sum, group) => (group.urlTemplate !== undefined && urls.has(group.urlTemplate) ? sum + group.count : sum), 0);
  return all > 0 && own / all >= most;
}

function endsIn(symptoms: readonly Symptom[]): string {
  const statuses = new Set(symptoms.flatMap(symptom => symptom.accessGroups.map(group => group.status)));
  const kinds = symptoms.filter(symptom => symptom.accessGroups.length === 0).map(symptom => symptom.class.replaceAll('-', ' '));
  return [...[...statuses].toSorted((a, b) => a - b), ...new Set(kinds)].slice(0, 4).join(', ');
}

/** Half a sentence: `without the header Upgrade, because proxy_set_header at …:12 makes it inherit none of those at …:4`. */
function howOf({ missing, lost, sends }: Forwarding): string {
  const headers = [
    ...(missing.includes('upgrade') ? ['the header Upgrade'] : []),
    ...(missing.includes('connection')
      ? [sends.connection === undefined ? 'the header Connection' : `"Connection: upgrade" (it sends "${sends.connection.slice(0, 40)}")`]
      : []),
    ...(missing.includes('version') ? ['HTTP/1.1 (it speaks HTTP/1.0)'] : []),
  ];
  const without = `without ${headers.length > 1 ? `${headers.slice(0, -1).join(', ')} and ${headers.at(-1) ?? ''}` : (headers[0] ?? '')}`;
  const [outer] = lost?.outer ?? [];
  if (lost === undefined || outer === undefined) return without;
  return `${without}: the lines at ${outer.path}:${outer.line} that pass it on hold no more where a block has proxy_set_header lines of its own (${lost.by.path}:${lost.by.line})`;
}

function configEvidence(
  { missing, lost }: Forwarding,
  version: Parameters<typeof settingEvidence>[0] | undefined,
  configs: readonly NginxConfig[],
): Evidence[] {
  const lines = lost === undefined ? [] : [lost.by, ...lost.outer];
  return [
    ...lines.slice(0, 3).map(line => configLine(known(configs), line, line.name)),
    ...(missing.includes('version') && version !== undefined ? [settingEvidence(version)] : []),
  ];
}
