import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import slower from './backend-slower-than-timeout.ts';
import { detections, eventOf, hopOf, probeOf, routeOf, serviceOf, symptomOf } from './testing.ts';

const fault = slower as unknown as Fault;
const late = symptomOf('read-timeout');
const answered = { state: 'answered', speaks: 'http', answer: { status: 200, complete: true } } as const;
const quick = probeOf(answered, 12);
const slow = probeOf(answered, 4200);
const limit = routeOf({
  settings: {
    read_timeout: { directive: 'proxy_read_timeout', args: ['2s'], ms: 2000, origin: { kind: 'file', path: '/etc/nginx/sites-enabled/orders', line: 4 } },
  },
});
const full = { serviceId: 'unit:orders.service', workers: 2, busyAlways: 2, busyEver: 2, queue: [9, 9, 9], backlog: 2048, how: '' };

describe('backend-slower-than-timeout fires', () => {
  it('where the page itself was answered later than nginx waits', () => {
    const hop = hopOf({ routes: [limit], symptoms: [late], probes: [quick, slow], own: quick });
    expect(detections(fault, { hops: [hop] })).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'measured',
        data: { took: '4.2', limit: '2 s' },
        symptoms: [late.id],
        fixData: { tookMs: 4200, limitMs: 2000, routeId: 'r' },
      },
    ]);
  });

  it('as likely where that question may have waited behind others', () => {
    const load = { ...full, busyAlways: 0, queue: [1, 0, 0] };
    const [detection] = detections(fault, { hops: [hopOf({ routes: [limit], symptoms: [late], probes: [quick, slow], own: quick, load })] });
    expect(detection).toMatchObject({ confidence: 'likely', messageId: 'measured' });
    const alone = { ...load, queue: [0, 0, 0] };
    expect(detections(fault, { hops: [hopOf({ routes: [limit], symptoms: [late], probes: [quick, slow], own: quick, load: alone })] })).toMatchObject([
      { confidence: 'confirmed' },
    ]);
  });

  it('as likely where every answer is late and nobody may see whether they wait for a worker', () => {
    const hop = hopOf({ routes: [limit], symptoms: [late], probes: [slow], own: slow });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'likely', messageId: 'unwatched' }]);
    const loop = serviceOf({ kind: 'node', manager: 'event-loop' });
    expect(detections(fault, { hops: [{ ...hop, service: loop }] })).toMatchObject([{ confidence: 'confirmed', messageId: 'measured' }]);
  });

  it('as likely where it answers something else at once', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [late], probes: [quick], own: quick })] })).toMatchObject([
      { confidence: 'likely', messageId: 'some' },
    ]);
  });

  it("as likely by the backend's slow log", () => {
    const hop = hopOf({ symptoms: [late], probes: [quick], own: quick, events: [eventOf('slow-request', 30_000)] });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'likely', messageId: 'logged' }]);
  });

  it('as likely where an answer had begun and its rest did not come, whoever was asked', () => {
    const cut = symptomOf('truncated');
    const stall = { ...cut, errorGroups: cut.errorGroups.map(group => ({ ...group, messageId: 'upstream-timed-out' })) };
    expect(detections(fault, { hops: [hopOf({ symptoms: [stall], probes: [] })] })).toMatchObject([
      { confidence: 'likely', status: 'active', messageId: 'stalled', symptoms: [stall.id] },
    ]);
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], probes: [] })] })).toEqual([]);
  });

  it('as past where it has stopped', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [{ ...late, ongoing: false }] })] })).toMatchObject([{ confidence: 'possible', status: 'past' }]);
  });
});

describe('backend-slower-than-timeout is silent', () => {
  it('where all workers are busy and requests wait', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [late], probes: [quick], own: quick, load: full })] })).toEqual([]);
  });

  it('where nothing is answered at all', () => {
    const mute = probeOf({ state: 'no-answer' }, 3000);
    expect(detections(fault, { hops: [hopOf({ symptoms: [late], probes: [mute], own: mute })] })).toEqual([]);
  });

  it('where the connection is not made', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('connect-timeout')], probes: [quick], own: quick })] })).toEqual([]);
  });
});
