import { describe, expect, it } from 'vitest';
import type { PathSizes, SizedQuestion, TcpTransfer } from '../../model/facts/network.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';
import { answered, detections, hopOf, probeOf, symptomOf, tcp } from '../address/testing.ts';
import mtuBlackhole from './mtu-blackhole.ts';

const id = '198.51.100.12:8230';
const address = tcp(id);
const silent: ProbeOutcome = { state: 'no-answer' };
const late = hopOf(address, { symptoms: [symptomOf('read-timeout', id)] });

function asked(packetBytes: number, outcome: ProbeOutcome): SizedQuestion {
  return { packetBytes, probe: probeOf(address, outcome) };
}

const full = asked(1500, silent);
const small = asked(0, answered);
const lost = asked(1400, silent);
const measured = [small, full, lost, asked(1280, answered), lost, small, lost, small];

const transfer: TcpTransfer = {
  state: 'ESTAB',
  local: '192.0.2.11:57042',
  remote: id,
  mss: 1448,
  pathMtu: 1500,
  unacked: 11,
  retransmits: 2,
  bytesRetransmitted: 2896,
  bytesAcked: 1,
  bytesReceived: 0,
  outOfOrder: 0,
  lastReceivedMs: 700,
  text: 'retrans:1/2 unacked:11',
};

function found(change: Partial<PathSizes>, hop = late) {
  const path: PathSizes = { peerId: id, address: '198.51.100.12', mtu: 1500, mtuText: 'mtu 1500', asked: [], transfers: [], ...change };
  return detections(mtuBlackhole, { hops: [hop], 'path-sizes': [path] });
}

function page(bytes: number, ms: number): ProbeResult {
  const outcome: ProbeOutcome = { state: 'answered', speaks: 'http', answer: { status: 200, bytes, complete: true } };
  return { ...probeOf(address, outcome), ms };
}

describe('mtu-blackhole fires', () => {
  it('when every packet up to a size is answered and every larger one is not', () => {
    expect(found({ asked: measured })).toMatchObject([
      { confidence: 'confirmed', status: 'active', data: { passes: 1280, lost: 1400 }, fixData: { mtu: 1280 } },
    ]);
  });

  it('as likely when full segments alone are sent again, where nothing could be asked', () => {
    const quick = hopOf(address, { probes: [probeOf(address, answered)], symptoms: [symptomOf('send-timeout', id)] });
    expect(found({ transfers: [transfer] }, quick)).toMatchObject([{ confidence: 'likely', messageId: 'resent' }]);
  });

  it('as likely when the page comes at once after a router has told the size', () => {
    const learned = { mtu: 1400, text: 'cache expires 598sec mtu 1400' };
    const hung = { ...probeOf(address, silent), ms: 1700 };
    const facts = { asked: [small, asked(1500, answered)], learned, page: hung };
    expect(found({ ...facts, pageAgain: page(30_000, 20) })).toMatchObject([{ confidence: 'likely', messageId: 'learned' }]);
    expect(found({ ...facts, pageAgain: page(30_000, 1500) })).toEqual([]);
    expect(found({ ...facts, pageAgain: page(900, 20) })).toEqual([]);
  });

  it('as likely when the end of an answer came and its beginning did not', () => {
    const hole = { ...transfer, unacked: 0, retransmits: 0, outOfOrder: 2 };
    expect(found({ asked: [small, asked(1500, answered)], page: probeOf(address, silent), transfers: [hole] })).toMatchObject([{ messageId: 'hole' }]);
  });
});

describe('mtu-blackhole is silent', () => {
  it('when a request that fills whole packets is answered, and the page is just slow', () => {
    expect(found({ asked: [small, asked(1500, answered)], page: probeOf(address, silent) })).toEqual([]);
  });

  it('when the plain question is not answered either: then size is not what decides', () => {
    expect(found({ asked: [...measured, asked(0, silent)] })).toEqual([]);
    expect(found({ asked: [] })).toEqual([]);
  });

  it('when a size is not answered now and then, as it is where a backend is busy', () => {
    expect(found({ asked: [small, full, asked(1492, answered), small] })).toEqual([]);
    expect(found({ asked: [small, full, asked(1492, answered), full, small, asked(1500, answered), small] })).toEqual([]);
  });

  it('when no size at all passes, or a smaller one is lost and a larger one passes', () => {
    expect(found({ asked: [small, full, asked(1280, silent), asked(600, silent), asked(600, silent), small, asked(600, silent), small] })).toEqual([]);
    expect(found({ asked: [...measured, asked(1500, answered)] })).toEqual([]);
  });

  it('when the page hangs on a way of which a router told the size', () => {
    const learned = { mtu: 1400, text: 'mtu 1400' };
    expect(found({ asked: [small, asked(1500, answered)], learned, page: probeOf(address, silent), pageAgain: probeOf(address, silent) })).toEqual([]);
  });

  it('when the backend itself cuts its answers short, and not when nginx gives up in the middle of them', () => {
    const cut = symptomOf('truncated', id);
    const timedOut = { ...cut, errorGroups: cut.errorGroups.map(group => ({ ...group, messageId: 'upstream-timed-out' })) };
    expect(found({ asked: measured }, hopOf(address, { symptoms: [cut] }))).toEqual([]);
    expect(found({ asked: measured }, hopOf(address, { symptoms: [timedOut] }))).toHaveLength(1);
  });

  it('when no request failed there', () => {
    expect(found({ asked: measured }, hopOf(address, {}))).toEqual([]);
  });
});
