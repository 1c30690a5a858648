import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';
import { detections, eventOf, hopOf, nowMs, processOf, serviceOf, symptomOf, unitOf } from '../backend/testing.ts';
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

it('app-dependency-down names the stopped unit whose settings name the address, and none that asks there', () => {
  const stopped = (execStart: string) => unitOf({ name: 'store.service', activeState: 'inactive', inactiveEnterMs: nowMs - 9_000, execStart });
  const found = (...units: readonly ReturnType<typeof stopped>[]) =>
    detections(fault, {
      hops: [hopOf({ events: [said(where)], symptoms: [own] })],
      symptoms: [own],
      'probe-results': [refused],
      topology: { servers: [], routes: [], groups: [], peers: [] },
      'systemd-units': units,
    })[0];
  const [store, worker] = [stopped('/usr/bin/store --listen 127.0.0.1:5432'), stopped('/usr/bin/celery -b redis://127.0.0.1:5432/0')];
  expect(found(store)).toMatchObject({ messageId: 'stopped', data: { unit: 'store.service' }, fixData: { unit: 'store.service', where, sure: false } });
  expect(found(worker)).toMatchObject({ messageId: 'away' });
  expect(found({ ...store, name: 'orders.service' })).toMatchObject({ messageId: 'away' });
});

describe('app-dependency-down by what stands still', () => {
  const listener = { kind: 'tcp', host: '127.0.0.1', port: 5433, queue: 0, backlog: 64, pids: [700] } as const;
  const load = {
    serviceId: 'unit:orders.service',
    workers: 2,
    busyAlways: 2,
    busyEver: 2,
    queue: [9, 9, 9],
    backlog: 2048,
    how: '',
    cpuMs: 0,
    sampledMs: 1000,
  };
  const given = {
    hops: [hopOf({ service: serviceOf(), symptoms: [symptomOf('read-timeout')], load })],
    'probe-results': [],
    topology: { servers: [], routes: [], groups: [], peers: [] },
    listeners: [listener],
    processes: [processOf(700, { state: 'T', comm: 'store' })],
    connections: { byRemote: [], byLocal: [{ state: 'ESTAB', local: '127.0.0.1:5433', remote: '', count: 2 }], byState: {} },
  };

  const stopped = (clients: readonly (readonly [pid: number, connections: number])[], unseen = 0): object => ({
    ...given,
    'stopped-servers': [{ address: '127.0.0.1:5433', clients: clients.map(([pid, connections]) => ({ pid, connections })), unseen }],
  });
  const [first = 0, second = 0] = serviceOf().workerPids;

  it('is likely where all workers wait and hold connections to a stopped server', () => {
    const seen = { confidence: 'likely', messageId: 'frozen', subject: { id: '127.0.0.1:5433' }, data: { pid: 700, count: 2 } };
    expect(
      detections(
        fault,
        stopped([
          [first, 1],
          [second, 1],
        ]),
      ),
    ).toMatchObject([seen]);
    expect(
      detections(
        fault,
        stopped(
          [
            [first, 2],
            [9999, 40],
          ],
          3,
        ),
      ),
    ).toMatchObject([seen]);
  });

  it('is silent where the connections are those of others', () => {
    expect(detections(fault, stopped([[9999, 2]]))).toEqual([]);
    expect(
      detections(
        fault,
        stopped([
          [first, 1],
          [9999, 1],
        ]),
      ),
    ).toEqual([]);
  });

  it('is possible where it could not be seen whose connections they are', () => {
    const unseen = { confidence: 'possible', messageId: 'frozenUnseen', data: { pid: 700, count: 2 } };
    expect(detections(fault, given)).toMatchObject([unseen]);
    expect(detections(fault, stopped([[first, 1]], 1))).toMatchObject([unseen]);
  });

  it('is silent where that server runs, has fewer connections than there are workers, or the workers compute', () => {
    expect(detections(fault, { ...given, processes: [processOf(700, { state: 'S' })] })).toEqual([]);
    expect(
      detections(fault, { ...given, connections: { ...given.connections, byLocal: [{ state: 'ESTAB', local: '127.0.0.1:5433', remote: '', count: 1 }] } }),
    ).toEqual([]);
    expect(detections(fault, { ...given, hops: given.hops.map(hop => ({ ...hop, load: { ...load, cpuMs: 1900 } })) })).toEqual([]);
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
