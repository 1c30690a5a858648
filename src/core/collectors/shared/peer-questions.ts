import type { PhpFpmPool } from '../../model/facts/backend.ts';
import type { ErrorGroup } from '../../model/facts/logs.ts';
import type { Peer, Route, Topology } from '../../model/facts/topology.ts';
import { formatAddress, type Address } from '../../model/host.ts';
import type { ProbeRequest } from '../../model/probe.ts';

const noScript = '/badhop-asks-for-no-script.php';

/** What is asked of a peer at first: the protocol that nginx speaks to it. */
export function firstQuestions(peer: Peer, topology: Topology, pools: readonly PhpFpmPool[], groups: readonly ErrorGroup[]): ProbeRequest[] {
  const routeIds = new Set(peer.routeIds);
  const routes = topology.routes.filter(route => routeIds.has(route.id));
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
      const paths = pathsOf(route, peer, groups);
      if (!route.tls) return paths.map(path => ({ kind: 'http', address, path, hostHeader }) as const);
      const name = sendsName(route) ? { serverName: serverNameOf(route, peer) } : {};
      return paths.map(path => ({ kind: 'tls', address, ...name, ...versionOf(route), ...verificationOf(route, peer), path, hostHeader }) as const);
    }
    case 'fastcgi':
      return [fastcgiQuestion(peer, pools), ...failingPaths(peer, groups).map(uri => fastcgiPage(route, topology, peer, uri))];
    case 'uwsgi':
      return pathsOf(route, peer, groups).map(path => ({ kind: 'uwsgi', address, params: cgiParams(path, hostHeaderOf(route, topology)) }) as const);
    default:
      return [{ kind: 'connect', address }];
  }
}

function pathsOf(route: Route, peer: Peer, groups: readonly ErrorGroup[]): readonly string[] {
  return [...new Set([route.samplePath ?? '/', ...failingPaths(peer, groups)])];
}

/** php-fpm's own ping where the pool has one; else a script that cannot be there: a worker answers, and no code of the site runs. */
function fastcgiQuestion(peer: Peer, pools: readonly PhpFpmPool[]): ProbeRequest {
  const pool = pools.find(one => one.listen !== undefined && formatAddress(one.listen.value) === formatAddress(peer.address));
  const page = pool?.values['ping.path']?.value ?? pool?.values['pm.status_path']?.value;
  return fastcgiScript(peer.address, page ?? noScript);
}

/** One script by its own name; without one, a script that cannot be there. */
export function fastcgiScript(address: Address, script = noScript): Extract<ProbeRequest, { kind: 'fastcgi' }> {
  return { kind: 'fastcgi', address, params: { ...cgiParams(script, 'localhost'), SCRIPT_NAME: script, SCRIPT_FILENAME: script } };
}

/** A question for one page. */
export type PageQuestion = Extract<ProbeRequest, { kind: 'http' | 'tls' | 'fastcgi' | 'uwsgi' }>;

/** One page as nginx would ask for it; none for protocols that have no pages. */
export function pageQuestion(route: Route, topology: Topology, peer: Peer, uri: string): PageQuestion | undefined {
  const { address } = peer;
  const hostHeader = hostHeaderOf(route, topology);
  if (route.pass === 'fastcgi') return fastcgiPage(route, topology, peer, uri);
  if (route.pass === 'uwsgi') return { kind: 'uwsgi', address, params: cgiParams(uri, hostHeader) };
  if (route.pass !== 'proxy') return undefined;
  return route.tls
    ? { kind: 'tls', address, ...(sendsName(route) ? { serverName: serverNameOf(route, peer) } : {}), ...versionOf(route), path: uri, hostHeader }
    : { kind: 'http', address, path: uri, hostHeader };
}

/** The page itself, where its answer is what is in question. */
function fastcgiPage(route: Route, topology: Topology, peer: Peer, uri: string): Extract<ProbeRequest, { kind: 'fastcgi' }> {
  const root = route.settings['root']?.args[0] ?? '/var/www/html';
  const path = uri.split('?')[0] ?? '/';
  const script = path.endsWith('.php') ? path : '/index.php';
  return {
    kind: 'fastcgi',
    address: peer.address,
    params: { ...cgiParams(uri, hostHeaderOf(route, topology)), SCRIPT_NAME: script, SCRIPT_FILENAME: `${root}${script}`, DOCUMENT_ROOT: root },
  };
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

/** The versions that nginx offers there; both where nothing narrows them. */
function versionOf(route: Route): { readonly version?: 'TLSv1.2' | 'TLSv1.3' } {
  const offered = route.settings['ssl_protocols']?.args ?? [];
  if (offered.length === 0) return {};
  if (!offered.includes('TLSv1.3')) return offered.includes('TLSv1.2') ? { version: 'TLSv1.2' } : {};
  return offered.length === 1 ? { version: 'TLSv1.3' } : {};
}

/** What nginx judges the certificate by, where it does. A relative path is relative to nginx's own folder, which is not known here. */
function verificationOf(route: Route, peer: Peer): { readonly caFile?: string; readonly verifyName?: string } {
  const file = route.settings['ssl_trusted_certificate']?.args[0];
  if (route.settings['ssl_verify']?.args[0] !== 'on' || file === undefined || !file.startsWith('/')) return {};
  return { caFile: file, verifyName: serverNameOf(route, peer) };
}

/** Whether nginx names the host in its handshake. */
export function sendsName(route: Route): boolean {
  return route.settings['ssl_server_name']?.args[0] === 'on';
}

/** The name that nginx puts there, where it puts one. */
export function serverNameOf(route: Route, peer: Peer): string {
  const name = route.settings['ssl_name']?.args[0] ?? '';
  return name === '' || name.startsWith('$') ? (peer.hostName ?? route.target.split('/')[2]?.split(':')[0] ?? 'localhost') : name;
}

/** The Host header that nginx sends there: what `proxy_set_header Host` says, else the target's name. */
export function hostHeaderOf(route: Route, topology: Topology): string {
  const set = route.headers.find(header => header.args[0]?.toLowerCase() === 'host')?.args[1];
  const server = topology.servers.find(one => one.id === route.serverId);
  const name = server?.names.find(one => one !== '' && one !== '_' && !one.startsWith('~') && !one.includes('*'));
  if (set !== undefined && !set.includes('$')) return set;
  if (set !== undefined || route.pass !== 'proxy') return name ?? 'localhost';
  return route.target.split('/')[2] ?? 'localhost';
}

/** The variables of a GET, as nginx's own parameter files name them. */
export function cgiParams(uri: string, host: string): Record<string, string> {
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
