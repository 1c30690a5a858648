import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { detections, hopOf, nowMs, peerOf, routeOf, serviceOf, symptomOf } from '../backend/testing.ts';
import logging from './logging-not-ready.ts';
import { serverOf, topologyOf } from './testing.ts';

const fault = logging as unknown as Fault;
const formatOf = (name: string, format: string): unknown => ({
  instanceId: 'nginx',
  name,
  format,
  escape: 'default',
  origin: { kind: 'file', path: '/etc/nginx/conf.d/log.conf', line: 1 },
});
const combined = formatOf('combined', '$remote_addr [$time_local] "$request" $status');
const full = formatOf('full', '$status us=$upstream_status ua=$upstream_addr uht=$upstream_header_time');
const topology = topologyOf({ routes: [routeOf()] });
const facts = { topology, 'nginx-layout': { logFormats: [combined, full] }, hops: [hopOf()], 'nginx-error-log': { coverage: [], groups: [], unread: [] } };

function loose(): Symptom {
  const path = '/var/log/nginx/access.log';
  const sample = { text: '"GET / HTTP/1.1" 502', timeMs: nowMs, source: { path, offset: 0, line: 4 } };
  const group = {
    path,
    status: 502,
    tries: 1,
    madeBy: 'unknown',
    urlTemplate: '/',
    count: 9,
    firstMs: nowMs,
    lastMs: nowMs,
    buckets: { widthMs: 1, starts: [], counts: [] },
    samples: [sample],
  } as const;
  const { upstream: _none, ...rest } = symptomOf('other', {
    class: 'unattributed-5xx',
    madeBy: 'unknown',
    status: 502,
    count: 9,
    errorGroups: [],
    accessGroups: [group],
  });
  return rest;
}

describe('logging-not-ready fires', () => {
  it('latent where the format of a proxying server lacks the variables', () => {
    expect(detections(fault, facts)).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'latent',
        messageId: 'latent',
        subject: { name: 'log_format combined' },
        symptoms: [],
        evidence: [{ source: 'config:/etc/nginx/nginx.conf:30' }, {}],
      },
    ]);
  });

  it('latent where one backend alone can have answered the failing requests', () => {
    expect(detections(fault, { ...facts, symptoms: [loose()] })).toMatchObject([{ status: 'latent' }]);
  });

  it('active where several can have', () => {
    const other = hopOf({ peer: peerOf({ id: '127.0.0.1:9', serviceId: 'unit:b.service' }), service: serviceOf({ id: 'unit:b.service' }) });
    expect(detections(fault, { ...facts, hops: [hopOf(), other], symptoms: [loose()] })).toMatchObject([
      { status: 'active', messageId: 'blind', symptoms: [loose().id] },
    ]);
  });

  it('latent where only a few of many failures are without a maker', () => {
    const several = [hopOf(), hopOf({ peer: peerOf({ id: '127.0.0.1:9', serviceId: 'unit:b.service' }), service: serviceOf({ id: 'unit:b.service' }) })];
    const others = (count: number) => detections(fault, { ...facts, hops: several, symptoms: [loose(), symptomOf('connect-refused', { count })] });
    expect(others(20)).toMatchObject([{ status: 'active', messageId: 'blind' }]);
    expect(others(200)).toMatchObject([{ status: 'latent', messageId: 'latent' }]);
  });

  it('active where the error log keeps no errors either', () => {
    const quiet = topologyOf({
      routes: [routeOf()],
      servers: [serverOf({ errorLogs: [{ path: '/var/log/nginx/error.log', level: 'crit', origin: { kind: 'default', version: '' } }] })],
    });
    expect(detections(fault, { ...facts, topology: quiet, symptoms: [loose()] })).toMatchObject([{ status: 'active', messageId: 'blind' }]);
  });
});

describe('logging-not-ready is silent', () => {
  it('where one of the logs tells', () => {
    const [log] = serverOf().accessLogs;
    const both = log === undefined ? [] : [log, { ...log, format: 'full' }];
    expect(detections(fault, { ...facts, topology: topologyOf({ routes: [routeOf()], servers: [serverOf({ accessLogs: both })] }) })).toEqual([]);
  });

  it('where nothing is passed on, and where nothing is logged on purpose', () => {
    expect(detections(fault, { ...facts, topology: topologyOf() })).toEqual([]);
    expect(detections(fault, { ...facts, topology: topologyOf({ routes: [routeOf()], servers: [serverOf({ accessLogs: [] })] }) })).toEqual([]);
  });
});
