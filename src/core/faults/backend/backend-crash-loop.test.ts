import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { JournalLine } from '../../model/facts/system.ts';
import crashLoop from './backend-crash-loop.ts';
import { address, detections, hopOf, lostHop, nowMs, peerOf, symptomOf, unitOf, without } from './testing.ts';

const fault = crashLoop as unknown as Fault;
const line = (agoMs: number, identifier: string, text: string, pid = 1): JournalLine => ({ timeMs: nowMs - agoMs, identifier, text, pid });
const scheduled = (agoMs: number, count: number): JournalLine =>
  line(agoMs, 'systemd', `orders.service: Scheduled restart job, restart counter is at ${count}.`);
const looping = unitOf({ activeState: 'activating', subState: 'auto-restart', result: 'exit-code', restarts: 4, execMainCode: 'exited', execMainStatus: 3 });

describe('backend-crash-loop and a port that is taken', () => {
  const said = (text: string, agoMs = 2000): JournalLine => line(agoMs, 'node', text, 90);
  const run = (journal: readonly JournalLine[], symptom: Parameters<typeof symptomOf>[0] = 'no-valid-header') => {
    const carts = unitOf({ ...looping, name: 'carts.service', journal });
    return detections(fault, { hops: [hopOf({ symptoms: [symptomOf(symptom)] })], 'systemd-units': [carts] });
  };

  it.each([
    `Error: listen EADDRINUSE: address already in use ${address}`,
    `[ERROR] Connection in use: ('127.0.0.1', ${address.slice(address.lastIndexOf(':') + 1)})`,
    `listen tcp ${address}: bind: address already in use`,
  ])('fires where the unit says so and a stranger answers: %s', text => {
    expect(run([said(text)])).toMatchObject([{ messageId: 'port-taken', confidence: 'confirmed', subject: { id: 'unit:carts.service', peers: [address] } }]);
  });

  it('is silent where it is another port, an old line, or what answers there speaks HTTP', () => {
    expect(run([said(`listen EADDRINUSE: address already in use ${address}1`)])).toEqual([]);
    expect(run([said(`listen EADDRINUSE: address already in use ${address}`, 86_400_000)])).toEqual([]);
    expect(run([said(`listen EADDRINUSE: address already in use ${address}`)], 'read-timeout')).toEqual([]);
  });
});

