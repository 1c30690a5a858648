import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import restartWindow from './restart-window.ts';
import { detections, eventOf, hopOf, lostHop, nowMs, peerOf, probeOf, processOf, serviceOf, symptomOf, unitOf, without } from './testing.ts';

const fault = restartWindow as unknown as Fault;
const burst = (agoMs: number) =>
  symptomOf('connect-refused', {
    ongoing: false,
    firstMs: nowMs - agoMs,
    lastMs: nowMs - agoMs + 2000,
    buckets: { widthMs: 10_000, starts: [nowMs - agoMs], counts: [5] },
  });
const started = eventOf('started', 297_000, { text: 'Started orders.service - orders.' });

describe('restart-window fires', () => {
  it('where the refused requests fall just before a start', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [burst(300_000)], events: [started] })] })).toMatchObject([
      { confidence: 'confirmed', status: 'past', messageId: 'once', data: { count: 5 }, symptoms: [burst(300_000).id] },
    ]);
  });

  it('as no more than possible where nobody was asked and nothing has succeeded since', () => {
    const facts = { hops: [hopOf({ symptoms: [{ ...burst(300_000), ongoing: true }], events: [started], probes: [] })] };
    expect(detections(fault, facts, { probing: false })).toMatchObject([{ confidence: 'possible', messageId: 'unproven' }]);
    expect(detections(fault, { ...facts, 'nginx-access-log': { lastGoodMs: nowMs - 1000 } }, { probing: false })).toMatchObject([{ messageId: 'once' }]);
  });

  it('as no more than possible where systemd started it by itself, and the journal is closed to this user', () => {
    const unit = unitOf({ activeEnterMs: nowMs - 297_000, restarts: 1 });
    const found = (journal: SystemdUnit['journal']) => detections(fault, { hops: [hopOf({ unit: { ...unit, journal }, symptoms: [burst(300_000)] })] });
    expect(found([])).toMatchObject([{ confidence: 'possible' }]);
    expect(found([{ timeMs: nowMs - 297_000, identifier: 'systemd', text: 'Started orders.service - orders.' }])).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('by the time of the unit alone', () => {
    const unit = unitOf({ activeEnterMs: nowMs - 297_000 });
    expect(detections(fault, { hops: [hopOf({ unit, symptoms: [burst(300_000)] })] })).toMatchObject([{ status: 'past' }]);
  });
});

it('is over where the service answers and nginx turns requests away by its marks', () => {
  const refused = symptomOf('connect-refused', {
    firstMs: nowMs - 4000,
    lastMs: nowMs - 3500,
    buckets: { widthMs: 10_000, starts: [nowMs - 4000], counts: [2] },
  });
  const away = symptomOf('no-live-upstreams', {
    firstMs: nowMs - 3400,
    lastMs: nowMs - 100,
    buckets: { widthMs: 10_000, starts: [nowMs - 3400], counts: [20] },
  });
  const events = [eventOf('stopped', 4200), eventOf('started', 3000)];
  const found = (own: ReturnType<typeof probeOf>) =>
    detections(fault, { hops: [hopOf({ symptoms: [refused], groupSymptoms: [away], events, own, probes: [own] })] });
  expect(found(probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } }))).toMatchObject([{ status: 'past' }]);
  expect(found(probeOf({ state: 'answered', speaks: 'other', answer: { complete: true } }))).toMatchObject([{ status: 'active' }]);
  expect(found(probeOf({ state: 'no-answer' }))).toMatchObject([{ status: 'active' }]);
});

it('knows a reload of php-fpm that broke off what was under way', () => {
  const cut = symptomOf('reset', {
    ongoing: false,
    firstMs: nowMs - 9_000,
    lastMs: nowMs - 8_900,
    count: 11,
    buckets: { widthMs: 10_000, starts: [nowMs - 9_000], counts: [11] },
  });
  const found = (text: string) =>
    detections(fault, {
      hops: [hopOf({ service: serviceOf({ kind: 'php-fpm' }), symptoms: [cut], events: [eventOf('stopped', 9_000, { text }), eventOf('started', 8_500)] })],
    });
  expect(found('NOTICE: Reloading in progress ...')).toMatchObject([{ confidence: 'confirmed', status: 'past', fixData: { isReload: true } }]);
  expect(found('NOTICE: exiting, bye-bye!')[0]?.fixData).not.toHaveProperty('isReload');
});

