import { describe, expect, it } from 'vitest';
import type { ServiceLoad } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import { address, detections, eventOf, hopOf, nowMs, probeOf, serviceOf, symptomOf } from '../backend/testing.ts';
import fault from './worker-pool-exhausted.ts';

const load = (change: Partial<ServiceLoad> = {}): ServiceLoad => ({
  serviceId: 'unit:orders.service',
  workers: 4,
  busyAlways: 4,
  busyEver: 4,
  queue: [7, 9, 8],
  backlog: 128,
  how: 'connections',
  states: { S: 4 },
  waits: { poll_schedule_timeout: 4 },
  cpuMs: 0,
  sampledMs: 300,
  finished: 1,
  ...change,
});
const pool = serviceOf({
  workerPids: [101, 102, 103, 104],
  workersMax: { value: 4, source: 'file:/etc/pool.conf:7', text: 'pm.max_children = 4' },
  manager: 'static',
  kind: 'php-fpm',
});
const hop = (change: Partial<Hop> = {}): Hop => hopOf({ service: pool, load: load(), symptoms: [symptomOf('read-timeout')], ...change });
const found = (one: Hop) => detections(fault, { hops: [one], symptoms: [...one.symptoms] });

describe('fires', () => {
  it('where all workers were busy and requests waited in every look', () => {
    expect(found(hop())).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'full',
        subject: { kind: 'service' },
        symptoms: [`read-timeout@${address}`],
        data: { all: 'All 4 workers', waiting: '7 to 9 requests wait' },
        evidence: [
          { text: '4 of 4 workers busy in 3 samples over 300 ms; accept queue 7, 9, 8 of 128; 1 connections finished meanwhile' },
          { source: 'config:/etc/pool.conf:7' },
          {},
        ],
      },
    ]);
  });

  it('where no log tells of failures yet, and a probe gets no byte', () => {
    const symptoms = [{ ...symptomOf('read-timeout'), id: 'probe', class: 'probe-failed' as const, count: 0, errorGroups: [] }];
    expect(found(hop({ symptoms, own: probeOf({ state: 'no-answer' }, 3000) }))).toMatchObject([{ confidence: 'confirmed', symptoms: ['probe'] }]);
  });

  it('and says that the full queue turns requests away', () => {
    const [detection] = found(hop({ load: load({ queue: [129, 128, 129] }), symptoms: [symptomOf('connect-queue-full')] }));
    expect(detection?.data['queue']).toContain('full accept queue of 128');
  });

  it('less surely where nothing waits', () => {
    expect(found(hop({ load: load({ queue: [0, 1, 0] }) }))).toMatchObject([{ confidence: 'likely', messageId: 'busy' }]);
    const one = { ...symptomOf('read-timeout'), urlTemplate: '/report' };
    expect(found(hop({ load: load({ queue: [0, 1, 0] }), symptoms: [one] }))).toMatchObject([{ confidence: 'possible' }]);
  });

  it('for the past, where php-fpm said so at the time of the failures', () => {
    const past = symptomOf('connect-queue-full', { ongoing: false, firstMs: nowMs - 400_000, lastMs: nowMs - 300_000 });
    const one = hop({ load: load({ busyAlways: 0, busyEver: 1, queue: [0, 0, 0] }), symptoms: [past], events: [eventOf('pool-full', 350_000)] });
    expect(found(one)).toMatchObject([{ confidence: 'likely', status: 'past', messageId: 'said' }]);
  });
});

describe('is silent', () => {
  const quiet: readonly (readonly [string, Hop])[] = [
    ['about a full pool that fails nobody', hop({ symptoms: [] })],
    ['where workers are free', hop({ load: load({ busyAlways: 2, busyEver: 3, queue: [0, 1, 0] }) })],
    ['where one worker of many hangs', hop({ load: load({ busyAlways: 1, busyEver: 1, queue: [0, 0, 0] }) })],
    ['where the workers are stopped', hop({ load: load({ states: { T: 4 } }) })],
    ['where all wait for one lock and nothing is finished', hop({ load: load({ waits: { locks_lock_inode_wait: 4 }, finished: 0 }) })],
    [
      'about a pool that may still grow',
      hop({ service: { ...pool, manager: 'dynamic', workersMax: { value: 9, source: 'x' } }, load: load({ queue: [0, 0, 1] }) }),
    ],
    ['about an event loop', hop({ service: serviceOf({ manager: 'event-loop', kind: 'node' }) })],
    ['about errors of another kind', hop({ symptoms: [symptomOf('connect-refused')] })],
    [
      "with php-fpm's warning alone, long after the failures",
      hop({
        load: load({ busyAlways: 0, queue: [0, 0, 0] }),
        symptoms: [symptomOf('read-timeout', { ongoing: false, firstMs: nowMs - 800_000, lastMs: nowMs - 700_000 })],
        events: [eventOf('pool-full', 60_000)],
      }),
    ],
  ];
  it.each(quiet)('%s', (_, one) => {
    expect(found(one)).toEqual([]);
  });
});
