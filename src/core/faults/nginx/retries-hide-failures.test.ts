import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { AccessGroup } from '../../model/facts/logs.ts';
import { address, detections, hopOf, nowMs, symptomOf } from '../backend/testing.ts';
import retries from './retries-hide-failures.ts';

const fault = retries as unknown as Fault;
const path = '/var/log/nginx/access.log';

function accessOf(change: Partial<AccessGroup> = {}, total = 40): unknown {
  const lastMs = change.lastMs ?? nowMs - 1000;
  const group: AccessGroup = {
    path,
    status: 200,
    peer: '127.0.0.1:8018',
    upstreamStatuses: ['503', '200'],
    hiddenPeers: [address],
    tries: 2,
    madeBy: 'backend',
    count: 12,
    firstMs: nowMs - 60_000,
    lastMs,
    buckets: { widthMs: 10_000, starts: [], counts: [] },
    samples: [{ text: '"GET / HTTP/1.1" 200 us=503, 200', timeMs: lastMs, source: { path, offset: 0, line: 3 } }],
    ...change,
  };
  return { failing: [group], total, lastMs: nowMs };
}

describe('retries-hide-failures fires', () => {
  it('with the peer that failed, not the one that saved the request', () => {
    expect(detections(fault, { 'nginx-access-log': accessOf(), hops: [hopOf()] })).toMatchObject([
      { confidence: 'confirmed', status: 'latent', subject: { id: address }, data: { count: 12, statuses: '503' }, symptoms: [] },
    ]);
  });

  it('for a peer that refuses connections', () => {
    const hop = hopOf({ symptoms: [symptomOf('connect-refused')] });
    expect(detections(fault, { 'nginx-access-log': accessOf(), hops: [hop], symptoms: hop.symptoms })).toHaveLength(1);
  });
});

describe('retries-hide-failures is silent', () => {
  it.each([
    ['a few retries', accessOf({ count: 3 })],
    ['a small share of the requests', accessOf({ count: 12 }, 9000)],
    ['one try alone', accessOf({ tries: 1 })],
    ['retries that ended long ago', accessOf({ lastMs: nowMs - 400_000 })],
    ['requests that failed in the end', accessOf({ status: 502 })],
  ])('on %s', (_name, access) => {
    expect(detections(fault, { 'nginx-access-log': access, hops: [hopOf()] })).toEqual([]);
  });

  it('where the peer was restarted and answers again', () => {
    const symptoms = [symptomOf('connect-refused', { ongoing: false })];
    expect(detections(fault, { 'nginx-access-log': accessOf(), hops: [hopOf({ symptoms })], symptoms })).toEqual([]);
  });
});
