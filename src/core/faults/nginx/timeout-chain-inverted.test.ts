import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { AccessGroup } from '../../model/facts/logs.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { TimeoutChain, TimeoutLink } from '../../model/facts/timeouts.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { address, detections, eventOf, hopOf, nowMs, probeOf, routeOf, serviceOf, symptomOf } from '../backend/testing.ts';
import inverted from './timeout-chain-inverted.ts';

const fault = inverted as unknown as Fault;
const site = '/etc/nginx/sites-enabled/orders';

function nginxLink(seconds: number, change: Partial<TimeoutLink> = {}): TimeoutLink {
  const text = `proxy_read_timeout ${seconds}s;`;
  return {
    part: 'nginx',
    who: 'nginx',
    setting: 'proxy_read_timeout',
    ms: seconds * 1000,
    counts: 'silence',
    source: `config:${site}:7`,
    text,
    isSet: true,
    ...change,
  };
}

function backendLink(seconds: number, change: Partial<TimeoutLink> = {}): TimeoutLink {
  return {
    part: 'backend',
    who: 'php-fpm pool orders',
    setting: 'request_terminate_timeout',
    ms: seconds * 1000,
    counts: 'request',
    source: 'file:/etc/php/8.2/fpm/pool.d/orders.conf:11',
    text: `request_terminate_timeout = ${seconds}s`,
    isSet: true,
    ...change,
  };
}

function chainOf(outer: TimeoutLink, inner: TimeoutLink, change: Partial<TimeoutChain> = {}): TimeoutChain {
  return { routeId: 'r', peerId: address, links: [outer, inner], inversions: [{ outer, inner }], ...change };
}

const php = serviceOf({ kind: 'php-fpm', name: 'php-fpm pool orders' });
const late = (change: Partial<Symptom> = {}): Symptom => symptomOf('read-timeout', { count: 5, ...change });
const answered = probeOf({ state: 'answered', speaks: 'fastcgi', answer: { status: 200, complete: true } });
const slow = probeOf({ state: 'answered', speaks: 'fastcgi', answer: { status: 200, complete: true } }, 3000);

const noTopology = { servers: [], routes: [], groups: [], peers: [] };

function run(chains: readonly TimeoutChain[], hop: Partial<Hop> = {}, more: Readonly<Record<string, unknown>> = {}, others: readonly Hop[] = []) {
  return detections(fault, {
    hops: [hopOf({ service: php, own: answered, probes: [answered], ...hop }), ...others],
    'timeout-chains': chains,
    topology: noTopology,
    ...more,
  });
}

describe('timeout-chain-inverted fires', () => {
  it('latent where the backend lets requests run for longer than nginx waits, with both places', () => {
    expect(run([chainOf(nginxLink(60), backendLink(90))])).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'latent',
        data: { outer: 60, inner: 90, rest: 30, place: `${site}:7`, limitPlace: '/etc/php/8.2/fpm/pool.d/orders.conf:11' },
        evidence: [{ source: `config:${site}:7` }, { source: 'file:/etc/php/8.2/fpm/pool.d/orders.conf:11' }],
        symptoms: [],
      },
    ]);
  });

  it('active where nginx gave up on requests that the backend would have been let to end', () => {
    const symptoms = [late()];
    expect(run([chainOf(nginxLink(1), backendLink(20))], { symptoms })).toMatchObject([
      { confidence: 'likely', status: 'active', messageId: 'bites', symptoms: [symptoms[0]?.id] },
    ]);
    expect(run([chainOf(nginxLink(1), backendLink(20))], { symptoms, probes: [answered, slow] })).toMatchObject([
      { confidence: 'confirmed', status: 'active' },
    ]);
    expect(run([chainOf(nginxLink(1), backendLink(20))], { symptoms: [late({ ongoing: false })] })).toMatchObject([{ status: 'past' }]);
  });

  it('likely where a page may compute for longer than nginx waits', () => {
    const cpu = backendLink(300, { setting: 'max_execution_time', counts: 'cpu' });
    expect(run([chainOf(nginxLink(60), cpu)])).toMatchObject([{ confidence: 'likely', status: 'latent', messageId: 'computes' }]);
  });
});

describe('the place that waits longest counts', () => {
  const quick = chainOf(nginxLink(5), backendLink(90));
  it('and where it is in order, a quicker one has its own reason', () => {
    const patient = chainOf(nginxLink(120), backendLink(90), { routeId: 'r2', inversions: [] });
    expect(run([quick, patient])).toEqual([]);
  });

  it('as long as no request fails in the quick one', () => {
    const routes = [routeOf({ location: 'location /quick', samplePath: '/quick' }), routeOf({ id: 'r2' })];
    const patient = chainOf(nginxLink(120), backendLink(90), { routeId: 'r2', inversions: [] });
    const [group] = late().errorGroups;
    const failing = late({ errorGroups: group === undefined ? [] : [{ ...group, samples: group.samples.map(sample => ({ ...sample, uri: '/quick/1' })) }] });
    expect(run([quick, patient], { routes, symptoms: [failing] })).toMatchObject([{ status: 'active', data: { outer: 5 } }]);
    expect(run([quick, patient], { routes, symptoms: [late()] })).toEqual([]);
  });
});

