import { describe, expect, it } from 'vitest';
import { absent, known, unparsable } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { NetworkNamespaces } from '../model/facts/network.ts';
import type { Listener } from '../model/facts/system.ts';
import type { Peer } from '../model/facts/topology.ts';
import { TEST_CONTEXT } from '../collectors/testing.ts';
import topology from './topology.ts';

const apart = 'net:[4026532400]';
const flags: Peer['flags'] = { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 };

function listener(pid: number): Listener {
  return { kind: 'tcp', host: '127.0.0.1', port: 8000, queue: 0, backlog: 1, pids: [pid] };
}

/** Each instance asks for 127.0.0.1:8000; the second is in another network namespace. */
function peers(instances: readonly string[], here: readonly Listener[], there: readonly Listener[], failing?: string): readonly Peer[] {
  const group = (instanceId: string) => ({
    id: instanceId,
    instanceId,
    name: '127.0.0.1:8000',
    members: [{ written: '127.0.0.1:8000', host: '127.0.0.1', port: 8000, resolve: false, flags, origin: { path: instanceId, line: 1 } }],
  });
  const namespaces: NetworkNamespaces = {
    own: 'net:[4026531840]',
    others: [{ id: apart, units: [], pids: [21], listeners: there, addresses: ['10.9.0.2'] }],
    ofInstances: [{ instanceId: 'inner', pid: 21, namespace: apart }],
  };
  const facts = {
    'nginx-layout': known({
      servers: [],
      routes: [],
      groups: instances.map(group),
      mainErrorLogs: instances.map(instanceId => ({ instanceId, path: `/var/log/${instanceId}.log` })),
    }),
    listeners: known(here),
    services: known([]),
    'name-resolution': absent(''),
    'host-identity': absent(''),
    'nginx-error-log': failing === undefined ? absent('') : known({ groups: [{ peer: '127.0.0.1:8000', samples: [{ source: { path: failing } }] }] }),
    'network-namespaces': known(namespaces),
  } as unknown as Facts;
  const fact = topology.derive(facts, TEST_CONTEXT);
  return fact.state === 'known' ? fact.value.peers : [];
}

describe('topology over network namespaces', () => {
  it('joins a peer with what listens where its nginx is', () => {
    expect(peers(['outer'], [listener(11)], [])).toMatchObject([{ local: true, listeners: [{ pids: [11] }] }]);
    expect(peers(['outer'], [listener(11)], [])[0]?.namespace).toBeUndefined();
    expect(peers(['inner'], [listener(11)], [])).toMatchObject([{ namespace: apart, local: true, listeners: [] }]);
    expect(peers(['inner'], [], [listener(21)])).toMatchObject([{ namespace: apart, listeners: [{ pids: [21] }] }]);
  });

  it('keeps of one address in two namespaces the one at which nobody listens', () => {
    expect(peers(['outer', 'inner'], [listener(11)], [])).toMatchObject([{ namespace: apart, listeners: [], groupIds: ['outer', 'inner'] }]);
    const [peer] = peers(['inner', 'outer'], [], [listener(21)]);
    expect(peer).toMatchObject({ listeners: [], groupIds: ['inner', 'outer'] });
    expect(peer?.namespace).toBeUndefined();
  });

  it('keeps the one in whose log the peer fails, where somebody listens at both', () => {
    const both = [['outer', 'inner'], [listener(11)], [listener(21)]] as const;
    expect(peers(...both, '/var/log/inner.log')).toMatchObject([{ namespace: apart, listeners: [{ pids: [21] }] }]);
    expect(peers(...both, '/var/log/outer.log')[0]?.namespace).toBeUndefined();
    expect(peers(['inner', 'outer'], [listener(11)], [listener(21)], '/var/log/outer.log')).toMatchObject([{ listeners: [{ pids: [11] }] }]);
    expect(peers(...both)[0]?.namespace).toBeUndefined();
  });

  it('is not known without a layout', () => {
    const facts = { 'nginx-layout': unparsable('no'), 'network-namespaces': absent('') } as unknown as Facts;
    expect(topology.derive(facts, TEST_CONTEXT).state).toBe('unparsable');
  });
});
