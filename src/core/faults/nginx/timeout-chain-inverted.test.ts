import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Service } from '../../model/facts/backend.ts';
import { detections, hopOf, serviceOf } from '../backend/testing.ts';
import inverted from './timeout-chain-inverted.ts';

const fault = inverted as unknown as Fault;

/** A backend behind a route that waits 60 seconds. */
function run(limitMs: number | undefined, change: Partial<Service> = {}): unknown[] {
  const limit = limitMs === undefined ? {} : { requestTimeoutMs: { value: limitMs, source: 'argv of 100' } };
  return detections(fault, { hops: [hopOf({ service: serviceOf({ ...limit, ...change }) })] });
}

describe('timeout-chain-inverted fires', () => {
  it('latent where the backend lets requests run for longer than nginx waits', () => {
    expect(run(90_000)).toMatchObject([{ confidence: 'confirmed', status: 'latent', data: { outer: 60, inner: 90, rest: 30 }, symptoms: [] }]);
  });
});

describe('timeout-chain-inverted is silent', () => {
  it.each([30_000, 60_000, 0, undefined])('with a limit of %s ms', limit => {
    expect(run(limit)).toEqual([]);
  });

  it('where the watchdog of gunicorn looks at workers of many requests', () => {
    expect(run(90_000, { manager: 'threads' })).toEqual([]);
  });
});
