import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { settingEvidence } from '../../model/evidence.ts';
import { formatLogSource, type ErrorGroup } from '../../model/facts/logs.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Route, Topology } from '../../model/facts/topology.ts';

/** Fewer than this is one odd upload. */
const leastRefused = 5;
/** Of the requests for that page. */
const leastShare = 0.1;

/**
 * nginx refuses bodies over `client_max_body_size`. That is its order, and a stranger who sends too much is no fault: it is one
 * where a page that takes uploads refuses them again and again, to more than one client.
 */
export default defineFault({
  meta: {
    id: 'request-body-too-large',
    layer: 'protocol',
    title: 'A page refuses uploads because they are larger than nginx allows there',
    explains: ['body-too-large'],
    requires: ['nginx-error-log', 'topology'],
    uses: ['nginx-access-log'],
    leadsTo: [],
    messages: {
      refused: 'nginx refused {count} uploads to {url} with 413: client_max_body_size is {limit} there ({where}), and the largest seen was {size}.',
    },
  },
  *detect({ 'nginx-error-log': log, topology, ...facts }) {
    const access = valueOr(facts['nginx-access-log'], undefined);
    const groups = log.groups.filter(group => group.class === 'body-too-large' && group.urlTemplate !== undefined);
    for (const key of new Set(groups.map(group => `${group.server ?? ''} ${group.urlTemplate ?? ''}`))) {
      const own = groups.filter(group => `${group.server ?? ''} ${group.urlTemplate ?? ''}` === key);
      const [group] = own;
      const url = group?.urlTemplate ?? '';
      const count = own.reduce((sum, one) => sum + one.count, 0);
      const total = access?.byTemplate.find(one => one.key === url)?.total ?? count;
      if (group === undefined || count < leastRefused || count < total * leastShare || !areSeveral(own)) continue;
      const route = routeOf(topology, group.server, url);
      const limit = route?.settings['client_max_body_size'];
      const size = Math.max(0, ...own.flatMap(one => one.samples).map(sample => sizeIn(sample.message)));
      if (route === undefined || limit === undefined) continue;
      // The workers refused what the file allows by now: it was raised since.
      if (size > 0 && (limit.bytes === 0 || (limit.bytes ?? 0) >= size)) continue;
      const samples = own.flatMap(one => one.samples).toSorted((a, b) => b.timeMs - a.timeMs);
      const [first, second] = samples.map(sample => ({ source: formatLogSource(sample.source), text: sample.text }));
      if (first === undefined) continue;
      yield {
        confidence: size > 0 ? 'confirmed' : 'likely',
        status: 'latent',
        subject: { kind: 'route', id: route.id, name: `${route.location} of ${group.server ?? 'the server'}`, peers: [] },
        messageId: 'refused',
        data: { count, url, limit: limit.args[0] ?? '1m', where: whereOf(limit), size: size > 0 ? megabytes(size) : 'sent in chunks' },
        evidence: [first, ...(second === undefined ? [] : [second]), settingEvidence(limit)],
        symptoms: [],
        fixData: { routeId: route.id, size },
      };
    }
  },
});

/** More than one address; a private one may be the proxy that all of them come through. */
function areSeveral(groups: readonly ErrorGroup[]): boolean {
  const clients = new Set(groups.flatMap(group => group.samples.flatMap(sample => sample.client ?? [])));
  return clients.size > 1 || [...clients].some(client => /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd]|unix:)/.test(client));
}

/** Of the places that pass requests on, the one with the longest match. */
function routeOf({ servers, routes }: Topology, name: string | undefined, url: string): Route | undefined {
  const named = new Set(servers.filter(server => name === undefined || name === '' || server.names.includes(name)).map(server => server.id));
  const own = routes.filter(route => named.has(route.serverId) && route.samplePath !== undefined && url.startsWith(route.samplePath));
  return own.toSorted((a, b) => (b.samplePath?.length ?? 0) - (a.samplePath?.length ?? 0))[0];
}

/** `client intended to send too large body: 5242880 bytes`; of chunks only the first ones are told. */
function sizeIn(message: string): number {
  const at = message.indexOf('too large body: ');
  return at < 0 ? 0 : Number.parseInt(message.slice(at + 'too large body: '.length), 10) || 0;
}

function whereOf({ origin }: Setting): string {
  return origin.kind === 'file' ? `${origin.path}:${origin.line}` : `the default of nginx ${origin.version}`;
}

function megabytes(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
