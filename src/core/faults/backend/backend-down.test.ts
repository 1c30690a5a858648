import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import backendDown from './backend-down.ts';
import { address, detections, eventOf, hopOf, lostHop, nowMs, peerOf, probeOf, serviceOf, symptomOf, unitOf, without } from './testing.ts';

const fault = backendDown as unknown as Fault;
const stopped = unitOf({ activeState: 'inactive', subState: 'dead', mainPid: 0, inactiveEnterMs: nowMs - 61_000 });

describe('backend-down fires', () => {
  it('where the unit of the service was stopped', () => {
    const [found, ...rest] = detections(fault, { hops: [lostHop({ unit: stopped })] });
    expect(rest).toEqual([]);
    expect(found).toMatchObject({
      confidence: 'confirmed',
      status: 'active',
      subject: { kind: 'unit', id: 'unit:orders.service' },
      symptoms: [`connect-refused@${address}`],
      fixData: { unit: 'orders.service', sure: true },
    });
  });

  it('saying that the kernel may have killed it, where this user may not read the log of the kernel', () => {
    const killed = unitOf({ activeState: 'failed', result: 'signal', execMainStatus: 9, inactiveEnterMs: nowMs - 61_000 });
    const denied = { 'kernel-log': { state: 'denied', why: 'no' } };
    expect(detections(fault, { hops: [lostHop({ unit: killed })], ...denied })).toMatchObject([{ data: { result: expect.stringContaining('SIGKILL') } }]);
    expect(detections(fault, { hops: [lostHop({ unit: killed })], 'kernel-log': [] })).toMatchObject([{ data: { result: ' (result signal)' } }]);
  });

  it('once for all pools that one unit runs', () => {
    const other = lostHop({ unit: stopped, peer: peerOf({ id: 'unix:/run/b.sock', address: { kind: 'unix', path: '/run/b.sock' }, listeners: [] }) });
    const found = detections(fault, { hops: [lostHop({ unit: stopped }), other] });
    expect(found.map(one => one.subject.peers.toSorted())).toEqual([
      [address, 'unix:/run/b.sock'],
      [address, 'unix:/run/b.sock'],
    ]);
    expect(new Set(found.map(one => one.subject.id)).size).toBe(1);
  });

  it('where no service names the address and one unit fits best', () => {
    const unit = unitOf({ name: 'cart.service', execStart: '/usr/bin/node server.js', activeState: 'failed', execMainExitMs: nowMs - 60_500 });
    const lost = [{ peerId: address, found: [], stopped: [{ unit, signs: ['it ended when the requests began to fail'], weight: 4 }] }];
    const found = detections(fault, { hops: [without(lostHop(), 'service', 'unit')], 'systemd-units': [unit], 'lost-peers': lost });
    expect(found).toMatchObject([{ confidence: 'likely', subject: { name: 'cart.service' }, fixData: { sure: false } }]);
  });

  it('where a stopped unit logged the port once', () => {
    const line = { timeMs: nowMs - 7_000_000, identifier: 'node', text: 'listening on port 8017' };
    const unit = unitOf({
      name: 'cart.service',
      execStart: '/usr/bin/node server.js',
      activeState: 'inactive',
      inactiveEnterMs: nowMs - 3_000_000,
      journal: [line],
    });
    expect(detections(fault, { hops: [without(lostHop(), 'service', 'unit')], 'systemd-units': [unit] })).toMatchObject([
      { confidence: 'confirmed', messageId: 'probably' },
    ]);
  });

  it('where nothing here could be what listened', () => {
    expect(detections(fault, { hops: [without(lostHop(), 'service', 'unit')] })).toMatchObject([{ confidence: 'confirmed', messageId: 'gone' }]);
  });

  it('as likely where nobody listens, and requests were answered well after the first was refused', () => {
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 12_000, lastMs: nowMs - 500 });
    const found = (lastGoodMs: number, others: ReturnType<typeof lostHop>[] = []) =>
      detections(fault, {
        hops: [{ ...without(lostHop(), 'service', 'unit'), symptoms: [refused] }, ...others],
        'nginx-access-log': { lastGoodMs, total: 9, byPeer: [], byStatus: {} },
      });
    expect(found(nowMs - 1500)).toMatchObject([{ confidence: 'likely', messageId: 'flickers' }]);
    // Before it was stopped, and long ago.
    expect(found(nowMs - 12_000)).toMatchObject([{ confidence: 'confirmed', messageId: 'gone' }]);
    expect(found(nowMs - 60_000)).toMatchObject([{ confidence: 'confirmed', messageId: 'gone' }]);
  });

  it('as possible where nobody was asked, or a socket of others is closed to badhop', () => {
    const hop = without(lostHop(), 'service', 'unit');
    expect(detections(fault, { hops: [{ ...hop, probes: [] }] })).toMatchObject([{ confidence: 'possible', messageId: 'unasked' }]);
    const closed = {
      ...hop.probes[0],
      request: { kind: 'connect', address: { kind: 'unix', path: '/run/php/www.sock' } },
      outcome: { state: 'connect-failed', code: 'EACCES' },
    };
    expect(detections(fault, { hops: [hop], 'probe-results': [...hop.probes, closed] })).toMatchObject([
      { confidence: 'possible', messageId: 'closed', data: { sockets: 'unix:/run/php/www.sock' } },
    ]);
  });

  it('as possible for an address that a name of the configuration may have meant before', () => {
    const hop = without(lostHop(), 'service', 'unit');
    const former = { ...hop, peer: { ...hop.peer, onlyInLog: true } };
    const now = { ...hop, peer: { ...hop.peer, id: '127.0.0.9:8017', hostName: 'orders.internal' }, symptoms: [], probes: [], routes: [] };
    expect(detections(fault, { hops: [former, now] })).toMatchObject([{ confidence: 'possible', messageId: 'formerly', data: { names: 'orders.internal' } }]);
    expect(detections(fault, { hops: [former] })).toMatchObject([{ confidence: 'confirmed', messageId: 'gone' }]);
  });

  it('by the access log alone, where the error log keeps no errors and no probe was sent', () => {
    const symptom = symptomOf('connect-refused', { class: 'unattributed-5xx', status: 502, madeBy: 'unknown' });
    const found = (change: object) =>
      detections(fault, { hops: [lostHop({ probes: [], unit: stopped, symptoms: [{ ...symptom, ...change }] })], symptoms: [] });
    expect(found({})).toMatchObject([{ confidence: 'confirmed', messageId: 'unit' }]);
    expect(found({ ongoing: false })).toEqual([]);
    expect(found({ status: 504 })).toEqual([]);
  });

  it('as possible where another service answers that no upstream uses', () => {
    const probe = probeOf({ state: 'answered', speaks: 'http', answer: { complete: true } });
    const found = [{ address: { kind: 'tcp', host: '127.0.0.1', port: 9000 }, service: serviceOf({ id: 'pid:7' }), probe, signs: [], weight: 1, used: false }];
    expect(detections(fault, { hops: [without(lostHop(), 'service', 'unit')], 'lost-peers': [{ peerId: address, found, stopped: [] }] })).toMatchObject([
      { confidence: 'possible', messageId: 'somewhere', data: { use: 'which no upstream uses' } },
    ]);
    const [used] = found.map(one => ({ ...one, used: true }));
    expect(
      detections(fault, {
        hops: [without(lostHop(), 'service', 'unit')],
        'lost-peers': [{ peerId: address, found: [used], stopped: [], here: used, certainty: 'fair' }],
      }),
    ).toMatchObject([{ messageId: 'somewhere', data: { use: 'where another route asks' } }]);
  });

  it('as possible where something that may be meant was asked and did not answer', () => {
    const hop = without(lostHop(), 'service', 'unit');
    const at = (port: number, probe = probeOf({ state: 'no-answer' })) => ({
      ...probe,
      request: { kind: 'http' as const, address: { kind: 'tcp' as const, host: '127.0.1.1', port }, path: '/', hostHeader: 'x' },
    });
    const found = (probe: ReturnType<typeof at>, ...services: readonly ReturnType<typeof serviceOf>[]) =>
      detections(fault, { hops: [hop], services, 'probe-results': [...hop.probes, probe] });
    expect(found(at(8017))).toMatchObject([{ confidence: 'possible', messageId: 'mute', data: { other: 'Something', where: '127.0.1.1:8017' } }]);
    expect(found(at(8017, probeOf({ state: 'answered', speaks: 'other', answer: { complete: true } })))).toMatchObject([{ confidence: 'confirmed' }]);
    expect(found(at(9000))).toMatchObject([{ confidence: 'confirmed', messageId: 'gone' }]);
    // Another route asks the same socket, which is bound to all addresses.
    const base = hopOf();
    const asked = { ...base, peer: peerOf({ id: '[::1]:8017', listeners: base.peer.listeners.map(one => ({ ...one, host: '*' })) }) };
    expect(detections(fault, { hops: [hop, asked], 'probe-results': [...hop.probes, at(8017)] })).toMatchObject([{ messageId: 'gone' }]);
    const service = serviceOf({ id: 'pid:7', name: 'gunicorn (other.service)', listening: [{ kind: 'tcp', host: '127.0.1.1', port: 9000 }] });
    expect(found(at(9000), service)).toMatchObject([{ confidence: 'possible', messageId: 'mute', data: { other: service.name } }]);
  });

  it.each([
    ['failed', 'Failed to start orders.service - orders.'],
    ['dependency', 'Dependency failed for orders.service - orders.'],
    ['condition', 'orders.service - orders was skipped because of an unmet condition check (ConditionPathExists=/srv/on).'],
    ['condition', 'Condition check resulted in orders being skipped.'],
  ])('and says where a plain start came to nothing: %s', (trouble, text) => {
    const said = { timeMs: nowMs - 60_000, identifier: 'systemd', text };
    const started = { timeMs: nowMs - 50_000, identifier: 'systemd', text: 'Started orders.service - orders.' };
    const find = (...journal: readonly (typeof said)[]) =>
      detections(fault, { hops: [lostHop({ unit: unitOf({ activeState: 'inactive', inactiveEnterMs: nowMs - 40_000, journal }) })] });
    expect(find(said)).toMatchObject([{ confidence: 'confirmed', messageId: 'unit', fixData: { trouble } }]);
    expect(JSON.stringify(find(said)[0]?.evidence)).toContain(text);
    expect(find(said, started)[0]?.fixData).not.toHaveProperty('trouble');
  });

  it('and says where its program ends right after each start, or has not ended yet', () => {
    const started = { timeMs: nowMs - 60_000, identifier: 'systemd', text: 'Started orders.service - orders.' };
    const ended = unitOf({
      activeState: 'failed',
      result: 'exit-code',
      execMainCode: 'exited',
      execMainStatus: 1,
      activeEnterMs: nowMs - 60_000,
      execMainExitMs: nowMs - 59_000,
      journal: [started],
    });
    expect(detections(fault, { hops: [lostHop({ unit: ended })] })).toMatchObject([{ fixData: { trouble: 'failed' } }]);
    const lived = { ...ended, activeEnterMs: nowMs - 600_000 };
    expect(detections(fault, { hops: [lostHop({ unit: lived })] })[0]?.fixData).not.toHaveProperty('trouble');
    expect(detections(fault, { hops: [lostHop({ unit: unitOf({ activeState: 'deactivating' }) })] })).toMatchObject([{ fixData: { trouble: 'stopping' } }]);
  });

  it('and takes no program that was told to stop for one that does not come up', () => {
    const started = { timeMs: nowMs - 60_000, identifier: 'systemd', text: 'Started orders.service - orders.' };
    const stopping = { timeMs: nowMs - 59_000, identifier: 'systemd', text: 'Stopping orders.service - orders...' };
    const troubleOf = (execMainStatus: number, journal: readonly (typeof started)[]) => {
      const times = { activeEnterMs: nowMs - 60_000, execMainExitMs: nowMs - 58_000 };
      const unit = unitOf({ activeState: 'failed', result: 'exit-code', execMainCode: 'exited', execMainStatus, ...times, journal });
      return detections(fault, { hops: [lostHop({ unit })] })[0]?.fixData?.['trouble'];
    };
    expect(troubleOf(64, [started, stopping])).toBeUndefined();
    expect(troubleOf(143, [])).toBeUndefined();
    expect(troubleOf(64, [])).toBe('short');
    expect(troubleOf(64, [stopping, started])).toBe('failed');
  });

  describe('by a command that names the address', () => {
    const hop = without(lostHop(), 'service', 'unit');
    const ended = (name: string, execStart: string, change: object = {}) =>
      unitOf({ name, execStart, activeState: 'inactive', unitFileState: 'enabled', inactiveEnterMs: nowMs - 5_000, ...change });
    const unitIn = (...units: readonly ReturnType<typeof ended>[]) => {
      const [found] = detections(fault, { hops: [hop], 'systemd-units': units });
      return [found?.fixData?.['unit'], found?.confidence];
    };

    it('but not of one that asks there', () => {
      const asks = (command: string) => unitIn(ended('heartbeat.service', command))[0];
      expect(asks('/bin/sh -c "while sleep 1; do curl -s http://127.0.0.1:8017/health; done"')).toBeUndefined();
      expect(asks('/usr/bin/exporter --scrape-uri=127.0.0.1:8017/status')).toBeUndefined();
      expect(asks('/usr/bin/proxy --http-address 127.0.0.1:4180 --upstream http://127.0.0.1:8017')).toBeUndefined();
      expect(asks('/usr/bin/dotnet orders.dll --urls http://127.0.0.1:8017')).toBe('heartbeat.service');
      expect(asks('/srv/target/server.cjs 127.0.0.1:8017')).toBe('heartbeat.service');
    });

    it('nor of one whose log says that it asked', () => {
      const says = (text: string) => unitIn(ended('heartbeat.service', '/opt/run', { journal: [{ timeMs: nowMs, identifier: 'sh', text }] }))[0];
      expect(says('curl: (7) Failed to connect to 127.0.0.1 port 8017: Connection refused')).toBeUndefined();
      expect(says('GET http://127.0.0.1:8017/health 200')).toBeUndefined();
      expect(says('Listening at: http://127.0.0.1:8017 (34)')).toBe('heartbeat.service');
      expect(says('Error: listen EADDRINUSE: address already in use 127.0.0.1:8017')).toBe('heartbeat.service');
    });

    it('and of two of the one that ran last, or that is enabled', () => {
      const command = '/usr/bin/node /srv/api/server.cjs 127.0.0.1:8017';
      const legacy = ended('api-legacy.service', command, { inactiveEnterMs: nowMs - 600_000 });
      const current = ended('api.service', command);
      expect(unitIn(legacy, current)).toEqual(['api.service', 'confirmed']);
      expect(unitIn({ ...legacy, unitFileState: 'disabled', inactiveEnterMs: nowMs - 6_000 }, current)).toEqual(['api.service', 'confirmed']);
      expect(unitIn(current, { ...legacy, inactiveEnterMs: nowMs - 6_000 })).toEqual(['api.service', 'likely']);
      const untold = ended('orders.service', '/usr/bin/node /srv/orders/server.cjs');
      const besides = (weight: number) =>
        detections(fault, {
          hops: [hop],
          'systemd-units': [legacy, untold],
          'lost-peers': [{ peerId: address, found: [], stopped: [{ unit: untold, signs: ['it is named like the route'], weight }] }],
        })[0]?.fixData?.['unit'];
      expect(besides(8)).toBe('orders.service');
      expect(besides(4)).toBe('api-legacy.service');
    });
  });

  it('of no unit for which systemd holds a socket elsewhere', () => {
    const named = { runtimeDirectory: 'orders', name: 'orders.service', activeState: 'inactive', inactiveEnterMs: nowMs - 5_000 };
    const hop = without(lostHop(), 'service', 'unit');
    const path = '/run/orders/http.sock';
    const asked = { ...hop, peer: { ...hop.peer, id: `unix:${path}`, address: { kind: 'unix' as const, path } } };
    const socket = (activeState: string) => [
      { name: 'orders.socket', activeState, result: 'success', addresses: [{ kind: 'unix' as const, path: '/run/orders/web.sock' }] },
    ];
    const found = (activeState: string) => detections(fault, { hops: [asked], 'systemd-units': [unitOf({ ...named, sockets: socket(activeState) })] });
    expect(found('inactive')).toMatchObject([{ messageId: 'probably', fixData: { unit: 'orders.service' } }]);
    expect(found('active')).toMatchObject([{ messageId: 'gone' }]);
  });

  it('as possible on another host', () => {
    expect(detections(fault, { hops: [lostHop({ peer: peerOf({ local: false, listeners: [] }) })] })).toMatchObject([
      { confidence: 'possible', messageId: 'remote' },
    ]);
  });
});

