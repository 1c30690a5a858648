import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { AccessGroup } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { address, detections, hopOf, lostHop, nowMs, peerOf, probeOf, routeOf, serviceOf, symptomOf } from '../backend/testing.ts';
import appReturned from './app-returned-5xx.ts';

const fault = appReturned as unknown as Fault;
const log = '/var/log/nginx/access.log';
const errorLog = { coverage: [], groups: [], unread: [] };
const server = {
  id: 's',
  instanceId: 'nginx',
  names: ['_'],
  listens: [],
  origin: { path: '/etc/nginx/x', line: 1 },
  accessLogs: [{ path: log, format: 'combined' }],
  errorLogs: [{ path: '/var/log/nginx/error.log', level: 'error' }],
};
const topology = { servers: [server], routes: [routeOf()], groups: [], peers: [peerOf()] };

function requests(status: number, change: Partial<Symptom> = {}): Symptom {
  const sample = { text: `192.0.2.1 - - "GET / HTTP/1.1" ${status} 5`, timeMs: nowMs, source: { path: log, offset: 0, line: 4 } };
  const buckets = { widthMs: 10_000, starts: [], counts: [] };
  const group: AccessGroup = {
    path: log,
    status,
    tries: 1,
    madeBy: 'unknown',
    urlTemplate: '/',
    count: 9,
    firstMs: nowMs - 9000,
    lastMs: nowMs,
    buckets,
    samples: [sample],
  };
  const base = symptomOf('other', { id: `x-${status}`, status, count: 9, errorGroups: [], accessGroups: [group], ...change });
  return base;
}
const answered = (status: number): ReturnType<typeof probeOf> => probeOf({ state: 'answered', speaks: 'http', answer: { status, complete: true } });
function loose(status: number): Symptom {
  const { upstream: _none, ...rest } = requests(status, { class: 'unattributed-5xx', madeBy: 'unknown' });
  return rest;
}

describe('app-returned-5xx fires', () => {
  it('confirmed where the access log shows that the backend answered', () => {
    const own = requests(503, { class: 'backend-answered-5xx', madeBy: 'backend' });
    expect(detections(fault, { hops: [hopOf({ symptoms: [own] })], symptoms: [own], topology })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'answered', symptoms: ['x-503'], evidence: [{ source: `file:${log}:4` }] },
    ]);
  });

  it('as likely where no line of the error log accounts for it and one backend can have answered', () => {
    const symptom = loose(502);
    expect(detections(fault, { hops: [hopOf()], symptoms: [symptom], topology, 'nginx-error-log': errorLog })).toMatchObject([
      { confidence: 'likely', messageId: 'silent' },
    ]);
  });

  it('confirmed where the backend gives the same answer to a probe', () => {
    const symptom = loose(502);
    const hop = hopOf({ probes: [answered(502)] });
    expect(detections(fault, { hops: [hop], symptoms: [symptom], topology, 'nginx-error-log': errorLog })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('with the peers behind it where the backend is an nginx of this host', () => {
    const own = requests(502, { class: 'backend-answered-5xx', madeBy: 'backend' });
    const inner = { ...server, id: 'inner', listens: [{ address: { kind: 'tcp', host: '127.0.0.1', port: 8017 } }] };
    const front = hopOf({ service: serviceOf({ kind: 'nginx', name: 'nginx' }), symptoms: [own] });
    const behind = lostHop({ peer: peerOf({ id: '127.0.0.1:3000', listeners: [] }), routes: [routeOf({ id: 'r2', serverId: 'inner' })] });
    const [found] = detections(fault, { hops: [front, behind], symptoms: [own], topology: { ...topology, servers: [server, inner] } });
    expect(found).toMatchObject({ messageId: 'proxied', subject: { peers: [address, '127.0.0.1:3000'] } });
  });
});

describe('app-returned-5xx is silent', () => {
  it('where nginx made the error', () => {
    const symptom = symptomOf('connect-refused');
    expect(detections(fault, { hops: [lostHop({ symptoms: [symptom] })], symptoms: [symptom], topology, 'nginx-error-log': errorLog })).toEqual([]);
  });

  it('where the error log was not read or keeps less than errors', () => {
    const symptom = loose(502);
    const unread = { ...errorLog, unread: [{ path: '/var/log/nginx/error.log', why: 'denied' }] };
    expect(detections(fault, { hops: [hopOf()], symptoms: [symptom], topology, 'nginx-error-log': unread })).toEqual([]);
    const quiet = { ...topology, servers: [{ ...server, errorLogs: [{ path: '/var/log/nginx/error.log', level: 'crit' }] }] };
    expect(detections(fault, { hops: [hopOf()], symptoms: [symptom], topology: quiet, 'nginx-error-log': errorLog })).toEqual([]);
  });

  it('where nobody listens on a local peer whose status the access log gives, though the error log keeps no errors', () => {
    const own = requests(502, { class: 'unattributed-5xx', madeBy: 'unknown', upstream: address });
    const quiet = { ...topology, servers: [{ ...server, errorLogs: [{ path: '/var/log/nginx/error.log', level: 'crit' }] }] };
    const found = (hop: ReturnType<typeof hopOf>, of: typeof topology) =>
      detections(fault, { hops: [hop], symptoms: [own], topology: of, 'nginx-error-log': errorLog, listeners: [] });
    expect(found(lostHop({ probes: [], symptoms: [own] }), quiet)).toEqual([]);
    expect(found(hopOf({ symptoms: [own] }), quiet)).toMatchObject([{ confidence: 'possible' }]);
    expect(found(hopOf({ symptoms: [own] }), topology)).toMatchObject([{ confidence: 'likely' }]);
  });

  it('where a location keeps its errors to itself', () => {
    const symptom = loose(502);
    const deaf = { ...topology, servers: [{ ...server, locationErrorLogs: [{ path: '/dev/null', level: 'crit' }] }] };
    expect(detections(fault, { hops: [hopOf()], symptoms: [symptom], topology: deaf, 'nginx-error-log': errorLog })).toEqual([]);
  });
});
