import { describe, expect, it } from 'vitest';
import type { Service, ServiceLoad } from './facts/backend.ts';
import { poolEvidence, poolState } from './pool-state.ts';

const service = (manager: NonNullable<Service['manager']>, workersMax?: number): Service => ({
  id: 'unit:x.service',
  kind: 'gunicorn',
  name: 'x',
  workerPids: [1, 2, 3, 4],
  listening: [],
  configuredListen: [],
  manager,
  ...(workersMax === undefined ? {} : { workersMax: { value: workersMax, source: 'x' } }),
  configFiles: [],
  logFiles: [],
});
const load = (change: Partial<ServiceLoad>): ServiceLoad => ({
  serviceId: 'unit:x.service',
  workers: 4,
  busyAlways: 4,
  busyEver: 4,
  queue: [0, 0, 0],
  backlog: 100,
  how: '',
  ...change,
});
const isFull = (manager: NonNullable<Service['manager']>, change: Partial<ServiceLoad>, workersMax?: number) =>
  poolState({ service: service(manager, workersMax), load: load(change) })?.isFull;

describe('a pool', () => {
  it('is full where all are busy in each look', () => {
    expect(isFull('prefork', {})).toBe(true);
    expect(isFull('prefork', { busyAlways: 3 })).toBe(false);
  });

  it('is full although one look fell between two requests, while others wait all the time', () => {
    expect(isFull('prefork', { busyAlways: 3, queue: [9, 8, 9] })).toBe(true);
    expect(isFull('prefork', { busyAlways: 3, queue: [9, 0, 9] })).toBe(false);
    expect(isFull('prefork', { busyAlways: 2, queue: [9, 3, 9] })).toBe(false);
    // As many wait as there are workers.
    expect(isFull('prefork', { busyAlways: 2, queue: [9, 4, 9] })).toBe(true);
    expect(isFull('prefork', { busyAlways: 2, busyEver: 3, queue: [9, 4, 9] })).toBe(false);
    expect(isFull('prefork', { busyAlways: 3, busyEver: 3, queue: [9, 8, 9] })).toBe(false);
  });

  it('counts what threads have accepted and not read as waiting', () => {
    const state = poolState({ service: service('threads', 4), load: load({ unread: [3, 5, 4] }) });
    expect(state).toMatchObject({ isFull: true, waiting: { least: 3, most: 5 }, isQueueFull: false });
    expect(state === undefined ? '' : poolEvidence(state).text).toContain('and 3, 5, 4 accepted that no thread has read');
  });

  it('may still grow where it starts workers on demand', () => {
    expect(isFull('dynamic', {}, 8)).toBe(false);
    expect(isFull('dynamic', {}, 4)).toBe(true);
  });

  it('is no event loop, unless code holds all its processes up and requests wait', () => {
    expect(isFull('event-loop', {})).toBeUndefined();
    expect(isFull('event-loop', { loops: { heldUp: 4, waiting: [6, 7, 7] }, finished: 2 })).toBe(true);
    expect(isFull('event-loop', { loops: { heldUp: 3, waiting: [6, 7, 7] }, finished: 2 })).toBe(false);
    expect(isFull('event-loop', { loops: { heldUp: 4, waiting: [0, 0, 0] }, finished: 2 })).toBe(false);
    // Nothing comes to an end: it may as well hang.
    expect(isFull('event-loop', { loops: { heldUp: 4, waiting: [6, 7, 7] }, finished: 0 })).toBe(false);
  });
});
