import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { address, detections, hopOf, lostHop, probeOf, routeOf, symptomOf } from '../backend/testing.ts';
import { serverOf, topologyOf } from '../nginx/testing.ts';
import authFailed from './auth-backend-failed.ts';

const fault = authFailed as unknown as Fault;
const base = symptomOf('auth-request');
const text = 'auth request unexpected status: 503';
const { upstream: _none, ...symptom } = {
  ...base,
  id: 'auth-request',
  errorGroups: base.errorGroups.map(group => ({ ...group, samples: group.samples.map(one => ({ ...one, message: text, text })) })),
};
const guard = routeOf({ id: 'guard', location: 'location = /_may', samplePath: '/_may' });
const arg = { value: '/_may', quote: '', start: 0, end: 0 };
const config = {
  instanceId: 'nginx',
  mainPath: '',
  files: [],
  directives: [{ name: 'auth_request', args: [arg], path: '/etc/nginx/x', line: 4, start: 0, end: 0 }],
  problems: [],
  unread: [],
};
const topology = topologyOf({ servers: [serverOf()], routes: [guard] });
const facts = { hops: [hopOf({ routes: [guard] })], symptoms: [symptom], topology, 'nginx-config': [config] };

describe('auth-backend-failed fires', () => {
  it('with the peer behind the location that auth_request names', () => {
    expect(detections(fault, facts)).toMatchObject([
      { confidence: 'likely', messageId: 'answered', data: { status: 503, backend: address }, subject: { peers: [address] } },
    ]);
  });

  it('confirmed where that peer gives the same answer now', () => {
    const own = probeOf({ state: 'answered', speaks: 'http', answer: { status: 503, complete: true } });
    expect(detections(fault, { ...facts, hops: [hopOf({ routes: [guard], own })] })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('confirmed with the peer that failed in a subrequest', () => {
    const failed = symptomOf('connect-refused');
    const inner = { ...failed, errorGroups: failed.errorGroups.map(group => ({ ...group, subrequest: true })) };
    expect(detections(fault, { ...facts, 'nginx-config': [], hops: [lostHop({ symptoms: [inner] })] })).toMatchObject([
      { confidence: 'confirmed', subject: { peers: [address] } },
    ]);
  });

  it('as possible where the location is not known', () => {
    expect(detections(fault, { ...facts, 'nginx-config': [] })).toMatchObject([{ confidence: 'possible', messageId: 'unknown' }]);
  });
});

describe('auth-backend-failed is silent', () => {
  it('where pages fail by themselves', () => {
    expect(detections(fault, { ...facts, symptoms: [symptomOf('connect-refused')] })).toEqual([]);
  });
});
