import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';
import { detections, eventOf, hopOf, symptomOf } from '../backend/testing.ts';
import dependency from './app-dependency-down.ts';

const fault = dependency as unknown as Fault;
const where = '127.0.0.1:5432';
const own = symptomOf('other', { id: 'own', class: 'backend-answered-5xx', status: 500, madeBy: 'backend', errorGroups: [], count: 3 });
const said = (address: string, agoMs = 5000): ReturnType<typeof eventOf> => eventOf('dependency-error', agoMs, { address });

function probe(outcome: ProbeOutcome): ProbeResult {
  return { request: { kind: 'connect', address: { kind: 'tcp', host: '127.0.0.1', port: 5432 } }, outcome, connectMs: 1, ms: 1 };
}
const refused = probe({ state: 'connect-failed', code: 'ECONNREFUSED' });

function run(events: readonly ReturnType<typeof eventOf>[], answer = refused): unknown[] {
  const topology = { servers: [], routes: [], groups: [], peers: [] };
  return detections(fault, { hops: [hopOf({ events, symptoms: [own] })], symptoms: [own], 'probe-results': [answer], topology });
}

describe('app-dependency-down fires', () => {
  it('confirmed where the log names the address, nobody takes connections there, and requests fail', () => {
    expect(run([said(where), said(where), said('localhost:5432')])).toMatchObject([
      { confidence: 'confirmed', status: 'active', subject: { id: where }, symptoms: ['own'] },
      { subject: { id: 'localhost:5432' } },
    ]);
  });

  it('likely where one line stands against many failures', () => {
    expect(run([said(where)])).toMatchObject([{ confidence: 'likely' }]);
  });
});

describe('app-dependency-down is silent', () => {
  it('where the dependency takes connections now', () => {
    expect(run([said(where), said(where)], probe({ state: 'connected' }))).toEqual([]);
  });

  it('on an address of another host, on an old line, and where nothing fails', () => {
    expect(run([said('10.0.0.7:5432')])).toEqual([]);
    expect(run([said(where, 300_000)])).toEqual([]);
    const topology = { servers: [], routes: [], groups: [], peers: [] };
    expect(detections(fault, { hops: [hopOf({ events: [said(where)] })], 'probe-results': [refused], topology })).toEqual([]);
  });
});
