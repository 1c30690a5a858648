import { describe, expect, it } from 'vitest';
import type { Hop } from '../../model/facts/hop.ts';
import localhostMismatch from './localhost-ipv6-mismatch.ts';
import { answered, detections, failed, hopOf, listenerOf, probeOf, tcp } from './testing.ts';

const v6 = tcp('[::1]:8188');
const v4 = tcp('127.0.0.1:8188');
const named = { hostName: 'localhost', written: 'localhost:8188' };

function lost(address = v6): Hop {
  return hopOf(address, { peer: named });
}

function served(address = v4): Hop {
  return hopOf(address, { peer: { ...named, listeners: [listenerOf(address)] }, probes: [probeOf(address, answered)], symptoms: [] });
}

function run(hops: readonly Hop[], sibling?: string, probing = true) {
  const [first] = hops;
  const lostPeers = [{ peerId: first?.peer.id ?? '', found: [], stopped: [], ...(sibling === undefined ? {} : { sibling }) }];
  return detections(localhostMismatch, { hops, 'lost-peers': lostPeers }, probing);
}

describe('localhost-ipv6-mismatch', () => {
  it('fires where the backend listens on 127.0.0.1 alone', () => {
    expect(run([lost(), served()], '127.0.0.1:8188')[0]).toMatchObject({
      confidence: 'confirmed',
      status: 'active',
      fixData: { real: '127.0.0.1:8188', written: 'localhost:8188' },
    });
  });

  it('fires where it listens on ::1 alone', () => {
    expect(run([lost(v4), served(v6)], '[::1]:8188')[0]?.data['wanted']).toBe('127.0.0.1:8188');
  });

  it('is likely by the log and the sockets alone, where nobody may be asked', () => {
    const unasked = [lost(), served()].map(hop => ({ ...hop, probes: [] }));
    expect(run(unasked, '127.0.0.1:8188', false)).toMatchObject([{ confidence: 'likely', status: 'active' }]);
    expect(
      run(
        unasked.map(hop => ({ ...hop, symptoms: [] })),
        '127.0.0.1:8188',
        false,
      ),
    ).toEqual([]);
    expect(run(unasked, '127.0.0.1:8188')).toEqual([]);
  });

  it('is silent where neither is served: the backend is down', () => {
    expect(run([lost(), lost(v4)])).toEqual([]);
  });

  it('is silent where the address was not refused', () => {
    expect(run([hopOf(v6, { peer: named, probes: [probeOf(v6, { state: 'connect-timeout' })] }), served()], '127.0.0.1:8188')).toEqual([]);
  });

  it('is silent where the other address does not take connections either', () => {
    const deaf = { ...served(), probes: [probeOf(v4, failed('ECONNREFUSED'))] };
    expect(run([lost(), deaf], '127.0.0.1:8188')).toEqual([]);
  });

  it('is silent for addresses that are written as such', () => {
    expect(run([hopOf(v6), hopOf(v4, { peer: { listeners: [listenerOf(v4)] } })])).toEqual([]);
  });
});
