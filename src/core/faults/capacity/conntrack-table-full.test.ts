import { describe, expect, it } from 'vitest';
import type { Symptom } from '../../model/facts/topology.ts';
import { detections, hopOf, kernelOf, nowMs, symptomOf } from '../backend/testing.ts';
import fault from './conntrack-table-full.ts';

const full = kernelOf(20_000, { kind: 'conntrack-full', text: 'nf_conntrack: nf_conntrack: table full, dropping packet' });
const waits = symptomOf('connect-timeout');
const run = (count: number, symptoms: readonly Symptom[], events = [full]) =>
  detections(fault, {
    symptoms,
    hops: [hopOf()],
    'kernel-log': events,
    resources: {
      disks: [],
      sysctl: { 'net.netfilter.nf_conntrack_count': String(count), 'net.netfilter.nf_conntrack_max': '65536' },
      netCounters: {},
      netCounterGrowth: {},
    },
  });

describe('conntrack-table-full', () => {
  it('fires where the table is full now and connections time out', () => {
    expect(run(65_530, [waits])).toMatchObject([{ confidence: 'confirmed', status: 'active', symptoms: [waits.id], data: { count: 65_530 } }]);
  });

  it('fires less surely where the table has room again', () => {
    expect(run(9000, [{ ...waits, ongoing: false }])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
  });

  it('fires for what will not stand in a log, where the table is full now', () => {
    expect(run(65_536, [])).toMatchObject([{ status: 'latent', symptoms: [] }]);
  });

  it('is silent where the kernel dropped packets at another time', () => {
    expect(run(9000, [waits], [{ ...full, timeMs: nowMs - 600_000 }])).toEqual([]);
    expect(run(9000, [waits], [{ ...full, timeMs: nowMs - 7_200_000 }])).toEqual([]);
  });

  it('is silent where a full table has dropped nothing', () => {
    expect(run(65_536, [waits], [])).toEqual([]);
  });

  it('is silent about what no packet is lost in', () => {
    expect(run(9000, [symptomOf('connect-refused'), { ...symptomOf('read-timeout'), upstream: 'unix:/run/a.sock' }])).toEqual([]);
  });
});
