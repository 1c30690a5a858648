import { describe, expect, it } from 'vitest';
import { TEST_CONTEXT } from '../collectors/testing.ts';
import { absent, known } from '../model/fact.ts';
import type { BackendCommand, PhpFpmPool, Service, Sourced } from '../model/facts/backend.ts';
import type { Setting } from '../model/facts/nginx.ts';
import type { OtherProxy, RuntimeLimits, TimeoutChain } from '../model/facts/timeouts.ts';
import type { Peer, Route, ServerBlock, Topology, UpstreamGroup } from '../model/facts/topology.ts';
import timeoutChains from './timeout-chains.ts';

const site = '/etc/nginx/sites-enabled/shop.conf';
const set = (directive: string, seconds: number, line = 9): Setting => ({
  directive,
  args: [`${seconds}s`],
  ms: seconds * 1000,
  origin: { kind: 'file', path: site, line },
});
const byDefault = (directive: string, seconds: number): Setting => ({ ...set(directive, seconds), origin: { kind: 'default', version: '1.22.1' } });

function routeOf(id: string, serverId: string, read: Setting, change: Partial<Route> = {}): Route {
  return {
    id,
    serverId,
    location: 'location /',
    samplePath: '/',
    pass: 'proxy',
    target: 'http://127.0.0.1:8017',
    tls: false,
    origin: { path: site, line: 4 },
    groupId: `g-${id}`,
    variables: [],
    settings: { read_timeout: read, connect_timeout: byDefault('proxy_connect_timeout', 60) },
    headers: [],
    ...change,
  };
}

function peerOf(port: number, routeIds: readonly string[], serviceId?: string): Peer {
  return {
    id: `127.0.0.1:${port}`,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    groupIds: routeIds.map(id => `g-${id}`),
    routeIds,
    written: `127.0.0.1:${port}`,
    origin: { path: site, line: 4 },
    flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
    local: true,
    listeners: [],
    ...(serviceId === undefined ? {} : { serviceId }),
  };
}

function serverOf(id: string, port: number, names: readonly string[] = ['_']): ServerBlock {
  return {
    id,
    instanceId: 'nginx',
    names,
    listens: [{ address: { kind: 'tcp', host: '0.0.0.0', port }, tls: false, defaultServer: false, origin: { kind: 'file', path: site, line: 2 } }],
    origin: { path: site, line: 1 },
    accessLogs: [],
    errorLogs: [],
  };
}

function groupOf(route: Route, peers: readonly Peer[]): UpstreamGroup {
  const origin = { path: site, line: 1 };
  return { id: route.groupId ?? '', name: 'shop', explicit: true, origin, peerIds: peers.map(peer => peer.id), zone: false, settings: {} };
}

function serviceOf(kind: Service['kind'], change: Partial<Service> = {}): Service {
  return {
    id: `unit:${kind}`,
    kind,
    name: `${kind} (shop.service)`,
    masterPid: 100,
    workerPids: [101],
    listening: [],
    configuredListen: [],
    manager: 'prefork',
    configFiles: [],
    logFiles: [],
    ...change,
  };
}

const limit = (value: number, line: number): Sourced<number> => ({ value, source: `file:/etc/shop.conf:${line}`, text: `limit = ${value / 1000}` });

interface Given {
  readonly topology: Topology;
  readonly services?: readonly Service[];
  readonly pools?: readonly PhpFpmPool[];
  readonly values?: Readonly<Record<string, Sourced<string>>>;
  readonly others?: readonly OtherProxy[];
  readonly limits?: Partial<RuntimeLimits>;
}

function chains({ topology, services = [], pools = [], values = {}, others = [], limits = {} }: Given): readonly TimeoutChain[] {
  const command: BackendCommand = { of: { kind: 'process', pid: 100 }, service: 'uwsgi', role: 'any', listen: [], values, configFiles: [] };
  const fact = timeoutChains.derive(
    {
      topology: known(topology),
      services: known(services),
      'php-fpm-pools': known({ pools, unread: [], globals: {} }),
      'backend-configs': known({ commands: [command], files: [], unread: [] }),
      'other-proxies': known(others),
      'runtime-limits': known({ php: {}, databases: [], ...limits }),
      'host-identity': absent('not asked'),
    },
    TEST_CONTEXT,
  );
  return fact.state === 'known' ? fact.value : [];
}

/** One server, one location, one peer. */
function single(read: Setting, service?: Service, change: Partial<Route> = {}): Topology {
  const route = routeOf('r', 's', read, change);
  const peer = peerOf(8017, ['r'], service?.id);
  return { servers: [serverOf('s', 80)], routes: [route], groups: [groupOf(route, [peer])], peers: [peer] };
}

const pairs = (found: readonly TimeoutChain[]): string[] =>
  found.flatMap(chain => chain.inversions.map(({ outer, inner }) => `${outer.setting} ${outer.ms / 1000} < ${inner.setting} ${inner.ms / 1000}`));

