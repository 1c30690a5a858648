import { askAll, defineCollector, type Collection, type Request } from '../model/collector.ts';
import { absent, known, type Known } from '../model/fact.ts';
import type { PhpFpmPool, Service } from '../model/facts/backend.ts';
import type { ErrorGroup } from '../model/facts/logs.ts';
import type { Peer, Route, Topology } from '../model/facts/topology.ts';
import { formatAddress, type Address } from '../model/host.ts';
import { probeKey, type ProbeRequest, type ProbeResult } from '../model/probe.ts';

// A host with more peers than this has its failing ones asked first.
const mostProbes = 500;
// A search, not a measurement: what is the right backend answers at once.
const searchTimeoutMs = 1000;

export default defineCollector({
  id: 'probe-results',
  title: 'what each backend answers in its own protocol',
  needs: ['topology', 'services', 'php-fpm-pools', 'nginx-error-log', 'name-resolution'],
  *collect(facts, context): Collection<readonly ProbeResult[]> {
    if (!context.probing) return absent('probing is switched off', 'Leave out --no-probe.');
    if (facts.topology.state !== 'known') return facts.topology;
    const topology = facts.topology.value;
    const pools = facts['php-fpm-pools'].state === 'known' ? facts['php-fpm-pools'].value.pools : [];
    const services = facts.services.state === 'known' ? facts.services.value : [];
    const groups = facts['nginx-error-log'].state === 'known' ? facts['nginx-error-log'].value.groups : [];
    const failing = new Set(groups.flatMap(group => (group.peer === undefined ? [] : [group.peer])));
    const usable = topology.peers.filter(peer => !peer.flags.down).sort((a, b) => Number(failing.has(b.id)) - Number(failing.has(a.id)));
    const first = distinct([...usable.flatMap(peer => firstQuestions(peer, topology, pools, groups)), ...namedAlternatives(usable)]).slice(0, mostProbes);
    const answered = yield* ask(first);
    // What did not answer in its own protocol is asked in the others, and where nobody listens the service is looked for.
    const second = distinct([...answered.flatMap(result => furtherQuestions(result, topology)), ...elsewhere(usable, services, topology)])
      .filter(request => !answered.some(result => probeKey(result.request) === probeKey(request)))
      .slice(0, mostProbes);
    const more = yield* ask(second);
    return known([...answered, ...more]);
  },
});

function* ask(requests: readonly ProbeRequest[]): Generator<readonly Request[], ProbeResult[], readonly Known<unknown>[]> {
  const answers = yield* askAll(requests.map(request => ({ kind: 'probe', request }) as const));
  return answers.flatMap(answer => (answer.state === 'known' ? [answer.value] : []));
}

/** What is asked of a peer at first: the protocol that nginx speaks to it. */
function firstQuestions(peer: Peer, topology: Topology, pools: readonly PhpFpmPool[], groups: readonly ErrorGroup[]): ProbeRequest[] {
  const routes = topology.routes.filter(route => peer.routeIds.includes(route.id));
  if (routes.length === 0) return peer.onlyInLog === true ? [{ kind: 'connect', address: peer.address }] : [];
  const kinds = new Map<string, Route>();
  for (const route of routes) kinds.set(`${route.pass}${route.tls ? ' tls' : ''}`, route);
  return [...kinds.values()].flatMap(route => questionsFor(route, peer, topology, pools, groups));
}

function questionsFor(route: Route, peer: Peer, topology: Topology, pools: readonly PhpFpmPool[], groups: readonly ErrorGroup[]): ProbeRequest[] {
  const { address } = peer;
  switch (route.pass) {
    case 'proxy': {
      const hostHeader = hostHeaderOf(route, topology);
      const path = route.samplePath ?? '/';
      const paths = [...new Set([path, ...failingPaths(peer, groups)])];
      if (route.tls) return [{ kind: 'tls', address, ...(sendsName(route) ? { serverName: serverNameOf(route, peer) } : {}), path, hostHeader }];
      return paths.map(each => ({ kind: 'http', address, path: each, hostHeader }) as const);
    }
    case 'fastcgi':
      return [fastcgiQuestion(peer, pools), ...failingPaths(peer, groups).map(uri => fastcgiPage(route, topology, peer, uri))];
    case 'uwsgi':
      return [{ kind: 'uwsgi', address, params: cgiParams(route.samplePath ?? '/', hostHeaderOf(route, topology)) }];
    default:
      return [{ kind: 'connect', address }];
  }
}

