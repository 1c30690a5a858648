import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ServiceLoad } from '../../model/facts/backend.ts';
import hung from './backend-hung.ts';
import { detections, hopOf, nowMs, probeOf, processOf, routeOf, serviceOf, symptomOf } from './testing.ts';

const fault = hung as unknown as Fault;
const late = symptomOf('read-timeout');
const mute = probeOf({ state: 'no-answer' }, 3000);
const well = probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });
const load = (change: Partial<ServiceLoad> = {}): ServiceLoad => ({
  serviceId: 'unit:orders.service',
  workers: 2,
  busyAlways: 0,
  busyEver: 0,
  queue: [0, 0, 0],
  backlog: 2048,
  how: '',
  cpuMs: 0,
  sampledMs: 300,
  finished: 0,
  states: { S: 2 },
  ...change,
});
const buckets = (all: number, failed: number) => ({
  byPeer: [],
  buckets: { all: { widthMs: 10_000, starts: [nowMs - 30_000], counts: [all] }, failed: { widthMs: 10_000, starts: [nowMs - 30_000], counts: [failed] } },
});

const noBuckets = { buckets: { all: { widthMs: 10_000, starts: [], counts: [] }, failed: { widthMs: 10_000, starts: [], counts: [] } } };

describe('backend-hung fires', () => {
  it('where all workers are stopped', () => {
    const hop = hopOf({ symptoms: [late], workers: [processOf(101, { state: 'T' }), processOf(102, { state: 'T' })], probes: [mute], own: mute });
    expect(detections(fault, { hops: [hop] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'frozen', symptoms: [late.id], fixData: { isStopped: true, pids: [101, 102] } },
    ]);
  });

  it('where all sleep in the kernel in every look and nothing answers', () => {
    const workers = [processOf(101, { state: 'D', wchan: 'nfs_wait_bit_killable' }), processOf(102, { state: 'D' })];
    const hop = hopOf({ symptoms: [late], workers, probes: [mute], own: mute, load: load({ states: { D: 2 } }) });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'confirmed', messageId: 'frozen', fixData: { isStopped: false } }]);
  });

  it('where all workers wait for a lock', () => {
    const hop = hopOf({
      symptoms: [late],
      probes: [mute],
      own: mute,
      load: load({ busyAlways: 2, busyEver: 2, queue: [3, 4, 4], waits: { locks_lock_inode_wait: 2 } }),
    });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'likely', messageId: 'locked' }]);
  });

  it('as possible where a server with a number of workers could not be watched, which may all be at work', () => {
    const found = (manager: 'prefork' | 'event-loop') =>
      detections(fault, { hops: [hopOf({ service: serviceOf({ manager }), symptoms: [late], probes: [mute], own: mute })] });
    expect(found('prefork')).toMatchObject([{ confidence: 'possible', messageId: 'silent' }]);
    expect(found('event-loop')).toMatchObject([{ confidence: 'likely', messageId: 'silent' }]);
  });

  it('where an event loop takes no more connections', () => {
    const hop = hopOf({
      service: serviceOf({ kind: 'node', manager: 'event-loop' }),
      symptoms: [late],
      probes: [mute],
      own: mute,
      load: load({ queue: [4, 5, 5], cpuMs: 300 }),
    });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'confirmed', messageId: 'blocked' }]);
  });

  it('where it accepts, stays silent, and nothing has succeeded since', () => {
    const hop = hopOf({ symptoms: [late], probes: [mute], own: mute, load: load() });
    expect(detections(fault, { hops: [hop], 'nginx-access-log': buckets(5, 5) })).toMatchObject([{ confidence: 'likely', messageId: 'silent' }]);
  });
});

describe('backend-hung where nginx waits longer than badhop', () => {
  const found = (ms: number) => {
    const settings = { read_timeout: { directive: 'proxy_read_timeout', args: [`${ms}ms`], ms, origin: { kind: 'default', version: '1' } as const } };
    const hop = hopOf({ routes: [routeOf({ settings })], symptoms: [late], probes: [mute], own: mute, load: load() });
    return detections(fault, { hops: [hop], 'nginx-access-log': buckets(5, 5) });
  };

  it('is only possible while a slow page would look the same', () => {
    expect(found(4000)).toMatchObject([{ confidence: 'possible', messageId: 'late', data: { waited: 3, limit: 4 } }]);
  });

  it('is likely where either of them waited long enough', () => {
    expect(found(1000)).toMatchObject([{ confidence: 'likely', messageId: 'silent' }]);
    expect(found(60_000)).toMatchObject([{ confidence: 'likely', messageId: 'silent' }]);
  });
});

describe('backend-hung is silent', () => {
  it('where all workers are at work: that is a full pool', () => {
    const hop = hopOf({
      symptoms: [late],
      probes: [mute],
      own: mute,
      load: load({ busyAlways: 2, busyEver: 2, queue: [3, 4, 4], waits: { hrtimer_nanosleep: 2 } }),
    });
    expect(detections(fault, { hops: [hop] })).toEqual([]);
  });

  it('where it answers a direct question', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [late], probes: [well], own: well })] })).toEqual([]);
  });

  it('where other requests succeed meanwhile', () => {
    const hop = hopOf({ symptoms: [late], probes: [mute], own: mute, load: load() });
    expect(detections(fault, { hops: [hop], 'nginx-access-log': buckets(50, 5) })).toEqual([]);
  });

  it('where it alone serves, and something succeeded after failures that are younger than a bucket', () => {
    const young = { ...late, firstMs: nowMs - 4000 };
    const hop = hopOf({ routes: [routeOf()], symptoms: [young], probes: [mute], own: mute, load: load() });
    const other = hopOf({ ...hop, peer: { ...hop.peer, id: '127.0.0.1:9' } });
    const found = (lastGoodMs: number, hops: readonly (typeof hop)[] = [hop], byPeer: readonly object[] = []) =>
      detections(fault, { hops, 'nginx-access-log': { ...buckets(50, 5), ...noBuckets, lastGoodMs, byPeer } });
    const counted = { key: '127.0.0.1:9', total: 5, failed: 0 };
    expect(found(nowMs - 1000)).toEqual([]);
    expect(found(nowMs - 3500)).toMatchObject([{ messageId: 'silent' }]);
    expect(found(nowMs - 1000, [hop, other], [counted])).toMatchObject([{ messageId: 'silent' }, {}]);
    expect(found(nowMs - 1000, [hop, { ...other, symptoms: [] }], [{ ...counted, failed: 5 }])).toEqual([]);
  });

  it('where one worker waits for the disk for a moment', () => {
    const workers = [processOf(101, { state: 'D' }), processOf(102)];
    expect(detections(fault, { hops: [hopOf({ symptoms: [late], workers, probes: [well], own: well })] })).toEqual([]);
  });

  it('where nothing fails any more', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [{ ...late, ongoing: false }], probes: [well], own: well })] })).toEqual([]);
  });
});
