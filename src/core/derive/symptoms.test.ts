import { expect, test } from 'vitest';
import type { CollectContext } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { AccessGroup, ErrorGroup, NginxAccessLog, NginxErrorLog } from '../model/facts/logs.ts';
import type { NginxConfig } from '../model/facts/nginx.ts';
import type { Symptom } from '../model/facts/topology.ts';
import symptoms from './symptoms.ts';

const nowMs = 1_000_000;
const context = { sinceMs: 0, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true } satisfies CollectContext;
const buckets = (count: number) => ({ widthMs: 10_000, starts: [nowMs - 10_000], counts: [count] });

function errorGroup(group: Partial<ErrorGroup>): ErrorGroup {
  const count = group.count ?? 1;
  return {
    class: 'connect-refused',
    level: 'error',
    peer: '127.0.0.1:8080',
    subrequest: false,
    count,
    firstMs: nowMs - 9000,
    lastMs: nowMs - 1000,
    buckets: buckets(count),
    samples: [],
    ...group,
  };
}

function accessGroup(group: Partial<AccessGroup>): AccessGroup {
  const count = group.count ?? 1;
  return {
    path: '/a.log',
    status: 502,
    tries: 1,
    madeBy: 'unknown',
    count,
    firstMs: nowMs - 9000,
    lastMs: nowMs - 1000,
    buckets: buckets(count),
    samples: [],
    ...group,
  };
}

function derived(errors: readonly ErrorGroup[], failing: readonly AccessGroup[], all = buckets(100), configs: readonly NginxConfig[] = []): readonly Symptom[] {
  const access: NginxAccessLog = {
    coverage: [],
    formats: [],
    total: 100,
    byStatus: {},
    failing,
    byTemplate: [],
    byPeer: [],
    byMethod: [],
    byServer: [],
    buckets: { all, failed: buckets(50) },
    unread: [],
  };
  const log: NginxErrorLog = { coverage: [], groups: errors, unread: [] };
  const fact = symptoms.derive(
    {
      'nginx-error-log': known(log),
      'nginx-access-log': known(access),
      'nginx-layout': absent(''),
      topology: absent(''),
      'probe-results': absent(''),
      'nginx-instances': absent(''),
      'nginx-config': known(configs),
      'upgrade-answers': absent(''),
    },
    context,
  );
  return fact.state === 'known' ? fact.value : [];
}

test('a request for which the configuration yields no address is no answer of the backend', () => {
  const noHost = errorGroup({ class: 'config-error', messageId: 'url-parse', method: 'GET', count: 9 });
  const { peer: _peer, ...group } = noHost;
  expect(derived([group], [accessGroup({ status: 500, count: 9 })]).map(symptom => [symptom.class, symptom.accessGroups.length])).toEqual([
    ['config-error', 1],
  ]);
  const { method: _method, ...atStart } = group;
  expect(derived([atStart], [])).toEqual([]);
});

const mirrored = (name: string) =>
  ({
    directives: [{ name, args: [{ value: '/copy' }], path: '/etc/nginx/nginx.conf', start: 1, line: 1 }],
  }) as unknown as NginxConfig;

test('copies of requests take no request of the clients for their own', () => {
  const samples = [{ subrequest: '/copy?x=1' }] as unknown as ErrorGroup['samples'];
  const copied = errorGroup({ subrequest: true, samples, count: 40 });
  const own = errorGroup({ class: 'read-timeout', peer: '127.0.0.1:9090', count: 10 });
  const all = derived([copied, own], [accessGroup({ status: 502, count: 3 })], buckets(100), [mirrored('mirror')]);
  expect(all.map(symptom => [symptom.id, symptom.copies])).toEqual([
    ['read-timeout@127.0.0.1:9090', undefined],
    ['connect-refused@127.0.0.1:8080-copies', true],
    ['unattributed-5xx-502-unknown', undefined],
  ]);
});

test('an update of a cache in the background is a copy where it has the path of the request', () => {
  const config = { directives: [{ name: 'proxy_cache_background_update', args: [{ value: 'on' }], path: '/etc/nginx/nginx.conf', start: 1, line: 1 }] };
  const found = (subrequest: string, configs: readonly unknown[]) =>
    derived(
      [errorGroup({ subrequest: true, samples: [{ subrequest, uri: '/news?page=2' }] as unknown as ErrorGroup['samples'] })],
      [],
      buckets(100),
      configs as readonly NginxConfig[],
    )[0]?.copies;
  expect(found('/news', [config])).toBe(true);
  expect(found('/part', [config])).toBeUndefined();
  expect(found('/news', [mirrored('auth_request')])).toBeUndefined();
});

test('what auth_request asks for is no copy', () => {
  const samples = [{ subrequest: '/copy' }] as unknown as ErrorGroup['samples'];
  const [only] = derived([errorGroup({ subrequest: true, samples })], [], buckets(100), [mirrored('auth_request'), mirrored('mirror')]);
  expect(only?.copies).toBeUndefined();
});

const counts = (all: readonly Symptom[]) => all.map(symptom => `${symptom.class} ${symptom.count}`);

test('requests of one group that failed in two ways are counted once', () => {
  const all = derived([errorGroup({ class: 'reset', count: 26 }), errorGroup({ count: 25 })], [accessGroup({ count: 51 })]);
  expect(counts(all)).toEqual(['reset 26', 'connect-refused 25']);
  expect(all.every(symptom => symptom.accessGroups.length === 1)).toBe(true);
});

