import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { TrafficCount } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { detections, hopOf, symptomOf } from '../backend/testing.ts';
import crash from './request-specific-crash.ts';

const fault = crash as unknown as Fault;

function of(urls: readonly string[], change: Partial<Symptom> = {}): Symptom {
  const base = symptomOf('premature-close', { count: 5 * urls.length, ...change });
  return { ...base, errorGroups: urls.flatMap(urlTemplate => base.errorGroups.map(group => ({ ...group, urlTemplate }))) };
}
const page = (key: string, total: number, failed: number): TrafficCount => ({ key, total, failed });
const well = [page('/export', 5, 5), page('/', 40, 0), page('/about', 9, 0)];

function run(symptoms: readonly Symptom[], byTemplate: readonly TrafficCount[], more: object = {}): unknown[] {
  return detections(fault, { hops: [hopOf({ symptoms })], 'nginx-access-log': { byTemplate }, ...more });
}

describe('request-specific-crash fires', () => {
  it('as likely where one page breaks and others go well', () => {
    expect(run([of(['/export'])], well)).toMatchObject([
      { confidence: 'likely', status: 'active', data: { page: '/export', own: 5, share: 9, others: 49 }, symptoms: [of(['/export']).id] },
    ]);
  });
});

describe('request-specific-crash', () => {
  it('says that the log of the kernel could tell how, where this user may not read it', () => {
    expect(run([of(['/export'])], well)).toMatchObject([{ data: { how: 'no log says how' } }]);
    const denied = { 'kernel-log': { state: 'denied', why: 'no' } };
    expect(run([of(['/export'])], well, denied)).toMatchObject([{ data: { how: expect.stringContaining('is for root') } }]);
  });
});

describe('request-specific-crash is silent', () => {
  it('where other pages break too', () => {
    expect(run([of(['/export', '/'])], well)).toEqual([]);
    expect(run([of(['/export'])], [page('/export', 5, 5), page('/', 40, 9)])).toEqual([]);
  });

  it('where hardly anything else is asked for', () => {
    expect(run([of(['/export'])], [page('/export', 40, 40), page('/', 9, 0)])).toEqual([]);
  });

  it('where that page mostly goes well', () => {
    expect(run([of(['/export'])], [page('/export', 50, 5), page('/', 40, 0)])).toEqual([]);
  });

  it('where the peer refuses connections', () => {
    expect(run([of(['/export']), symptomOf('connect-refused')], well)).toEqual([]);
  });
});
