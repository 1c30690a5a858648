import { describe, expect, it } from 'vitest';
import { known } from '../../model/fact.ts';
import type { Fault } from '../../model/fault.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeAnswer, ProbeResult } from '../../model/probe.ts';
import { address, context, detections, eventOf, hopOf, nowMs, processOf, routeOf, symptomOf } from '../backend/testing.ts';
import keepaliveRace from './keepalive-race.ts';

const fault = keepaliveRace as unknown as Fault;
const setting = (directive: string, ...args: string[]): Setting => ({ directive, args, origin: { kind: 'file', path: '/etc/nginx/conf.d/a.conf', line: 2 } });

const route = (change: object = {}) =>
  routeOf({
    groupId: 'g',
    settings: { http_version: setting('proxy_http_version', '1.1'), next_upstream: setting('proxy_next_upstream', 'error', 'timeout') },
    headers: [setting('proxy_set_header', 'Connection', '')],
    ...change,
  });
const group = { id: 'g', name: 'app', explicit: true, origin: { path: '/etc/nginx/conf.d/a.conf', line: 1 }, peerIds: [address], zone: false, settings: {} };
const topology = (change: object = {}, ofRoute: object = {}) => ({
  servers: [{ id: 's', instanceId: 'nginx' }],
  routes: [route(ofRoute)],
  groups: [{ ...group, keepalive: setting('keepalive', '8'), ...change }],
  peers: [],
});

function measured(ended: NonNullable<ProbeAnswer['idle']>['ended'], ms: number): ProbeResult[] {
  return [
    {
      request: { kind: 'idle', address: { kind: 'tcp', host: '127.0.0.1', port: 8017 }, path: '/', hostHeader: 'a', idleMs: 8000 },
      outcome: { state: 'answered', speaks: 'http', answer: { status: 200, complete: true, idle: { ended, ms } } },
      connectMs: 0,
      ms,
    },
  ];
}

function posts(method = 'POST', change: Partial<Symptom> = {}): Symptom {
  const symptom = symptomOf('reset', change);
  return { ...symptom, errorGroups: symptom.errorGroups.map(one => ({ ...one, method })) };
}

const access = (failed: number, total: number) => ({
  total,
  byTemplate: [{ key: '/', total, failed }],
  buckets: { all: { widthMs: 10_000, starts: [nowMs - 190_000, nowMs - 10_000], counts: [] } },
});
const instances = (version: string) => [{ id: 'nginx', flavour: 'nginx', version }];

const facts = {
  hops: [hopOf({ symptoms: [posts()] })],
  topology: topology(),
  'idle-connections': measured('closed', 2000),
  'nginx-instances': instances('1.22.1'),
  'nginx-access-log': access(5, 100),
};

function found(change: object = {}) {
  return detections(fault, { ...facts, ...change });
}

describe('keepalive-race', () => {
  it('fires as confirmed where some POSTs are cut and the backend closes first', () => {
    expect(found()).toMatchObject([{ confidence: 'confirmed', status: 'active', data: { measured: '2.0', kept: 'for 60 s' } }]);
  });

  it('fires for a backend that resets instead of closing', () => {
    expect(found({ 'idle-connections': measured('reset', 5010) })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('is likely where only GETs are cut and no second try is seen', () => {
    expect(found({ hops: [hopOf({ symptoms: [posts('GET')] })] })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('is likely where requests follow each other too fast for connections to grow old', () => {
    expect(found({ 'nginx-access-log': access(5, 5000) })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('fires without any keepalive directive on an nginx that keeps connections by itself', () => {
    const bare = { topology: topology({ keepalive: undefined }, { headers: [] }) };
    expect(found({ ...bare, 'nginx-instances': instances('1.29.7') })).toMatchObject([{ confidence: 'confirmed' }]);
    expect(found({ ...bare, 'nginx-instances': instances('1.29.6') })).toEqual([]);
  });

  it('knows that nginx before 1.15.3 keeps connections without a limit', () => {
    expect(found({ 'nginx-instances': instances('1.14.2'), 'idle-connections': measured('closed', 7000) })).toMatchObject([
      { data: { kept: 'without a limit, as nginx before 1.15.3 does' }, fixData: { groupId: 'g', idleMs: 7000 } },
    ]);
  });

  it('is possible where it was measured for less than nginx keeps a connection, and requests were cut as in a race', () => {
    const given = { ...facts, 'nginx-instances': known(facts['nginx-instances']), 'nginx-access-log': known(facts['nginx-access-log']) };
    const open = (ms: number, change: object = {}) => [...fault.detect({ ...given, 'idle-connections': measured('open', ms), ...change } as never, context)];
    expect(open(8000)).toMatchObject([{ confidence: 'possible', messageId: 'open', data: { measured: '8.0', kept: 'for 60 s' } }]);
    expect(open(8000)[0]).not.toHaveProperty('fixData');
    expect(open(8000, { hops: [hopOf({ symptoms: [posts('GET')] })] })).toEqual([]);
    expect(open(60_500)).toMatchObject([{ ruledOut: true, because: expect.stringContaining('longer than 60.5 s') as string }]);
  });

  it.each([
    ['the backend stays open for longer', { 'idle-connections': measured('open', 60_500) }],
    ['nginx closes first', { topology: topology({ settings: { keepalive_timeout: { ...setting('keepalive_timeout', '1s'), ms: 1000 } } }) }],
    ['the backend keeps no connection', { 'idle-connections': measured('not-kept', 0) }],
    ['each connection serves one request', { topology: topology({ settings: { keepalive_requests: setting('keepalive_requests', '1') } }) }],
    [
      'an address without an upstream block keeps none, whatever the version',
      { topology: topology({ keepalive: undefined, explicit: false }, { headers: [] }), 'nginx-instances': instances('1.30.0') },
    ],
    ['nginx asks to close', { topology: topology({}, { headers: [setting('proxy_set_header', 'Connection', 'close')] }) }],
    ['nginx speaks HTTP/1.0', { topology: topology({}, { settings: { http_version: setting('proxy_http_version', '1.0') } }) }],
    ['the page fails each time', { 'nginx-access-log': access(10, 10) }],
    ['nothing was cut', { hops: [hopOf()] }],
    ['a worker died each time', { hops: [hopOf({ symptoms: [posts()], events: [eventOf('worker-exit', 60_000), eventOf('worker-exit', 1000)] })] }],
    [
      'a worker was started as the request was cut',
      { hops: [hopOf({ symptoms: [posts('POST', { firstMs: nowMs - 1000 })], workers: [processOf(101, { startMs: nowMs - 500 })] })] },
    ],
  ])('is silent where %s', (_name, change) => {
    expect(found(change)).toEqual([]);
  });

  it('is silent where a GET failed for good, which has a second try on a new connection', () => {
    const lost = posts('GET');
    const accessGroups = [{ status: 502, method: 'GET', count: 3, tries: 2 }] as unknown as Symptom['accessGroups'];
    expect(found({ hops: [hopOf({ symptoms: [{ ...lost, accessGroups }] })] })).toEqual([]);
  });
});