describe('backends', () => {
  it('stand behind nginx with their own limit and its place', () => {
    const service = serviceOf('uwsgi', { requestTimeoutMs: limit(90_000, 3) });
    const [chain] = chains({ topology: single(set('proxy_read_timeout', 20), service), services: [service] });
    expect(chain?.links.map(({ part, setting, ms, source }) => [part, setting, ms, source])).toEqual([
      ['nginx', 'proxy_read_timeout', 20_000, `config:${site}:9`],
      ['nginx', 'proxy_connect_timeout', 60_000, 'default of nginx 1.22.1'],
      ['backend', 'harakiri', 90_000, 'file:/etc/shop.conf:3'],
    ]);
    expect(pairs(chain === undefined ? [] : [chain])).toEqual(['proxy_read_timeout 20 < harakiri 90']);
  });

  it.each([0, 15_000, 20_000])('are in order with a limit of %s ms behind 20 s', ms => {
    const service = serviceOf('uwsgi', { requestTimeoutMs: limit(ms, 3) });
    expect(pairs(chains({ topology: single(set('proxy_read_timeout', 20), service), services: [service] }))).toEqual([]);
  });

  it('of gunicorn with threads are not judged, because its limit is for a worker and not for a request', () => {
    const service = serviceOf('gunicorn', { requestTimeoutMs: limit(90_000, 3), manager: 'threads' });
    expect(pairs(chains({ topology: single(set('proxy_read_timeout', 20), service), services: [service] }))).toEqual([]);
  });

  it('of uWSGI have a router of their own, which may give up before the worker', () => {
    const service = serviceOf('uwsgi', { requestTimeoutMs: limit(120_000, 3) });
    const values = { http: { value: ':8017', source: 'file:/a:1' }, 'http-timeout': { value: '30', source: 'file:/a:2' } };
    expect(pairs(chains({ topology: single(set('proxy_read_timeout', 60), service), services: [service], values }))).toEqual([
      'http-timeout 30 < harakiri 120',
    ]);
  });
});

describe('php', () => {
  const service = serviceOf('php-fpm', { id: 'php-fpm:shop', name: 'php-fpm pool shop', requestTimeoutMs: { value: 0, source: 'default of php-fpm' } });
  const pool = (values: Readonly<Record<string, string>>): PhpFpmPool => ({
    name: 'shop',
    path: '/etc/php/8.2/fpm/pool.d/shop.conf',
    line: 1,
    mainConfig: '/etc/php/8.2/fpm/php-fpm.conf',
    masterPid: 100,
    values: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value, source: 'file:/pool:5', text: `${key} = ${value}` }])),
  });
  const ini = (seconds: string, source = 'file:/etc/php/8.2/fpm/php.ini:409'): Partial<RuntimeLimits> => ({
    php: { '/etc/php/8.2/fpm/php-fpm.conf': { max_execution_time: { value: seconds, source } } },
  });
  const run = (limits: Partial<RuntimeLimits>, values: Readonly<Record<string, string>> = {}, change: Partial<Route> = {}): readonly TimeoutChain[] =>
    chains({
      topology: single(byDefault('fastcgi_read_timeout', 60), service, { pass: 'fastcgi', ...change }),
      services: [service],
      pools: [pool(values)],
      limits,
    });

  it('may be told to compute for longer than nginx waits', () => {
    expect(pairs(run(ini('300')))).toEqual(['fastcgi_read_timeout 60 < max_execution_time 300']);
  });

  it.each(['30', '0', '-1', '${LIMIT}'])('is quiet with max_execution_time = %s', value => {
    expect(pairs(run(ini(value)))).toEqual([]);
  });

  it('takes the pool before php.ini, and an administrator before both', () => {
    expect(pairs(run(ini('300'), { 'php_value[max_execution_time]': '20' }))).toEqual([]);
    const headers = [
      { directive: 'fastcgi_param', args: ['PHP_VALUE', 'memory_limit=1G \n max_execution_time=600'], origin: { kind: 'file', path: site, line: 11 } } as const,
    ];
    const [chain] = run(ini('30'), {}, { headers });
    expect(chain?.inversions[0]?.inner).toMatchObject({ ms: 600_000, source: `config:${site}:11` });
    expect(pairs(run(ini('30'), { 'php_admin_value[max_execution_time]': '40' }, { headers }))).toEqual([]);
  });
});

describe('databases', () => {
  it('stand last, and what is off is left out', () => {
    const service = serviceOf('uwsgi', { requestTimeoutMs: limit(30_000, 3) });
    const limits = { databases: [{ name: 'PostgreSQL', pid: 7, limits: { statement_timeout: limit(120_000, 694), lock_timeout: limit(0, 695) } }] };
    const [chain] = chains({ topology: single(set('proxy_read_timeout', 60), service), services: [service], limits });
    expect(chain?.links.at(-1)).toMatchObject({ part: 'database', who: 'PostgreSQL of this host', setting: 'statement_timeout', ms: 120_000 });
    expect(chain?.inversions).toEqual([]);
  });
});

