import { describe, expect, it } from 'vitest';
import type { ErrorGroup } from '../model/facts/logs.ts';
import type { Symptom, Topology } from '../model/facts/topology.ts';
import { isHeldOff } from './held-off.ts';

const nowMs = 1_000_000;
const topology = {
  peers: [{ id: '127.0.0.1:8080', groupIds: ['g1'] }],
  groups: [
    { id: 'g1', name: 'shop' },
    { id: 'g2', name: 'blog' },
  ],
} as unknown as Topology;

function draft(part: Partial<Symptom>): Symptom {
  const one = { madeBy: 'nginx', count: 2, firstMs: nowMs - 9000, lastMs: nowMs - 8000, errorGroups: [], accessGroups: [], ...part };
  return { id: one.class, ...one } as Symptom;
}

const slow = draft({ class: 'read-timeout', upstream: '127.0.0.1:8080', urlTemplate: '/report' });
const page = (urlTemplate?: string, lastMs = nowMs): ErrorGroup => ({ urlTemplate, lastMs }) as ErrorGroup;
const turnedAway = draft({ class: 'no-live-upstreams', upstream: 'shop', count: 40, lastMs: nowMs, errorGroups: [page('/'), page('/cart')] });

describe('a server is held off', () => {
  it('where one page failed and only others have been turned away since', () => {
    expect(isHeldOff(slow, [slow, turnedAway], topology)).toBe(true);
  });

  it('where the request for that page was turned away itself when the last server had failed', () => {
    expect(isHeldOff(slow, [slow, { ...turnedAway, errorGroups: [page('/'), page('/report', slow.lastMs)] }], topology)).toBe(true);
  });
});

describe('a server is not held off', () => {
  it('where that page is asked for still', () => {
    expect(isHeldOff(slow, [slow, { ...turnedAway, errorGroups: [page('/'), page('/report')] }], topology)).toBe(false);
  });

  it('where the page was asked for a moment ago, or few were turned away', () => {
    expect(isHeldOff({ ...slow, lastMs: nowMs - 3000 }, [turnedAway], topology)).toBe(false);
    expect(isHeldOff(slow, [{ ...turnedAway, count: 4 }], topology)).toBe(false);
  });

  it('where several pages failed, another group turns requests away, or the server refuses connections', () => {
    const { urlTemplate: _, ...several } = slow;
    expect(isHeldOff(several, [turnedAway], topology)).toBe(false);
    expect(isHeldOff(slow, [{ ...turnedAway, upstream: 'blog' }], topology)).toBe(false);
    expect(isHeldOff({ ...slow, class: 'connect-refused' }, [turnedAway], topology)).toBe(false);
    expect(isHeldOff(slow, [turnedAway], undefined)).toBe(false);
  });
});