test('requests that no record of the error log accounts for are a symptom of their own', () => {
  expect(counts(derived([errorGroup({ count: 4 })], [accessGroup({ count: 30 })]))).toEqual(['connect-refused 4', 'unattributed-5xx 26']);
});

test('an answer of the backend itself is not joined to what nginx logged', () => {
  expect(counts(derived([errorGroup({ count: 4 })], [accessGroup({ count: 4, madeBy: 'backend', peer: '127.0.0.1:8080' })]))).toEqual([
    'connect-refused 4',
    'backend-answered-5xx 4',
  ]);
});

test('requests over a limit are no failure', () => {
  expect(counts(derived([errorGroup({ class: 'rate-limited', count: 20 })], [accessGroup({ status: 503, count: 20 })]))).toEqual([]);
});

test('a 504 is not accounted for by a refused connection', () => {
  expect(counts(derived([errorGroup({ count: 9 })], [accessGroup({ status: 504, count: 9 })]))).toEqual(['connect-refused 9', 'unattributed-5xx 9']);
});

test('requests that succeed after the last failure end a symptom, and a pause between bursts does not', () => {
  const steady = errorGroup({
    count: 20,
    firstMs: nowMs - 60_000,
    lastMs: nowMs - 25_000,
    buckets: { widthMs: 10_000, starts: [nowMs - 60_000, nowMs - 50_000, nowMs - 40_000, nowMs - 30_000], counts: [5, 5, 5, 5] },
  });
  const bursts = errorGroup({
    class: 'connect-queue-full',
    count: 20,
    firstMs: nowMs - 180_000,
    lastMs: nowMs - 25_000,
    buckets: { widthMs: 10_000, starts: [nowMs - 180_000, nowMs - 130_000, nowMs - 80_000, nowMs - 30_000], counts: [5, 5, 5, 5] },
  });
  const ongoing = derived([steady, bursts], [], {
    widthMs: 10_000,
    starts: Array.from({ length: 20 }, (_, at) => nowMs - 200_000 + at * 10_000),
    counts: Array.from({ length: 20 }, () => 20),
  });
  expect(ongoing.map(symptom => [symptom.class, symptom.ongoing])).toEqual([
    ['connect-refused', false],
    ['connect-queue-full', true],
  ]);
});

test('requests that work for seconds before they are cut off go on until one of them would have failed by now', () => {
  const second = (back: number) => nowMs - back * 1000;
  const clump = errorGroup({
    class: 'premature-close',
    count: 7,
    firstMs: second(4),
    lastMs: second(3),
    buckets: { widthMs: 1000, starts: [second(4), second(3)], counts: [4, 3] },
  });
  // Four a second, one in four of them a slow one.
  const all = { widthMs: 1000, starts: [8, 7, 6, 5, 4, 3, 2, 1].map(second), counts: [3, 3, 3, 3, 5, 3, 3, 3] };
  const derivedWith = (median: number) => {
    const times = { count: 7, min: median, median, p95: median, max: median };
    return derived([clump], [accessGroup({ status: 502, count: 7, requestTime: times })], all)[0]?.ongoing;
  };
  expect(derivedWith(0.01)).toBe(false);
  expect(derivedWith(2.5)).toBe(true);
  expect(derivedWith(3.5)).toBe(true);
});

test('a probe that is less patient than nginx makes no symptom beside requests that succeed', () => {
  const address = { kind: 'tcp', host: '127.0.0.1', port: 8080 } as const;
  const origin = { path: '/etc/nginx/nginx.conf', line: 1 };
  const peer = {
    id: '127.0.0.1:8080',
    address,
    groupIds: [],
    routeIds: ['r'],
    written: '127.0.0.1:8080',
    origin,
    flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
    local: true,
    listeners: [],
  };
  const route = {
    id: 'r',
    serverId: 's',
    location: 'location /',
    pass: 'proxy',
    target: 'http://127.0.0.1:8080',
    tls: false,
    origin,
    variables: [],
    settings: {},
    headers: [],
  } as const;
  const topology = known({ servers: [], groups: [], peers: [peer], routes: [route] });
  const silent = { request: { kind: 'http', address, path: '/', hostHeader: 'a' }, outcome: { state: 'no-answer' }, connectMs: 1, ms: 3000 } as const;
  const classes = (errors: readonly ErrorGroup[], lastGoodMs: number | undefined) => {
    const access: NginxAccessLog = {
      coverage: [],
      formats: [],
      total: 4,
      byStatus: {},
      failing: [],
      byTemplate: [],
      byPeer: [],
      byMethod: [],
      byServer: [],
      buckets: { all: buckets(4), failed: buckets(0) },
      unread: [],
      ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
    };
    const fact = symptoms.derive(
      {
        'nginx-error-log': known({ coverage: [], groups: errors, unread: [] }),
        'nginx-access-log': known(access),
        'nginx-layout': absent(''),
        topology,
        'probe-results': known([silent]),
        'nginx-instances': absent(''),
        'nginx-config': absent(''),
        'upgrade-answers': absent(''),
      },
      context,
    );
    return fact.state === 'known' ? fact.value.map(symptom => symptom.class) : [];
  };
  expect(classes([], nowMs - 5000)).toEqual([]);
  expect(classes([], undefined)).toEqual(['probe-failed']);
  expect(classes([errorGroup({ class: 'read-timeout' })], nowMs - 5000)).toEqual(['read-timeout', 'probe-failed']);
});