describe('backend-down is silent', () => {
  it('where the backend was surely found elsewhere, although a unit ended when the requests began to fail', () => {
    const unit = unitOf({ name: 'mailer.service', execStart: '/usr/bin/node server.js', activeState: 'inactive', inactiveEnterMs: nowMs - 60_500 });
    const probe = probeOf({ state: 'answered', speaks: 'http', answer: { complete: true } });
    const here = {
      address: { kind: 'tcp', host: '127.0.0.1', port: 8071 },
      probe,
      signs: ['its siblings are its peers'],
      weight: 9,
      used: false,
      telling: true,
    };
    const ended = [{ unit, signs: ['it ended when the requests began to fail'], weight: 4 }];
    const lost = [{ peerId: address, found: [here], stopped: ended, here, certainty: 'sure' as const }];
    expect(detections(fault, { hops: [without(lostHop(), 'service', 'unit')], 'systemd-units': [unit], 'lost-peers': lost })).toEqual([]);
  });

  it('where something listens', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('connect-refused')] })] })).toEqual([]);
  });

  it('where the service runs and listens elsewhere', () => {
    expect(detections(fault, { hops: [lostHop({ service: serviceOf(), unit: unitOf() })] })).toEqual([]);
  });

  it('where systemd gave up after repeated starts', () => {
    expect(detections(fault, { hops: [lostHop({ unit: unitOf({ activeState: 'failed', result: 'exit-code', restarts: 5 }) })] })).toEqual([]);
  });

  it('for a server marked down, and for an upstream that nobody uses', () => {
    const flags = { ...peerOf().flags, down: true };
    const unused = lostHop({ routes: [], symptoms: [] });
    expect(detections(fault, { hops: [lostHop({ unit: stopped, peer: peerOf({ listeners: [], flags }) }), unused] })).toEqual([]);
  });

  it('while the unit boots', () => {
    expect(detections(fault, { hops: [lostHop({ unit: unitOf({ activeState: 'activating', subState: 'start' }) })] })).toEqual([]);
  });
});

