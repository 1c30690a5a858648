import { describe, expect, it } from 'vitest';
import type { ServiceLoad } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Listener } from '../../model/facts/system.ts';
import { detections, hopOf, nowMs, peerOf, probeOf, processOf, serviceOf, symptomOf } from '../backend/testing.ts';
import fault from './accept-queue-overflow.ts';

const path = '/run/app.sock';
const listener = (queue: number, backlog: number): Listener => ({ kind: 'unix', host: '', port: 0, path, queue, backlog, pids: [100] });
const load = (queue: readonly number[], backlog: number, busy = 0): ServiceLoad => ({
  serviceId: 'x',
  workers: 2,
  busyAlways: busy,
  busyEver: busy,
  queue,
  backlog,
  how: '',
  cpuMs: 0,
  sampledMs: 300,
  finished: 1,
});
const service = serviceOf({ manager: 'prefork', workersMax: { value: 2, source: 'argv of 1' } });

const hop = (queue: readonly number[], backlog: number, change: Partial<Hop> = {}): Hop =>
  hopOf({
    service,
    peer: peerOf({ listeners: [listener(queue[0] ?? 0, backlog)] }),
    load: load(queue, backlog),
    symptoms: [symptomOf('connect-queue-full')],
    ...change,
  });
const tcpPeer = peerOf({
  listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 8000, queue: 0, backlog: 5, pids: [100] }],
  address: { kind: 'tcp', host: '127.0.0.1', port: 8000 },
});
const found = (one: Hop, resources?: unknown) => detections(fault, { hops: [one], symptoms: [...one.symptoms], resources });
const kernel = (growth: Record<string, number>, somaxconn = '4096') => ({
  sysctl: { 'net.core.somaxconn': somaxconn },
  netCounters: {},
  netCounterGrowth: growth,
  disks: [],
});

describe('fires', () => {
  it('where the queue was full in a look', () => {
    expect(found(hop([3, 4, 0], 3))).toMatchObject([{ confidence: 'confirmed', status: 'active', messageId: 'full' }]);
  });

  it('where a short queue turned requests away and the workers have time', () => {
    const [detection] = found(hop([0, 0, 0], 2), kernel({}, '2'));
    expect(detection).toMatchObject({ confidence: 'likely', messageId: 'overflowed' });
    expect(detection?.data['why']).toContain('net.core.somaxconn = 2 cuts');
  });

  it("where badhop's own connection was turned away", () => {
    expect(found(hop([1, 1, 1], -1, { own: probeOf({ state: 'connect-failed', code: 'EAGAIN' }) }))).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('over TCP, where connections time out and its queue is full', () => {
    expect(found(hop([129, 129, 129], 128, { symptoms: [symptomOf('connect-timeout')] }))).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('over TCP, where the kernel counts what it drops before this listener', () => {
    const tcp = (sinceOpened: number, meanwhile: number): Hop =>
      hop([0, 0, 0], 5, { symptoms: [symptomOf('connect-timeout')], load: { ...load([0, 0, 0], 5), drops: { sinceOpened, meanwhile } }, peer: tcpPeer });
    expect(found(tcp(40, 12))).toMatchObject([
      { confidence: 'confirmed', messageId: 'lost', data: { drops: 40, meanwhile: ', 12 of them while it was watched' } },
    ]);
    expect(found(tcp(40, 0), kernel({ ListenOverflows: 3 }))).toMatchObject([{ confidence: 'likely' }]);
    expect(found(tcp(40, 0), kernel({}))).toMatchObject([{ confidence: 'possible' }]);
    expect(found(tcp(0, 0), kernel({ ListenOverflows: 3 }))).toEqual([]);
  });

  it('over TCP, where all that was dropped was dropped within the window', () => {
    const timedOut = symptomOf('connect-timeout', { count: 30 });
    const tcp = (sinceOpened: number, openedMs: number): Hop =>
      hop([0, 0, 0], 5, {
        symptoms: [timedOut],
        load: { ...load([0, 0, 0], 5), drops: { sinceOpened, meanwhile: 0 } },
        peer: tcpPeer,
        master: processOf(100, { startMs: openedMs }),
      });
    expect(found(tcp(40, nowMs - 60_000), kernel({}))).toMatchObject([{ confidence: 'likely' }]);
    expect(found(tcp(12, nowMs - 60_000), kernel({}))).toMatchObject([{ confidence: 'possible' }]);
    expect(found(tcp(40, nowMs - 86_400_000), kernel({}))).toMatchObject([{ confidence: 'possible' }]);
  });

  it('for the past, and less surely where the queue is a long one', () => {
    const past = symptomOf('connect-queue-full', { ongoing: false, lastMs: nowMs - 500_000, firstMs: nowMs - 600_000 });
    expect(found(hop([0, 0, 0], 4096, { symptoms: [past] }))).toMatchObject([{ confidence: 'possible', status: 'past' }]);
  });
});

describe('is silent', () => {
  it.each([
    ['where connections time out before an empty queue', hop([0, 0, 0], 128, { symptoms: [symptomOf('connect-timeout')] }), kernel({ ListenOverflows: 9 })],
    ['where something waits and nothing fails', hop([2, 1, 0], 128, { symptoms: [] }), kernel({})],
    ['where nobody listens', hop([0], 128, { peer: peerOf({ listeners: [] }) }), kernel({})],
    ['about another host', hop([0], 128, { peer: peerOf({ local: false }) }), kernel({})],
  ] as const)('%s', (_, one, resources) => {
    expect(found(one, resources)).toEqual([]);
  });
});