describe('another nginx in front', () => {
  /** `/` of port 80 goes to port 8080, and from there to 8017. */
  function two(front: Setting, inner: Setting, change: { readonly front?: Partial<Route>; readonly names?: readonly string[] } = {}): Topology {
    const outerRoute = routeOf('front', 'edge', front, { target: 'http://127.0.0.1:8080', ...change.front });
    const innerRoute = routeOf('inner', 'app', inner);
    const proxy = peerOf(8080, ['front']);
    const peer = peerOf(8017, ['inner']);
    return {
      servers: [serverOf('edge', 80), serverOf('app', 8080, change.names)],
      routes: [outerRoute, innerRoute],
      groups: [groupOf(outerRoute, [proxy]), groupOf(innerRoute, [peer])],
      peers: [proxy, peer],
    };
  }

  it('gives up first', () => {
    const found = chains({ topology: two(set('proxy_read_timeout', 30, 5), set('proxy_read_timeout', 90, 21)) });
    expect(pairs(found)).toEqual(['proxy_read_timeout 30 < proxy_read_timeout 90']);
    expect(found.flatMap(chain => chain.inversions)[0]).toMatchObject({
      outer: { part: 'front', source: `config:${site}:5`, front: { routeId: 'front', peerId: '127.0.0.1:8080' } },
      inner: { part: 'nginx', source: `config:${site}:21` },
    });
  });

  it('may give up before 60 seconds that nobody wrote', () => {
    expect(pairs(chains({ topology: two(set('proxy_read_timeout', 30), byDefault('proxy_read_timeout', 60)) }))).toEqual([]);
  });

  it('waits longer than one try, and not as long as all of them', () => {
    const topology = two(set('proxy_read_timeout', 60), set('proxy_read_timeout', 40));
    const [, inner] = topology.routes;
    const next: Setting = { directive: 'proxy_next_upstream', args: ['error', 'timeout'], origin: { kind: 'default', version: '1.22.1' } };
    const second = peerOf(8018, ['inner']);
    const withTries = (change: Readonly<Record<string, Setting>>): Topology => ({
      ...topology,
      routes: topology.routes.map(route => (route === inner ? { ...route, settings: { ...route.settings, next_upstream: next, ...change } } : route)),
      groups: topology.groups.map(group => (group.id === 'g-inner' ? { ...group, peerIds: [...group.peerIds, second.id] } : group)),
      peers: [...topology.peers, second],
    });
    expect(pairs(chains({ topology: withTries({}) }))).toEqual([
      'proxy_read_timeout 60 < proxy_next_upstream 80',
      'proxy_read_timeout 60 < proxy_next_upstream 80',
    ]);
    const total = { ...set('proxy_next_upstream_timeout', 10), args: ['10s'] };
    expect(pairs(chains({ topology: withTries({ next_upstream_timeout: total }) }))).toEqual([]);
    const once = { ...set('proxy_next_upstream_tries', 1), args: ['1'] };
    expect(pairs(chains({ topology: withTries({ next_upstream_tries: once }) }))).toEqual([]);
  });

  it('is one by the Host header where several servers listen there', () => {
    const topology = two(set('proxy_read_timeout', 30), set('proxy_read_timeout', 90), { names: ['other.example'] });
    const named = serverOf('named', 8080, ['shop.example']);
    const headers = [{ directive: 'proxy_set_header', args: ['Host', 'shop.example'], origin: { kind: 'file', path: site, line: 3 } } as const];
    const routes = topology.routes.map(route => (route.id === 'front' ? { ...route, headers } : route));
    expect(pairs(chains({ topology: { ...topology, routes, servers: [...topology.servers, named] } }))).toEqual([]);
  });
});

describe('HAProxy and Apache in front', () => {
  const haproxy = (host: string, wait: number): OtherProxy => ({
    kind: 'haproxy',
    pid: 5,
    unread: [],
    passes: [
      {
        name: 'HAProxy backend web',
        targets: [{ address: { kind: 'tcp', host, port: 80 } }],
        waitMs: { value: wait, source: 'file:/etc/haproxy/haproxy.cfg:12', text: `timeout server ${wait}` },
      },
    ],
  });
  const run = (proxy: OtherProxy): string[] => pairs(chains({ topology: single(set('proxy_read_timeout', 90)), others: [proxy] }));

  it('give up first', () => {
    expect(run(haproxy('127.0.0.1', 50_000))).toEqual(['timeout server 50 < proxy_read_timeout 90']);
  });

  it('do not where they wait for ever, or longer', () => {
    expect([...run(haproxy('127.0.0.1', 0)), ...run(haproxy('127.0.0.1', 95_000))]).toEqual([]);
  });

  it('are no matter of this nginx where they pass on to another host with the same port', () => {
    expect(run(haproxy('192.0.2.9', 50_000))).toEqual([]);
  });
});