describe('backend-crash-loop fires', () => {
  it('between two tries, and quotes the error', () => {
    const journal = [line(3000, 'gunicorn', "ModuleNotFoundError: No module named 'ratings'", 71), line(2900, 'gunicorn', 'Worker exiting (pid: 71)', 71)];
    const found = detections(fault, { hops: [lostHop({ unit: { ...looping, journal } })] });
    expect(found).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'between-tries',
        symptoms: [`connect-refused@${address}`],
        data: { ended: 'ends with status 3' },
      },
    ]);
    expect(found[0]?.evidence.map(one => one.text)).toContain("gunicorn[71]: ModuleNotFoundError: No module named 'ratings'");
  });

  it('where systemd gave up', () => {
    const unit = unitOf({ activeState: 'failed', result: 'exit-code', restarts: 5 });
    expect(detections(fault, { hops: [lostHop({ unit })] })).toMatchObject([{ confidence: 'confirmed', messageId: 'given-up' }]);
  });

  it('where it happens to run at the moment', () => {
    const unit = unitOf({
      restarts: 6,
      activeEnterMs: nowMs - 2000,
      execMainExitMs: nowMs - 4000,
      journal: [scheduled(30_000, 4), scheduled(17_000, 5), scheduled(2000, 6)],
    });
    expect(detections(fault, { hops: [hopOf({ unit, symptoms: [symptomOf('premature-close')] })] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'running-again' },
    ]);
  });

  it('where it is up for the very moment of the look, and no process of it was seen', () => {
    const unit = unitOf({ restarts: 8, activeEnterMs: nowMs - 100, execMainExitMs: nowMs - 700, journal: [scheduled(1200, 7), scheduled(600, 8)] });
    const cache = unitOf({ name: 'cache.service', activeState: 'inactive', execMainExitMs: nowMs - 60_000, execStart: '/usr/bin/cache' });
    const stopped = [{ unit: cache, signs: ['it ended when the requests began to fail'], weight: 4 }];
    const hops = [without(lostHop(), 'unit', 'service')];
    const found = detections(fault, { hops, 'systemd-units': [cache, unit], 'lost-peers': [{ peerId: address, found: [], stopped }] });
    expect(found).toMatchObject([{ messageId: 'running-again', subject: { id: 'unit:orders.service' } }]);
  });

  it('where connections to a socket of systemd start it, with the requests that broke off while the socket was open', () => {
    const socket = { name: 'orders.socket', activeState: 'failed', result: 'service-start-limit-hit', addresses: [peerOf().address] };
    const end = (agoMs: number): JournalLine => line(agoMs, 'systemd', 'orders.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED');
    const unit = unitOf({
      activeState: 'failed',
      result: 'exit-code',
      execMainCode: 'exited',
      execMainStatus: 3,
      sockets: [socket],
      journal: [end(9000), end(8000)],
    });
    const reset = symptomOf('reset');
    const lost = without(lostHop({ symptoms: [reset, symptomOf('connect-refused')] }), 'unit', 'service');
    const found = detections(fault, { hops: [lost], 'systemd-units': [unit] });
    expect(found).toMatchObject([{ confidence: 'confirmed', messageId: 'by-socket', data: { restarts: 2, socket: 'orders.socket' } }]);
    expect(found[0]?.symptoms).toContain(reset.id);
    // One failed start is none too many.
    const once = { ...unit, journal: [end(8000)] };
    expect(detections(fault, { hops: [lost], 'systemd-units': [once] })).toEqual([]);
  });

  it('as past where it has run well since', () => {
    const unit = unitOf({
      restarts: 4,
      activeEnterMs: nowMs - 400_000,
      execMainExitMs: nowMs - 401_000,
      journal: [scheduled(430_000, 2), scheduled(417_000, 3), scheduled(400_000, 4)],
    });
    expect(detections(fault, { hops: [hopOf({ unit, symptoms: [symptomOf('connect-refused', { ongoing: false })] })] })).toMatchObject([{ status: 'past' }]);
  });

  it('as likely where a shell loop starts it and each try ends in the same error', () => {
    const journal = [9000, 6000, 3000].map((agoMs, index) => line(agoMs, 'node', `Error: TOPIC is not set (try ${index})`, 50 + index));
    expect(detections(fault, { hops: [lostHop({ unit: unitOf({ journal }) })] })).toMatchObject([{ confidence: 'likely', messageId: 'repeats' }]);
  });
});

