import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { MessageClass } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { detections, hopOf, peerOf, probeOf, symptomOf } from '../backend/testing.ts';
import amplification from './max-fails-amplification.ts';

const fault = amplification as unknown as Fault;

function of(kind: MessageClass, urls: readonly string[], change: Partial<Symptom> = {}): Symptom {
  const base = symptomOf(kind, change);
  return { ...base, errorGroups: urls.flatMap(urlTemplate => base.errorGroups.map(group => ({ ...group, urlTemplate }))) };
}
const refused = of('no-live-upstreams', ['/', '/slow'], { id: 'none@app', upstream: 'app' });
const answered = probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });

function members(own: Symptom, probe = answered): unknown {
  const hop = (id: string): unknown => hopOf({ peer: peerOf({ id }), own: probe, symptoms: [own], groupSymptoms: [refused] });
  return { hops: [hop('127.0.0.1:8017'), hop('127.0.0.1:8018')], symptoms: [own, refused] };
}
const run = (facts: unknown): unknown[] => detections(fault, facts as Parameters<typeof detections>[1]);

describe('max-fails-amplification fires', () => {
  it('where one page times out and others are turned away', () => {
    expect(run(members(of('read-timeout', ['/slow'])))).toMatchObject([
      { confidence: 'likely', status: 'active', subject: { id: 'app' }, data: { page: '/slow', others: '/' }, symptoms: ['none@app'] },
    ]);
  });
});

describe('max-fails-amplification is confirmed', () => {
  it('where nobody asks for that page any more and nginx still turns others away', () => {
    const over = of('read-timeout', ['/slow'], { ongoing: false });
    expect(run(members(over))).toMatchObject([{ confidence: 'confirmed', outlivesCause: true }]);
  });
});

describe('max-fails-amplification is silent', () => {
  it('where several pages fail', () => {
    expect(run(members(of('read-timeout', ['/slow', '/', '/a'])))).toEqual([]);
  });

  it('where the servers are away', () => {
    expect(run(members(of('connect-refused', ['/slow'])))).toEqual([]);
  });

  it('where they do not answer now', () => {
    expect(run(members(of('read-timeout', ['/slow']), probeOf({ state: 'no-answer' })))).toEqual([]);
  });
});
