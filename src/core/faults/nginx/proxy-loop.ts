import { defineFault } from '../../model/fault.ts';
import { configLine } from '../../model/config-line.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Route, ServerBlock, Symptom, Topology } from '../../model/facts/topology.ts';
import { formatAddress, type Address } from '../../model/host.ts';

/** What a loop ends in: no connection left, no descriptor, no port, or a time limit. */
const ends: readonly Symptom['class'][] = [
  'worker-connections',
  'too-many-open-files',
  'connect-no-local-port',
  'read-timeout',
  'reset',
  'premature-close',
  'backend-answered-5xx',
  'unattributed-5xx',
  'probe-failed',
  'no-live-upstreams',
  'connect-timeout',
];

/**
 * A server passes requests to an address on which the same server takes them. Passing to another server of the same nginx is
 * usual, so the name in the Host header decides which server takes the request there.
 */
export default defineFault({
  meta: {
    id: 'proxy-loop',
    layer: 'nginx',
    title: 'nginx passes requests to itself',
    explains: ends,
    requires: ['hops', 'topology', 'symptoms'],
    uses: ['nginx-config'],
    leadsTo: [
      'nginx-worker-connections-exhausted',
      'fd-limit-nginx',
      'ephemeral-ports-exhausted',
      'backend-slower-than-timeout',
      'app-returned-5xx',
      'no-live-upstreams',
      'max-fails-amplification',
      'backend-crashing',
      'backend-hung',
    ],
    messages: {
      loop: '{location} of {server} passes requests to {peer}, where the same server takes them again ({listen}). Each request goes round until no connection is left.',
    },
  },
  *detect({ hops, topology, symptoms, ...facts }) {
    const listens = topology.servers.flatMap(server => server.listens.map(listen => listen.address));
    const taken = [...new Map(listens.map(address => [formatAddress(address), address])).values()];
    for (const hop of hops) {
      if (!hop.peer.local || !taken.some(address => takes(address, hop.peer.address))) continue;
      const round = hop.routes.map(route => ({ route, server: returnsTo(route, hop, topology) })).find(one => one.server !== undefined);
      if (round?.server === undefined) continue;
      const { route, server } = round;
      const listen = server.listens.find(one => takes(one.address, hop.peer.address));
      const own = [
        ...hop.symptoms,
        ...hop.groupSymptoms,
        ...symptoms.filter(
          symptom => symptom.upstream === undefined && ['worker-connections', 'too-many-open-files', 'unattributed-5xx'].includes(symptom.class),
        ),
      ].filter(symptom => ends.includes(symptom.class));
      yield {
        confidence: own.length > 0 ? 'confirmed' : 'likely',
        status: own.length === 0 ? 'latent' : own.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: { kind: 'route', id: route.id, name: `${route.location} to ${hop.peer.id}`, peers: [hop.peer.id] },
        messageId: 'loop',
        data: {
          location: route.location,
          server: server.names.find(name => name !== '' && name !== '_') ?? `${server.origin.path}:${server.origin.line}`,
          peer: hop.peer.id,
          listen: listen === undefined ? '' : place(listen.origin),
        },
        evidence: [
          configLine(facts['nginx-config'], route.origin, `${route.pass}_pass ${route.target};`),
          ...(listen?.origin.kind === 'file' ? [configLine(facts['nginx-config'], listen.origin, `listen ${formatAddress(listen.address)};`)] : []),
          ...own.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 3),
          ...(hop.own === undefined ? [] : [probeEvidence(hop.own)]),
        ],
        symptoms: [...new Set(own.map(symptom => symptom.id))],
      };
    }
  },
});

/** The route's own server, where it is the one that takes what the route sends to the peer, and would send it there again. */
function returnsTo(route: Route, hop: Hop, topology: Topology): ServerBlock | undefined {
  if (route.pass !== 'proxy' && route.pass !== 'grpc') return undefined;
  const own = topology.servers.find(server => server.id === route.serverId);
  const isAt = (server: ServerBlock): boolean => server.listens.some(listen => takes(listen.address, hop.peer.address));
  if (own === undefined || !isAt(own)) return undefined;
  const there = topology.servers.filter(isAt);
  // A path that the target replaces may come out in another location.
  const pathAt = route.target.indexOf('/', route.target.indexOf('//') + 2);
  const replaced = route.target.includes('://') && pathAt !== -1 && !route.target.includes('://unix:') ? route.target.slice(pathAt) : undefined;
  const again = topology.routes.filter(
    other => other.serverId === own.id && (replaced === undefined ? other === route : other.samplePath !== undefined && replaced.startsWith(other.samplePath)),
  );
  if (replaced !== undefined && again.toSorted((a, b) => (b.samplePath?.length ?? 0) - (a.samplePath?.length ?? 0))[0] !== route) return undefined;
  const sent = route.headers.findLast(header => header.args[0]?.toLowerCase() === 'host')?.args[1] ?? '$proxy_host';
  if (sent === '$host' || sent === '$http_host' || sent === '$server_name') return own;
  if (sent.includes('$') && sent !== '$proxy_host') return undefined;
  const target = route.target.split('/')[2] ?? '';
  const name = (sent === '$proxy_host' ? target : sent).replace(/:\d+$/, '').toLowerCase();
  const named = there.find(server => server.names.includes(name));
  const taker = named ?? there.find(server => server.listens.some(listen => listen.defaultServer && takes(listen.address, hop.peer.address))) ?? there[0];
  return taker === own ? own : undefined;
}

function takes(listen: Address, peer: Address): boolean {
  if (listen.kind === 'unix' || peer.kind === 'unix') return listen.kind === 'unix' && peer.kind === 'unix' && listen.path === peer.path;
  return (
    listen.port === peer.port &&
    (listen.host === peer.host || (listen.host === '0.0.0.0' && !peer.host.includes(':')) || (listen.host === '::' && peer.host.includes(':')))
  );
}

function place(origin: ServerBlock['listens'][number]['origin']): string {
  return origin.kind === 'file' ? `${origin.path}:${origin.line}` : 'by default';
}