/** php-fpm's own ping where the pool has one; else a script that cannot be there: a worker answers, and no code of the site runs. */
function fastcgiQuestion(peer: Peer, pools: readonly PhpFpmPool[]): ProbeRequest {
  const pool = pools.find(one => one.listen !== undefined && formatAddress(one.listen.value) === formatAddress(peer.address));
  const page = pool?.values['ping.path']?.value ?? pool?.values['pm.status_path']?.value;
  const script = page ?? '/badhop-asks-for-no-script.php';
  return { kind: 'fastcgi', address: peer.address, params: { ...cgiParams(script, 'localhost'), SCRIPT_NAME: script, SCRIPT_FILENAME: script } };
}

/** The page itself, where its answer is what is in question. */
function fastcgiPage(route: Route, topology: Topology, peer: Peer, uri: string): ProbeRequest {
  const root = route.settings['root']?.args[0] ?? '/var/www/html';
  const path = uri.split('?')[0] ?? '/';
  const script = path.endsWith('.php') ? path : '/index.php';
  return { kind: 'fastcgi', address: peer.address, params: { ...cgiParams(uri, hostHeaderOf(route, topology)), SCRIPT_NAME: script, SCRIPT_FILENAME: `${root}${script}`, DOCUMENT_ROOT: root } };
}

// Only for faults that the answer itself proves (its header's size and form); at most two pages a peer, and GET only.
function failingPaths(peer: Peer, groups: readonly ErrorGroup[]): string[] {
  const classes = new Set(['header-too-big', 'invalid-header', 'no-valid-header']);
  const uris = groups
    .filter(group => group.peer === peer.id && classes.has(group.class) && group.method === 'GET')
    .flatMap(group => group.samples.flatMap(sample => (sample.uri === undefined ? [] : [sample.uri])))
    .filter(uri => uri.startsWith('/') && uri.length <= 2048 && !uri.includes('..'));
  return [...new Set(uris)].slice(0, 2);
}

/** `localhost` means two addresses: the one that the configuration did not get is asked too. */
function namedAlternatives(peers: readonly Peer[]): ProbeRequest[] {
  return peers.flatMap(peer => {
    if (peer.address.kind !== 'tcp' || peer.hostName === undefined) return [];
    const other = peer.address.host === '::1' ? '127.0.0.1' : peer.address.host === '127.0.0.1' ? '::1' : undefined;
    return other === undefined ? [] : [{ kind: 'connect', address: { kind: 'tcp', host: other, port: peer.address.port } } as const];
  });
}

/** A peer that took the connection and did not answer in the expected protocol is asked in the others. */
function furtherQuestions(result: ProbeResult, topology: Topology): ProbeRequest[] {
  const { request, outcome } = result;
  if (request.kind === 'dns' || request.kind === 'connect') return [];
  const strange =
    outcome.state === 'closed' ||
    outcome.state === 'no-answer' ||
    (outcome.state === 'answered' && (outcome.speaks !== expectedOf(request.kind) || outcome.answer.tls?.handshake === 'failed' || !outcome.answer.complete || saysPlainToTls(outcome.answer.head)));
  if (!strange) return [];
  const { address } = request;
  const peer = topology.peers.find(one => formatAddress(one.address) === formatAddress(address));
  const route = topology.routes.find(one => peer?.routeIds.includes(one.id));
  const hostHeader = route === undefined ? 'localhost' : hostHeaderOf(route, topology);
  const script = '/badhop-asks-for-no-script.php';
  const all: ProbeRequest[] = [
    { kind: 'http', address, path: '/', hostHeader },
    { kind: 'tls', address, ...(hostHeader === 'localhost' ? {} : { serverName: hostHeader }) },
    { kind: 'tls', address },
    { kind: 'fastcgi', address, params: { ...cgiParams(script, 'localhost'), SCRIPT_NAME: script, SCRIPT_FILENAME: script } },
    { kind: 'uwsgi', address, params: cgiParams('/', hostHeader) },
  ];
  return all.filter(one => one.kind !== request.kind || one.kind === 'tls');
}