describe('backend-crash-loop doubts', () => {
  const orderly = unitOf({ ...looping, result: 'success', execMainStatus: 0, restartPolicy: 'always' });
  const access = (lastGoodMs: number) => ({ total: 50, byStatus: { '200': 40 }, byPeer: [], lastGoodMs });
  const at = (unit: typeof orderly, more: object = {}) => detections(fault, { hops: [lostHop({ unit })], ...more });

  it('where it ends with status 0 and its journal is closed to this user', () => {
    expect(at(orderly)).toMatchObject([{ confidence: 'possible', messageId: 'orderly', data: { teller: expect.stringContaining('journal') } }]);
    expect(at(orderly, { 'nginx-access-log': access(nowMs - 500) })).toMatchObject([{ confidence: 'possible' }]);
    // It has answered nobody since it began.
    expect(at(orderly, { 'nginx-access-log': access(nowMs - 300_000) })).toMatchObject([{ confidence: 'likely', messageId: 'orderly' }]);
  });

  it('where it runs again, any end makes systemd start it, and its journal is closed', () => {
    const running = unitOf({ restarts: 6, activeEnterMs: nowMs - 2000, restartPolicy: 'always' });
    const hop = hopOf({ unit: running, symptoms: [symptomOf('connect-refused')] });
    expect(detections(fault, { hops: [{ ...hop, peer: peerOf({ listeners: [] }) }] })).toMatchObject([{ confidence: 'likely', messageId: 'untold' }]);
    // Started again after failures alone, it has failed.
    const failing = { ...hop, peer: peerOf({ listeners: [] }), unit: { ...running, restartPolicy: 'on-failure' } };
    expect(detections(fault, { hops: [failing] })).toMatchObject([{ confidence: 'confirmed', messageId: 'running-again' }]);
  });

  it('where it runs and listens again, unless requests failed long before its last start', () => {
    const running = unitOf({ restarts: 6, activeEnterMs: nowMs - 2000, restartPolicy: 'on-failure' });
    const since = (agoMs: number) =>
      detections(fault, { hops: [hopOf({ unit: running, symptoms: [symptomOf('connect-refused', { firstMs: nowMs - agoMs })] })] });
    expect(since(40_000)).toMatchObject([{ confidence: 'confirmed', messageId: 'running-again' }]);
    expect(since(5000)).toMatchObject([{ confidence: 'possible', messageId: 'untold' }]);
    const always = { ...running, restartPolicy: 'always' };
    const hop = hopOf({ unit: always, symptoms: [symptomOf('connect-refused')] });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'likely', messageId: 'untold' }]);
    // It has run for long.
    expect(detections(fault, { hops: [{ ...hop, unit: { ...always, activeEnterMs: nowMs - 400_000 } }] })).toEqual([]);
  });

  it('where its journal tells of orderly ends, and it serves between them', () => {
    const unit = { ...orderly, journal: [scheduled(3000, 4)] };
    const ended = {
      serviceId: 'unit:orders.service',
      kind: 'ended' as const,
      timeMs: nowMs - 3000,
      text: 'orders.service: Deactivated successfully.',
      source: 'journal:orders',
    };
    const hop = lostHop({ unit, events: [ended] });
    const facts = (lastGoodMs: number) => ({ hops: [hop], 'nginx-access-log': access(lastGoodMs) });
    expect(detections(fault, facts(nowMs - 500))).toMatchObject([
      { confidence: 'likely', messageId: 'orderly', data: { teller: expect.stringContaining('code') } },
    ]);
    // A program that ends at its start with status 0 serves nobody.
    expect(detections(fault, facts(nowMs - 300_000))).toMatchObject([{ confidence: 'confirmed', messageId: 'between-tries' }]);
    const failed = { ...hop, events: [ended, { ...ended, kind: 'worker-exit' as const }] };
    expect(detections(fault, { hops: [failed] })).toMatchObject([{ confidence: 'confirmed' }]);
  });
});

describe('backend-crash-loop is silent', () => {
  it('where the unit was stopped, or failed once', () => {
    const hops = [lostHop({ unit: unitOf({ activeState: 'inactive' }) }), lostHop({ unit: unitOf({ activeState: 'failed', result: 'exit-code' }) })];
    expect(detections(fault, { hops })).toEqual([]);
  });

  it('where a unit restarted often in weeks and nothing of it is in the window', () => {
    expect(
      detections(fault, { hops: [hopOf({ unit: unitOf({ restarts: 40, activeEnterMs: nowMs - 80_000_000 }), symptoms: [symptomOf('premature-close')] })] }),
    ).toEqual([]);
  });

  it('where the unit in a loop has nothing to do with the peer', () => {
    const stranger = { ...looping, name: 'mailer.service', execStart: '/usr/bin/mailer', execMainExitMs: nowMs - 1000 };
    const lost = [{ peerId: address, found: [], stopped: [{ unit: stranger, signs: ['it is started again and again'], weight: 2 }] }];
    expect(detections(fault, { hops: [without(lostHop(), 'service', 'unit')], 'systemd-units': [stranger], 'lost-peers': lost })).toEqual([]);
  });

  it('where no request fails', () => {
    const unit = unitOf({ restarts: 6, activeEnterMs: nowMs - 2000, journal: [scheduled(30_000, 4), scheduled(17_000, 5), scheduled(2000, 6)] });
    expect(detections(fault, { hops: [hopOf({ unit })] })).toEqual([]);
  });
});