describe('timeout-chain-inverted stays latent beside 504s', () => {
  const chain = chainOf(nginxLink(1), backendLink(20));
  it.each([
    ['of gunicorn, whose limit is there for workers that hang', { service: serviceOf() }],
    ['of a backend that does not answer', { own: probeOf({ state: 'no-answer' }) }],
    ['of a backend that ended requests itself', { events: [eventOf('request-killed', 10_000)] }],
    ['of a backend that cannot reach its database', { events: [eventOf('dependency-error', 10_000)] }],
  ])('%s', (_name, hop: Partial<Hop>) => {
    expect(run([chain], { symptoms: [late()], ...hop })).toMatchObject([{ status: 'latent' }]);
  });

  it('that came after less than the file says', () => {
    const requestTime = { count: 5, min: 0.2, median: 0.2, p95: 0.2, max: 0.2 };
    const accessGroups = [{ path: '/a', status: 504, tries: 1, madeBy: 'nginx', count: 5, requestTime, samples: [] } as unknown as AccessGroup];
    expect(run([chain], { symptoms: [late({ accessGroups })] })).toMatchObject([{ status: 'latent' }]);
  });

  it('where the limit is a default', () => {
    expect(run([chainOf(nginxLink(1), backendLink(20, { isSet: false }))], { symptoms: [late()] })).toMatchObject([{ status: 'latent' }]);
  });
});

describe('another nginx in front', () => {
  const front = nginxLink(2, {
    part: 'front',
    who: 'nginx in front (location /)',
    source: `config:${site}:3`,
    front: { routeId: 'edge', peerId: '127.0.0.1:8080' },
  });
  const chain = chainOf(front, nginxLink(30));
  const edge = (symptoms: readonly Symptom[]): Hop => hopOf({ peer: { ...hopOf().peer, id: '127.0.0.1:8080' }, routes: [routeOf({ id: 'edge' })], symptoms });

  it('gave up on the one behind it, which had no failure of its own', () => {
    expect(run([chain], {}, {}, [edge([late({ upstream: '127.0.0.1:8080' })])])).toMatchObject([
      { status: 'active', confidence: 'likely', messageId: 'clients', subject: { id: '127.0.0.1:8080', peers: ['127.0.0.1:8080', address] } },
    ]);
  });

  it('gave up as well on one that has failures of its own, which is their matter', () => {
    expect(run([chain], { symptoms: [late()] }, {}, [edge([late({ upstream: '127.0.0.1:8080' })])])).toMatchObject([{ status: 'latent' }]);
  });
});

describe('HAProxy in front', () => {
  const front = nginxLink(2, { part: 'front', who: 'HAProxy backend web', setting: 'timeout server', source: 'file:/etc/haproxy/haproxy.cfg:20' });
  const chain = chainOf(front, nginxLink(30));
  const origin = { kind: 'file', path: site, line: 2 } as const;
  const server = {
    id: 's',
    instanceId: 'nginx',
    names: ['_'],
    listens: [],
    origin,
    accessLogs: [{ path: '/var/log/a', format: 'timed', origin }],
    errorLogs: [],
  };
  const topology = { ...noTopology, servers: [server], routes: [routeOf()] };
  const left = (min: number, max: number, change: Partial<AccessGroup> = {}): unknown => ({
    failing: [
      {
        path: '/var/log/a',
        status: 499,
        tries: 1,
        madeBy: 'client',
        count: 6,
        firstMs: nowMs - 20_000,
        lastMs: nowMs - 1000,
        requestTime: { count: 6, min, median: min, p95: max, max },
        samples: [{ text: 'a line', timeMs: nowMs, source: { path: '/var/log/a', offset: 0, line: 4 } }],
        ...change,
      },
    ],
  });
  const with499 = (access: unknown, hop: Partial<Hop> = {}): unknown[] => run([chain], hop, { topology, 'nginx-access-log': access });

  it('left every request after the time that it waits', () => {
    expect(with499(left(2, 2.1))).toMatchObject([{ status: 'active', confidence: 'likely', messageId: 'clients', data: { count: 6 } }]);
    expect(with499(left(2, 2.1, { lastMs: nowMs - 300_000, firstMs: nowMs - 320_000 }))).toMatchObject([{ status: 'past' }]);
  });

  it.each([
    ['visitors left whenever they liked', left(0.1, 9)],
    ['the log has no times', left(2, 2, { requestTime: undefined } as unknown as Partial<AccessGroup>)],
    ['two requests are no proof', left(2, 2, { count: 2 })],
    ['another server has them', left(2, 2, { path: '/var/log/b' })],
    ['another backend has them', left(2, 2, { peer: '127.0.0.1:9' })],
  ])('is advice where %s', (_name, access) => {
    expect(with499(access)).toMatchObject([{ status: 'latent', messageId: 'between' }]);
  });
});

describe('timeout-chain-inverted is silent', () => {
  it('where every link is in order', () => {
    expect(run([chainOf(nginxLink(60), backendLink(30), { inversions: [] })], { symptoms: [late()] })).toEqual([]);
  });

  it('of a server that takes no requests', () => {
    const { peer } = hopOf();
    expect(run([chainOf(nginxLink(60), backendLink(90))], { peer: { ...peer, flags: { ...peer.flags, down: true } } })).toEqual([]);
  });
});
