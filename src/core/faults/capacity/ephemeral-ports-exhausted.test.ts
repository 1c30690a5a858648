import { describe, expect, it } from 'vitest';
import type { Resources } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { address, detections, hopOf, peerOf, symptomOf } from '../backend/testing.ts';
import fault from './ephemeral-ports-exhausted.ts';

const resources = (sysctl: Readonly<Record<string, string>> = {}): Resources => ({
  disks: [],
  sysctl: { 'net.ipv4.ip_local_port_range': '40000 40099', ...sysctl },
  netCounters: {},
  netCounterGrowth: {},
});
const count = (state: string, remote: string, number: number) => ({ state, local: '', remote, count: number });
const failed = symptomOf('connect-no-local-port');
const run = (hop: Parameters<typeof hopOf>[0], byRemote: readonly ReturnType<typeof count>[], sysctl: Readonly<Record<string, string>> = {}) =>
  detections(fault, { hops: [hopOf({ symptoms: [failed], ...hop })], connections: { byRemote, byLocal: [], byState: {} }, resources: resources(sysctl) });

describe('ephemeral-ports-exhausted', () => {
  it('fires where connections in any state use up the range', () => {
    expect(run({}, [count('TIME-WAIT', address, 88), count('ESTAB', address, 9), count('TIME-WAIT', '127.0.0.1:80', 70)])).toMatchObject([
      { confidence: 'confirmed', status: 'active', data: { used: 97, timeWait: 88 }, symptoms: [failed.id] },
    ]);
  });

  it('fires less surely where half of the ports are free again', () => {
    const past = { ...failed, ongoing: false };
    expect(run({ symptoms: [past] }, [count('TIME-WAIT', address, 60)])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
  });

  it('fires in a pause of the failing too while the range is used up', () => {
    const paused = { ...failed, ongoing: false };
    expect(run({ symptoms: [paused] }, [count('TIME-WAIT', address, 99)])).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    const over = { ...paused, lastMs: paused.lastMs - 60_000 };
    expect(run({ symptoms: [over] }, [count('TIME-WAIT', address, 99)])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
  });

  it('doubts the message where the ports in use lead elsewhere', () => {
    expect(run({}, [count('TIME-WAIT', '127.0.0.1:9999', 99)])).toMatchObject([{ confidence: 'possible', data: { used: 0 } }]);
  });

  it('is silent without the message, however many ports are in use', () => {
    expect(run({ symptoms: [symptomOf('connect-refused')] }, [count('TIME-WAIT', address, 99)])).toEqual([]);
  });

  it('is silent where proxy_bind names an address of another host', () => {
    const bind: Symptom = {
      ...failed,
      errorGroups: failed.errorGroups.map(group => ({ ...group, samples: group.samples.map(one => ({ ...one, message: 'bind(192.0.2.9) failed' })) })),
    };
    expect(run({ symptoms: [bind] }, [count('TIME-WAIT', address, 99)])).toEqual([]);
  });

  it('is silent where IPv6 is switched off', () => {
    const peer = peerOf({ id: '[::1]:8017', address: { kind: 'tcp', host: '::1', port: 8017 } });
    expect(run({ peer }, [], { 'net.ipv6.conf.lo.disable_ipv6': '1' })).toEqual([]);
  });

  it('counts nothing where the connections are not known', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [failed] })], resources: resources() })).toMatchObject([
      { confidence: 'possible', messageId: 'unknown' },
    ]);
  });
});