describe('restart-window, while the service has not come so far as to listen', () => {
  const starting = unitOf({ activeState: 'activating', subState: 'start-pre', mainPid: 0 });

  it('is sure where systemd says that it is being started', () => {
    const said = { timeMs: nowMs - 20_000, identifier: 'systemd', text: 'Starting orders.service - orders...' };
    expect(detections(fault, { hops: [lostHop({ unit: { ...starting, journal: [said] } })] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'starting', data: { since: ' since 2026-11-21T07:59:40Z' }, fixData: { isStarting: true } },
    ]);
    const hop = lostHop();
    expect(detections(fault, { hops: [without(hop, 'service', 'unit')], 'systemd-units': [starting] })).toMatchObject([{ messageId: 'starting' }]);
  });

  it('is less sure of a process that was started lately, and silent of one that runs for long or listens elsewhere', () => {
    const found = (ageMs: number, change: object = {}, unit = unitOf()) =>
      detections(fault, {
        hops: [lostHop({ unit, service: serviceOf({ listening: [] }), master: processOf(100, { ppid: 1, startMs: nowMs - ageMs }), ...change })],
      });
    expect(found(9_000)).toMatchObject([{ confidence: 'likely', messageId: 'starting', status: 'active' }]);
    expect(found(100)).toMatchObject([{ confidence: 'possible' }]);
    expect(found(9_000, {}, unitOf({ mainPid: 44 }))).toMatchObject([{ confidence: 'possible' }]);
    expect(found(600_000)).toEqual([]);
    expect(found(9_000, {}, unitOf({ type: 'notify' }))).toEqual([]);
    expect(found(9_000, { service: serviceOf() })).toEqual([]);
    expect(found(9_000, { symptoms: [symptomOf('connect-refused', { ongoing: false })] })).toEqual([]);
  });

  it('knows requests that wait in a socket while nobody takes them yet', () => {
    const late = symptomOf('read-timeout', { firstMs: nowMs - 8_000 });
    const load = { serviceId: 'unit:orders.service', workers: 2, busyAlways: 0, busyEver: 0, queue: [7, 8, 8], backlog: 2048, how: '' };
    const workers = (ageMs: number) => [processOf(101, { startMs: nowMs - ageMs }), processOf(102, { startMs: nowMs - ageMs })];
    const service = serviceOf({ manager: 'prefork' });
    const access = { lastGoodMs: nowMs - 10_000 };
    const found = (change: object, seen: object = access) =>
      detections(fault, { hops: [hopOf({ service, symptoms: [late], load, workers: workers(9_000), ...change })], 'nginx-access-log': seen });
    expect(found({})).toMatchObject([{ confidence: 'likely', messageId: 'held', status: 'active', symptoms: [late.id] }]);
    expect(found({ unit: unitOf({ activeState: 'activating', subState: 'start' }), workers: [] })).toMatchObject([
      { confidence: 'confirmed', messageId: 'held' },
    ]);
    const { load: _load, ...unseen } = hopOf({ symptoms: [late], unit: unitOf({ activeState: 'activating', subState: 'start' }), load });
    const queued = { ...unseen, peer: peerOf({ listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 8017, queue: 3, backlog: 9, pids: [] }] }) };
    expect(detections(fault, { hops: [queued] })).toMatchObject([{ confidence: 'confirmed', messageId: 'held' }]);
    expect(detections(fault, { hops: [unseen] })).toEqual([]);
    for (const change of [{ workers: workers(600_000) }, { load: { ...load, busyEver: 1 } }, { load: { ...load, queue: [0, 3, 0] } }])
      expect(found(change)).toEqual([]);
    expect(found({ service: serviceOf({ manager: 'event-loop' }) })).toEqual([]);
    expect(found({ workers: [processOf(101, { state: 'T', startMs: nowMs - 9_000 })] })).toEqual([]);
    expect(found({}, { lastGoodMs: nowMs - 2_000 })).toEqual([]);
    expect(found({}, {})).toEqual([]);
  });

  it('leaves a unit in a restart loop to others', () => {
    expect(detections(fault, { hops: [lostHop({ unit: { ...starting, subState: 'auto-restart', restarts: 4 } })] })).toEqual([]);
  });
});

