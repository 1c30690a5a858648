import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import killedByTimeout from './worker-killed-by-timeout.ts';
import { detections, eventOf, hopOf, serviceOf, symptomOf } from './testing.ts';

const fault = killedByTimeout as unknown as Fault;
const cut = symptomOf('premature-close');
const line = eventOf('request-killed', 2500, { pid: 101, text: 'WORKER TIMEOUT (pid:101)' });
const service = serviceOf({ requestTimeoutMs: { value: 2000, source: 'argv of 100' } });

describe('worker-killed-by-timeout fires', () => {
  it("where the watchdog's line and a broken request fall together", () => {
    expect(detections(fault, { hops: [hopOf({ service, symptoms: [cut], events: [line] })] })).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'limit',
        data: { limit: '2 s', proxy: '60 s', watchdog: '--timeout' },
        symptoms: [cut.id],
        fixData: { limitMs: 2000, proxyMs: 60_000 },
      },
    ]);
  });

  it('by durations that lie together where the setting is not known', () => {
    const events = [eventOf('request-killed', 9000, { seconds: 4.1 }), eventOf('request-killed', 2500, { seconds: 4.6 })];
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], events })] })).toMatchObject([{ messageId: 'limit', data: { limit: '4 s' } }]);
  });

  it('as past where it has stopped', () => {
    expect(detections(fault, { hops: [hopOf({ service, symptoms: [{ ...cut, ongoing: false }], events: [line] })] })).toMatchObject([{ status: 'past' }]);
  });
});

describe('worker-killed-by-timeout is silent', () => {
  it('where a worker died without a watchdog', () => {
    expect(detections(fault, { hops: [hopOf({ service, symptoms: [cut], events: [eventOf('worker-signal', 2000, { signal: 11 })] })] })).toEqual([]);
  });

  it('where the watchdog killed at another time than the requests broke off', () => {
    const old = { ...line, timeMs: line.timeMs - 500_000 };
    expect(detections(fault, { hops: [hopOf({ service, symptoms: [cut], events: [old] })] })).toEqual([]);
  });

  it('where no request broke off', () => {
    expect(detections(fault, { hops: [hopOf({ service, events: [line] })] })).toEqual([]);
  });

  it('where nginx gave up first', () => {
    expect(detections(fault, { hops: [hopOf({ service, symptoms: [symptomOf('read-timeout')], events: [line] })] })).toEqual([]);
  });
});
