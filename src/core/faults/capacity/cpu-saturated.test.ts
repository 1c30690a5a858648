import { describe, expect, it } from 'vitest';
import type { Hop } from '../../model/facts/hop.ts';
import { detections, eventOf, hopOf, symptomOf } from '../backend/testing.ts';
import fault from './cpu-saturated.ts';

const late = symptomOf('read-timeout');
const run = (load: number, pressure: number | undefined, change: Partial<Hop> = {}) =>
  detections(fault, {
    hops: [hopOf({ symptoms: [late], ...change })],
    'host-identity': { cpus: 2 },
    resources: {
      load: [load, load, load],
      ...(pressure === undefined ? {} : { pressure: { cpu: { someAvg10: pressure, fullAvg10: 0 } } }),
      disks: [],
      sysctl: {},
      netCounters: {},
      netCounterGrowth: {},
    },
  });

describe('cpu-saturated', () => {
  it('fires with doubt where requests wait, and so does everything else', () => {
    expect(run(31, 97)).toMatchObject([{ confidence: 'possible', status: 'active', data: { load: 31, cpus: 2 }, symptoms: [late.id] }]);
  });

  it('is silent on a busy host that keeps up', () => {
    expect(run(7.8, 60)).toEqual([]);
    expect(run(31, 60)).toEqual([]);
    expect(run(31, undefined)).toEqual([]);
    expect(run(31, 97, { symptoms: [] })).toEqual([]);
    expect(run(31, 97, { symptoms: [{ ...late, ongoing: false }] })).toEqual([]);
  });

  it('is silent where something more specific stands out', () => {
    expect(run(31, 97, { events: [eventOf('request-killed', 5000)] })).toEqual([]);
    expect(run(31, 97, { symptoms: [late, symptomOf('connect-refused')] })).toEqual([]);
  });
});