describe('restart-window, where failures go on though it answers', () => {
  const answered = probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });
  const noFile = (firstMs: number) =>
    symptomOf('connect-no-file', { firstMs, lastMs: nowMs - 500, ongoing: true, buckets: { widthMs: 10_000, starts: [firstMs], counts: [20] } });
  const found = (agoMs: number, events: readonly ReturnType<typeof eventOf>[]) =>
    detections(fault, { hops: [hopOf({ symptoms: [noFile(nowMs - agoMs)], events, own: answered, probes: [answered] })] });

  it('is silent where they began in the second of its first start, as what else was done then may be behind them', () => {
    expect(found(4000, [eventOf('started', 3600)])).toEqual([]);
  });

  it('is not sure where something was stopped for it', () => {
    expect(found(4000, [eventOf('stopped', 3900), eventOf('started', 3600)])).toMatchObject([{ confidence: 'likely', status: 'active' }]);
  });
});

it('is over where it answers and nothing of it failed after the start, though others fail beside it', () => {
  const answered = probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });
  const noFile = (lastAgoMs: number) =>
    symptomOf('connect-no-file', {
      firstMs: nowMs - 5000,
      lastMs: nowMs - lastAgoMs,
      ongoing: true,
      buckets: { widthMs: 10_000, starts: [nowMs - 5000], counts: [4] },
    });
  const found = (lastAgoMs: number, starts: readonly number[]) =>
    detections(fault, {
      hops: [
        hopOf({
          symptoms: [noFile(lastAgoMs)],
          events: starts.flatMap(agoMs => [eventOf('stopped', agoMs + 300), eventOf('started', agoMs)]),
          own: answered,
          probes: [answered],
        }),
      ],
    });
  expect(found(3800, [3600])).toMatchObject([{ confidence: 'confirmed', status: 'past' }]);
  expect(found(600, [3600])).toMatchObject([{ confidence: 'likely', status: 'active' }]);
  // What the stop broke off happened once, and what was refused until it listened happens no more.
  const reset = symptomOf('reset', { firstMs: nowMs - 3900, lastMs: nowMs - 3900, ongoing: true, count: 1, errorGroups: [] });
  const slow = { ...noFile(1200), class: 'connect-refused', id: 'slow', ongoing: false } as const;
  const hop = hopOf({ symptoms: [reset, slow], events: [eventOf('stopped', 3900), eventOf('started', 3600)], own: answered, probes: [answered] });
  expect(detections(fault, { hops: [hop] })).toMatchObject([{ status: 'past' }]);
  // It is restarted again and again.
  expect(found(1300, [9600, 1200])).toMatchObject([{ status: 'active' }]);
  expect(found(3800, [3600, 1900])).toMatchObject([{ status: 'past' }]);
});

