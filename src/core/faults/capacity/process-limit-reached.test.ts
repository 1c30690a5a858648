import { describe, expect, it } from 'vitest';
import type { Hop } from '../../model/facts/hop.ts';
import { detections, eventOf, hopOf, kernelOf, processOf, symptomOf, unitOf } from '../backend/testing.ts';
import fault from './process-limit-reached.ts';

const closed = symptomOf('premature-close');
const said = eventOf('fork-failed', 5000);
const rejected = kernelOf(5000, { kind: 'other', text: 'cgroup: fork rejected by pids controller in /system.slice/orders.service' });
const run = (threads: number, change: Partial<Hop>, kernel = [kernelOf(5000)]) =>
  detections(fault, {
    hops: [hopOf({ symptoms: [closed], unit: unitOf({ tasksMax: 60 }), ...change })],
    processes: [processOf(100, { unit: 'orders.service' }), processOf(101, { unit: 'orders.service', threads }), processOf(7, { uid: 1000, threads: 900 })],
    'process-details': [{ pid: 101, processesLimit: 96_365 }],
    'kernel-log': kernel,
  });

describe('process-limit-reached', () => {
  it('fires where the unit is at its limit and its log says so', () => {
    expect(run(59, { events: [said] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', data: { count: 60, limit: 60 }, fixData: { kind: 'unit' } },
    ]);
  });

  it('fires where the kernel names the unit, less surely when there is room again', () => {
    expect(run(59, {}, [rejected])).toMatchObject([{ confidence: 'confirmed' }]);
    expect(run(3, {}, [rejected])).toMatchObject([{ confidence: 'likely' }]);
  });

  it('fires in a pause of the failing too while the unit is at its limit', () => {
    const symptoms = [{ ...closed, ongoing: false }];
    expect(run(59, { events: [said], symptoms })).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    expect(run(3, { events: [said], symptoms })).toMatchObject([{ status: 'past' }]);
  });

  it('doubts the message where there is room', () => {
    expect(run(3, { events: [said] })).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent where the kernel names another unit', () => {
    expect(run(59, {}, [{ ...rejected, text: `${rejected.text.slice(0, -14)}preorders.service` }])).toEqual([]);
  });

  it('is silent on a full unit that says nothing, and on an old message', () => {
    expect(run(59, {})).toEqual([]);
    expect(run(59, { events: [eventOf('fork-failed', 600_000)] })).toEqual([]);
  });
});