describe('backend-down tells of a service that is back', () => {
  const line = (agoMs: number, text: string, identifier = 'systemd') => ({ timeMs: nowMs - agoMs, identifier, text });
  const away = (agoMs: number, untilMs: number) => {
    const starts = Array.from({ length: Math.ceil((agoMs - untilMs) / 10_000) }, (_, index) => nowMs - agoMs + index * 10_000);
    const counts = starts.map(() => 2);
    const buckets = { widthMs: 10_000, starts, counts };
    return symptomOf('connect-refused', { ongoing: false, firstMs: nowMs - agoMs, lastMs: nowMs - untilMs, count: 2 * starts.length, buckets });
  };
  const before = line(9_000_000, 'Started orders.service - orders.');
  const again = line(300_000, 'Started orders.service - orders.');
  const crash = [
    line(600_000, 'orders.service: Main process exited, code=exited, status=1/FAILURE'),
    line(599_990, "orders.service: Failed with result 'exit-code'."),
  ];
  const hop = (journal: readonly ReturnType<typeof line>[], symptoms = [away(598_000, 302_000)], change: object = {}) =>
    hopOf({
      unit: unitOf({ journal, activeEnterMs: nowMs - 300_000 }),
      events: journal.filter(one => one.text.startsWith('Started ')).map(one => eventOf('started', nowMs - one.timeMs, { text: one.text })),
      symptoms,
      ...change,
    });

  it('with the time, the exit and the start, by its journal', () => {
    const said = line(600_500, 'RangeError: Invalid array length', 'node');
    expect(detections(fault, { hops: [hop([before, line(700_000, 'all is well', 'node'), said, ...crash, again])] })).toMatchObject([
      {
        evidence: [
          { text: 'systemd: orders.service: Main process exited, code=exited, status=1/FAILURE' },
          { text: "systemd: orders.service: Failed with result 'exit-code'." },
          { text: 'node: RangeError: Invalid array length' },
          { text: expect.stringContaining('Started orders.service') as string },
          {},
        ],
        confidence: 'confirmed',
        status: 'past',
        title: 'The service behind the upstream was not running for a while',
        messageId: 'back',
        data: {
          from: '2026-11-21T07:50:00Z',
          to: '2026-11-21T07:55:00Z',
          length: '5 min',
          because: 'its main process ended with exit status 1/FAILURE',
          count: 60,
        },
        symptoms: [`connect-refused@${address}`],
      },
    ]);
  });

  it('also where somebody stopped it before the window', () => {
    const stop = line(1_800_000, 'Stopped orders.service - orders.');
    expect(detections(fault, { hops: [hop([before, stop, again], [away(900_000, 302_000)])] })).toMatchObject([
      { data: { because: 'it was stopped', length: '25 min' }, confidence: 'confirmed' },
    ]);
  });

  it('as likely where the journal cannot be read', () => {
    expect(detections(fault, { hops: [hop([], [away(598_000, 302_000)], { events: [] })] })).toMatchObject([
      { confidence: 'likely', messageId: 'returned', data: { length: '5 min' } },
    ]);
  });

  it('and not where it was restarted in a minute, or twice with good answers between', () => {
    const stop = line(360_000, 'Stopped orders.service - orders.');
    expect(detections(fault, { hops: [hop([before, stop, again], [away(358_000, 302_000)])] })).toEqual([]);
    const twice = away(598_000, 302_000);
    const apart = { ...twice, buckets: { widthMs: 10_000, starts: [nowMs - 598_000, nowMs - 310_000], counts: [9, 9] } };
    expect(detections(fault, { hops: [hop([], [apart], { events: [] })] })).toEqual([]);
  });

  it('and takes the end of a worker long before for no end of the service', () => {
    const worker = eventOf('stopped', 900_000, { text: 'Finished server process [17]', source: 'file:/var/log/app.log' });
    const [found] = detections(fault, { hops: [hop([], [away(598_000, 302_000)], { events: [worker] })] });
    expect(found).toMatchObject({ confidence: 'likely', messageId: 'returned', data: { length: '5 min' } });
    expect(detections(fault, { hops: [hop([], [away(310_000, 302_000)], { events: [worker] })] })).toEqual([]);
    const end = eventOf('stopped', 600_000, { text: 'NOTICE: exiting, bye-bye!', source: 'file:/var/log/php8.2-fpm.log' });
    expect(detections(fault, { hops: [hop([], [away(598_000, 302_000)], { events: [end] })] })).toMatchObject([
      { confidence: 'confirmed', data: { because: 'it was stopped' } },
    ]);
  });

  it('and not of requests that were refused at another time, nor while it still refuses', () => {
    expect(detections(fault, { hops: [hop([before, ...crash, again], [away(250_000, 10_000)])] })).toEqual([]);
    const refusing = { probes: [probeOf({ state: 'connect-failed', code: 'ECONNREFUSED' })] };
    expect(detections(fault, { hops: [hop([before, ...crash, again], undefined, refusing)] })).toEqual([]);
  });
});