describe('restart-window is silent', () => {
  it('where nobody listens', () => {
    expect(detections(fault, { hops: [lostHop({ events: [started] })] })).toEqual([]);
  });

  it('where the requests failed long before the start, or long after it', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [burst(600_000)], events: [started] })] })).toEqual([]);
    expect(detections(fault, { hops: [hopOf({ symptoms: [burst(100_000)], events: [started] })] })).toEqual([]);
  });

  it('where the failures began seconds after its first start, and nothing was stopped for it', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [burst(293_000)], events: [started] })] })).toEqual([]);
  });

  it('where the failures began in the second after its first start', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [burst(296_000)], events: [started] })] })).toEqual([]);
  });

  it('where it is started again and again by itself', () => {
    const unit = unitOf({ restarts: 5, activeEnterMs: nowMs - 1000 });
    const events = [50_000, 30_000, 1000].map(agoMs => eventOf('started', agoMs, { text: 'Started orders.service.' }));
    expect(detections(fault, { hops: [hopOf({ unit, symptoms: [burst(50_000)], events })] })).toEqual([]);
  });

  it('where workers broke off and nothing was stopped', () => {
    const cut = symptomOf('premature-close', {
      ongoing: false,
      firstMs: nowMs - 300_000,
      lastMs: nowMs - 298_000,
      buckets: { widthMs: 10_000, starts: [nowMs - 300_000], counts: [5] },
    });
    expect(detections(fault, { hops: [hopOf({ symptoms: [cut], events: [started] })] })).toEqual([]);
  });

  it('where requests break off after a restart, by the watchdog or by themselves', () => {
    const stopped = eventOf('stopped', 299_000);
    const cut = (agoMs: number, ms: number) =>
      symptomOf('premature-close', { firstMs: nowMs - agoMs, lastMs: nowMs - agoMs + ms, buckets: { widthMs: 10_000, starts: [nowMs - agoMs], counts: [5] } });
    const found = (symptom: ReturnType<typeof cut>, more: readonly ReturnType<typeof eventOf>[] = []) =>
      detections(fault, { hops: [hopOf({ symptoms: [symptom], events: [stopped, started, ...more] })] });
    expect(found(cut(299_500, 1000))).toHaveLength(1);
    expect(found(cut(296_000, 6000))).toEqual([]);
    expect(found(cut(299_500, 1000), [eventOf('request-killed', 298_500)])).toEqual([]);
  });

  it('where a start made it break off what it is asked, by the second that the log has', () => {
    const events = [eventOf('stopped', 2500), eventOf('started', 2000)];
    const cut = (lastAgoMs: number, kind: 'truncated' | 'premature-close') =>
      symptomOf(kind, { firstMs: nowMs - 2900, lastMs: nowMs - lastAgoMs, buckets: { widthMs: 10_000, starts: [nowMs - 2900], counts: [23] } });
    const found = (symptom: ReturnType<typeof cut>) => detections(fault, { hops: [hopOf({ symptoms: [symptom], events })] });
    for (const kind of ['truncated', 'premature-close'] as const) {
      expect(found(cut(1900, kind))).toHaveLength(1);
      expect(found(cut(900, kind))).toEqual([]);
    }
  });

  it('where it breaks off what it is asked to this moment', () => {
    const events = [eventOf('stopped', 2500), eventOf('started', 2000)];
    const cut = symptomOf('premature-close', {
      firstMs: nowMs - 2900,
      lastMs: nowMs - 1900,
      buckets: { widthMs: 10_000, starts: [nowMs - 2900], counts: [20] },
    });
    const found = (own: ReturnType<typeof probeOf>) => detections(fault, { hops: [hopOf({ symptoms: [cut], events, own, probes: [own] })] });
    expect(found(probeOf({ state: 'connected' }))).toHaveLength(1);
    expect(found(probeOf({ state: 'closed', how: 'end' }))).toEqual([]);
  });

  it('where it was away for minutes', () => {
    const buckets = {
      widthMs: 10_000,
      starts: Array.from({ length: 13 }, (_, index) => nowMs - 430_000 + index * 10_000),
      counts: Array.from({ length: 13 }, () => 3),
    };
    const long = symptomOf('connect-refused', { ongoing: false, firstMs: nowMs - 430_000, lastMs: nowMs - 300_000, buckets });
    expect(
      detections(fault, { hops: [hopOf({ symptoms: [long], events: [eventOf('stopped', 431_000, { text: 'Stopped orders.service.' }), started] })] }),
    ).toEqual([]);
  });
});
