import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { address, detections, hopOf, lostHop, nowMs, peerOf, probeOf, symptomOf } from '../backend/testing.ts';
import noLiveUpstreams from './no-live-upstreams.ts';

const fault = noLiveUpstreams as unknown as Fault;
const answering = probeOf({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });
const refusedBefore = symptomOf('connect-refused', { ongoing: false, lastMs: nowMs - 50_000 });
const turnedAway = symptomOf('no-live-upstreams', { id: 'no-live-upstreams@tickets', upstream: 'tickets', count: 40 });
const topology = { servers: [{ id: 's', instanceId: 'nginx' }], routes: [], groups: [], peers: [] };

describe('no-live-upstreams fires', () => {
  it('confirmed where the server answers now and nginx leaves it out after failures', () => {
    const hop = hopOf({ own: answering, probes: [answering], symptoms: [refusedBefore], groupSymptoms: [turnedAway] });
    expect(detections(fault, { hops: [hop], symptoms: [turnedAway, refusedBefore], topology })).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'held',
        subject: { id: 'tickets', peers: ['tickets', address] },
        fixData: { instance: 'nginx', held: true },
      },
    ]);
  });

  it('as possible where the servers still fail, so that the cause stands above it', () => {
    const refused = probeOf({ state: 'connect-failed', code: 'ECONNREFUSED' });
    const hop = lostHop({ own: refused, probes: [refused], groupSymptoms: [turnedAway] });
    expect(detections(fault, { hops: [hop], symptoms: [turnedAway], topology })).toMatchObject([
      { confidence: 'possible', messageId: 'failing', fixData: { held: false } },
    ]);
  });

  it('as past where nothing fails any more', () => {
    const over = { ...turnedAway, ongoing: false };
    const hop = hopOf({ own: answering, symptoms: [refusedBefore], groupSymptoms: [over] });
    expect(detections(fault, { hops: [hop], symptoms: [over], topology })).toMatchObject([{ confidence: 'possible', status: 'past' }]);
  });
});

describe('no-live-upstreams is silent', () => {
  it('where the configuration leaves no server', () => {
    const hop = hopOf({ peer: peerOf({ flags: { ...peerOf().flags, down: true } }), groupSymptoms: [turnedAway] });
    expect(detections(fault, { hops: [hop], symptoms: [turnedAway], topology })).toEqual([]);
  });

  it('where a server refuses and nginx still asks it', () => {
    expect(detections(fault, { hops: [lostHop()], symptoms: [symptomOf('connect-refused')], topology })).toEqual([]);
  });
});