/** Where nobody listens on a peer's address: the addresses on which local services do listen and no peer uses. */
function elsewhere(peers: readonly Peer[], services: readonly Service[], topology: Topology): ProbeRequest[] {
  const lost = peers.filter(peer => peer.local && peer.listeners.length === 0);
  if (lost.length === 0) return [];
  const used = new Set(topology.peers.filter(peer => peer.listeners.length > 0).map(peer => peer.id));
  const kinds = new Set(lost.flatMap(peer => topology.routes.filter(route => peer.routeIds.includes(route.id)).map(route => route.pass)));
  const script = '/badhop-asks-for-no-script.php';
  return services
    .filter(service => service.kind !== 'nginx')
    .flatMap(service => service.listening)
    .map(reachable)
    .filter(address => !used.has(formatAddress(address)) && !belongsToSystem(address))
    .slice(0, 40)
    .flatMap((address): ProbeRequest[] => {
      const questions: ProbeRequest[] = [];
      if (kinds.has('fastcgi')) questions.push({ kind: 'fastcgi', address, params: { ...cgiParams(script, 'localhost'), SCRIPT_NAME: script, SCRIPT_FILENAME: script }, timeoutMs: searchTimeoutMs });
      if (kinds.has('proxy') || kinds.has('grpc')) questions.push({ kind: 'http', address, path: '/', hostHeader: 'localhost', timeoutMs: searchTimeoutMs });
      if (kinds.has('uwsgi')) questions.push({ kind: 'uwsgi', address, params: cgiParams('/', 'localhost'), timeoutMs: searchTimeoutMs });
      return questions;
    });
}

function reachable(address: Address): Address {
  if (address.kind === 'unix') return address;
  const host = address.host === '0.0.0.0' || address.host === '*' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return { ...address, host };
}

// Sockets of the system's own services (the bus, the journal, sshd's port) are no backend of anybody's.
function belongsToSystem(address: Address): boolean {
  if (address.kind === 'unix') return ['/run/systemd/', '/run/dbus/', '/run/udev/', '/run/user/', '/run/docker', '/run/containerd/'].some(folder => address.path.startsWith(folder));
  return address.kind === 'tcp' && (address.port === 22 || address.port === 25 || address.port === 53);
}

function expectedOf(kind: 'http' | 'tls' | 'fastcgi' | 'uwsgi'): string {
  // A uwsgi server answers with plain HTTP.
  return kind === 'uwsgi' ? 'http' : kind;
}

function saysPlainToTls(head: string | undefined): boolean {
  return head?.includes('plain HTTP request was sent to HTTPS port') === true || head?.includes('speaking plain HTTP to an SSL-enabled server port') === true;
}

function sendsName(route: Route): boolean {
  return route.settings['ssl_server_name']?.args[0] === 'on';
}

function serverNameOf(route: Route, peer: Peer): string {
  const name = route.settings['ssl_name']?.args[0] ?? '';
  return name === '' || name.startsWith('$') ? (peer.hostName ?? route.target.split('/')[2]?.split(':')[0] ?? 'localhost') : name;
}

/** The Host header that nginx sends there: what `proxy_set_header Host` says, else the target's name. */
function hostHeaderOf(route: Route, topology: Topology): string {
  const set = route.headers.find(header => header.args[0]?.toLowerCase() === 'host')?.args[1];
  const server = topology.servers.find(one => one.id === route.serverId);
  const name = server?.names.find(one => one !== '' && one !== '_' && !one.startsWith('~') && !one.includes('*'));
  if (set !== undefined && !set.includes('$')) return set;
  if (set !== undefined || route.pass !== 'proxy') return name ?? 'localhost';
  return route.target.split('/')[2] ?? 'localhost';
}

function cgiParams(uri: string, host: string): Record<string, string> {
  const [path = '/', query = ''] = uri.split('?', 2);
  return {
    REQUEST_METHOD: 'GET',
    REQUEST_URI: uri,
    DOCUMENT_URI: path,
    PATH_INFO: path,
    QUERY_STRING: query,
    SCRIPT_NAME: '',
    SERVER_PROTOCOL: 'HTTP/1.1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'badhop',
    SERVER_NAME: host,
    SERVER_PORT: '80',
    HTTP_HOST: host,
    REMOTE_ADDR: '127.0.0.1',
    CONTENT_LENGTH: '',
    CONTENT_TYPE: '',
  };
}

function distinct(requests: readonly ProbeRequest[]): ProbeRequest[] {
  return [...new Map(requests.map(request => [probeKey(request), request])).values()];
}
