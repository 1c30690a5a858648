import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import oomKilled from './backend-oom-killed.ts';
import { address, detections, eventOf, hopOf, kernelOf, lostHop, nowMs, processOf, serviceOf, symptomOf, unitOf } from './testing.ts';

const fault = oomKilled as unknown as Fault;
const cut = symptomOf('premature-close');
const death = eventOf('worker-signal', 20_500, { signal: 9 });
const group = (unit: string): string => `/system.slice/${unit}`;

describe('backend-oom-killed fires', () => {
  it('where the record names the unit and the process', () => {
    const record = kernelOf(20_000, { cgroup: group('orders.service'), rssBytes: 300 * 1_048_576 });
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut] })], 'kernel-log': [record] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'works', symptoms: [cut.id], data: { what: 'gunicorn (300 MiB)' } },
    ]);
  });

  it('where the record names the very process that the master saw die then', () => {
    const own = { ...death, pid: 4711 };
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], events: [own] })], 'kernel-log': [kernelOf(20_000)] })).toMatchObject([
      { confidence: 'confirmed' },
    ]);
  });

  it('where the killed process has written into the journal of the unit', () => {
    const unit = unitOf({ journal: [{ timeMs: nowMs - 90_000, identifier: 'gunicorn', pid: 4711, text: 'Booting worker' }] });
    expect(detections(fault, { hops: [hopOf({ unit, symptoms: [cut], events: [death] })], 'kernel-log': [kernelOf(20_000)] })).toMatchObject([
      { confidence: 'confirmed' },
    ]);
  });

  it('less surely where name, time and signal fit and nothing names the unit or the process', () => {
    const record = kernelOf(20_000, { cgroup: '/docker/5f1e' });
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], events: [death] })], 'kernel-log': [record] })).toMatchObject([
      { confidence: 'likely', messageId: 'works' },
    ]);
  });

  it('as no more than possible where another service lost a process of that name too', () => {
    const other = serviceOf({ id: 'unit:reports.service', name: 'gunicorn (reports.service)', unit: 'reports.service' });
    const facts = {
      hops: [hopOf({ symptoms: [cut], events: [death] })],
      services: [serviceOf(), other],
      'backend-events': [death, { ...death, serviceId: other.id }],
      'kernel-log': [kernelOf(20_000)],
    };
    expect(detections(fault, facts)).toMatchObject([{ confidence: 'possible', messageId: 'perhaps' }]);
  });

  it('as no more than possible where a unit that nginx does not ask was killed then', () => {
    const job = unitOf({ name: 'job.service', activeState: 'failed', execMainCode: 'killed', execMainStatus: 9, execMainExitMs: nowMs - 20_000 });
    const facts = { hops: [hopOf({ symptoms: [cut], events: [death] })], 'systemd-units': [unitOf(), job], 'kernel-log': [kernelOf(20_000)] };
    expect(detections(fault, facts)).toMatchObject([{ confidence: 'possible' }]);
  });

  it('where the killed unit stays down, with the refused requests too', () => {
    const unit = unitOf({ activeState: 'failed', result: 'signal', execMainCode: 'killed', execMainStatus: 9, execMainExitMs: nowMs - 61_000 });
    const record = kernelOf(60_500, { cgroup: group('orders.service') });
    const [found] = detections(fault, { hops: [lostHop({ unit })], 'kernel-log': [record] });
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', messageId: 'down', symptoms: [`connect-refused@${address}`] });
  });

  it('where it has been down since a kill before the window', () => {
    const unit = unitOf({ activeState: 'failed', result: 'oom-kill', execMainExitMs: nowMs - 7_200_000 });
    expect(detections(fault, { hops: [lostHop({ unit })], 'kernel-log': [kernelOf(7_200_000)] })).toMatchObject([{ messageId: 'down' }]);
  });

  it("by systemd's word alone", () => {
    const told = eventOf('out-of-memory', 20_000, { text: 'orders.service: A process of this unit has been killed by the OOM killer.' });
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], events: [told] })] })).toMatchObject([{ confidence: 'confirmed' }]);
  });
});

describe('backend-oom-killed is silent', () => {
  const silent = (hop: ReturnType<typeof hopOf>, record: ReturnType<typeof kernelOf>): void => {
    expect(detections(fault, { hops: [hop], 'kernel-log': [record] })).toEqual([]);
  };

  it('where the kill was in a control group that this host does not have', () => {
    silent(hopOf({ symptoms: [cut], events: [death] }), kernelOf(20_000, { cgroup: '/guest-7/ocr', elsewhere: true }));
  });

  it('where the record names another unit, though the process has the same name', () => {
    silent(hopOf({ symptoms: [cut], events: [death] }), kernelOf(20_000, { cgroup: group('reports.service') }));
  });

  it('where the group of the record is named like another unit of this host', () => {
    const unit = unitOf({ activeState: 'failed', result: 'signal', execMainCode: 'killed', execMainStatus: 9, execMainExitMs: nowMs - 61_000 });
    const facts = { hops: [lostHop({ unit })], 'systemd-units': [unit, unitOf({ name: 'batch.service' })] };
    expect(detections(fault, { ...facts, 'kernel-log': [kernelOf(60_500, { cgroup: '/jobs/batch' })] })).toEqual([]);
    expect(detections(fault, { ...facts, 'kernel-log': [kernelOf(60_500, { cgroup: '/jobs/orders' })] })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('where a process of that name was killed on the same kernel, while the own one ended by an exit code', () => {
    const exited = eventOf('worker-exit', 20_500, { text: 'orders.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED' });
    silent(hopOf({ symptoms: [cut], events: [exited] }), kernelOf(20_000));
  });

  it('where another process was killed', () => {
    silent(hopOf({ symptoms: [cut] }), kernelOf(20_000, { comm: 'mysqld' }));
  });

  it("where a process of that name was killed and none of the service's own died then", () => {
    silent(hopOf({ symptoms: [cut], events: [eventOf('worker-signal', 50_000, { signal: 11 })] }), kernelOf(300_000));
  });

  it('where a worker died at that time in another way, and the record is of another group', () => {
    const crash = [
      eventOf('worker-signal', 20_000, { signal: 11, pid: 7 }),
      eventOf('worker-exit', 19_900, { pid: 7, text: 'DAMN ! worker 1 (pid: 7) died :( trying respawn ...' }),
    ];
    silent(hopOf({ symptoms: [cut], events: crash }), kernelOf(20_000, { cgroup: '/other-host/jobs' }));
  });

  it('where the kill was hours ago and the service runs again', () => {
    silent(hopOf({ symptoms: [cut] }), kernelOf(7_200_000, { cgroup: group('orders.service') }));
  });

  it('where no request failed at the time of the kill', () => {
    silent(hopOf({ symptoms: [symptomOf('premature-close', { firstMs: nowMs - 30_000 })] }), kernelOf(600_000, { cgroup: group('orders.service') }));
  });

  it('where the service was stopped by hand later', () => {
    const unit = unitOf({ activeState: 'inactive', inactiveEnterMs: nowMs - 61_000, execMainExitMs: nowMs - 61_000 });
    silent(lostHop({ unit, workers: [processOf(1)] }), kernelOf(500_000, { cgroup: group('orders.service') }));
  });

  it("of a program's own limit", () => {
    const own = eventOf('out-of-memory', 20_000, { text: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory' });
    silent(hopOf({ symptoms: [cut], events: [own] }), kernelOf(20_000, { comm: 'mysqld' }));
  });
});
