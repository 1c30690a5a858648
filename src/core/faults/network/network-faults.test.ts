import { describe, expect, it } from 'vitest';
import type { FirewallRule } from '../../model/facts/system.ts';
import type { NetworkPath } from '../../model/facts/network.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { Hop } from '../../model/facts/hop.ts';
import { commandsFor } from '../../model/refused-by-rule.ts';
import { detections, failed, hopOf, listenerOf, probeOf, symptomOf, tcp } from '../address/testing.ts';
import firewallDrop from './firewall-drop.ts';
import firewallReject from './firewall-reject.ts';
import networkUnreachable from './network-unreachable.ts';
import noRoute from './no-route.ts';

const local = tcp('127.0.0.1:8230');
const remote = tcp('192.0.2.12:8230');
const instances = [{ id: 'nginx', running: true, workerUid: 33, workers: [] } as unknown as NginxInstance];

function rule(verdict: 'reject' | 'drop', port: number, change: Partial<FirewallRule> = {}): FirewallRule {
  return {
    tool: 'iptables',
    table: 'filter',
    chain: 'INPUT',
    hook: 'input',
    verdict,
    protocol: 'tcp',
    destinationPorts: [[port, port]],
    unparsed: [],
    text: `-A INPUT -p tcp -m tcp --dport ${port} -j ${verdict.toUpperCase()}`,
    order: 1,
    ...change,
  };
}

function path(change: Partial<NetworkPath> = {}): NetworkPath {
  return {
    address: '192.0.2.12',
    route: 'found',
    routeText: '192.0.2.12 dev lan0 src 192.0.2.11 uid 0',
    dev: 'lan0',
    source: '192.0.2.11',
    neighbour: { address: '192.0.2.12', state: 'REACHABLE', text: '192.0.2.12 dev lan0 lladdr 5e:00:00:00:00:01 REACHABLE' },
    link: { up: true, text: '3: lan0: <UP,LOWER_UP>' },
    ...change,
  };
}

function listening(outcome: Parameters<typeof probeOf>[1], kind: 'connect-refused' | 'connect-timeout'): Hop {
  return hopOf(local, { peer: { listeners: [listenerOf(local)] }, probes: [probeOf(local, outcome)], symptoms: [symptomOf(kind, '127.0.0.1:8230')] });
}

function away(outcome: Parameters<typeof probeOf>[1], kind: 'connect-refused' | 'connect-timeout' | 'connect-unreachable'): Hop {
  return hopOf(remote, { peer: { local: false }, probes: [probeOf(remote, outcome)], symptoms: [symptomOf(kind, '192.0.2.12:8230')] });
}

describe('firewall-reject', () => {
  const refused = listening(failed('ECONNREFUSED'), 'connect-refused');
  const run = (hop: Hop, rules: readonly FirewallRule[] | undefined, paths: readonly NetworkPath[] = []) =>
    detections(firewallReject, {
      hops: [hop],
      'nginx-instances': instances,
      'network-paths': paths,
      ...(rules === undefined ? {} : { 'firewall-rules': rules }),
    });

  it('fires where a process listens and a rule rejects its port', () => {
    const [found] = run(refused, [rule('reject', 23), rule('reject', 8230, { order: 2 })]);
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', messageId: 'rule' });
    expect(found?.evidence[0].text).toContain('--dport 8230');
  });

  it('is silent where the rules are for other ports', () => {
    expect(run(refused, [rule('reject', 8231)])).toEqual([]);
  });

  it('is silent where nobody listens: the kernel itself refuses', () => {
    expect(run(hopOf(local), [rule('reject', 8230)])).toEqual([]);
  });

  it('is silent where the probe passes and the rule strikes everybody', () => {
    const passes = listening({ state: 'connected' }, 'connect-refused');
    expect(run(passes, [rule('reject', 8230)])).toEqual([]);
  });

  it("fires where root passes and the rule strikes nginx's user", () => {
    const passes = listening({ state: 'connected' }, 'connect-refused');
    const [found] = run(passes, [rule('reject', 8230, { chain: 'OUTPUT', hook: 'output', uid: 33 })]);
    expect(found).toMatchObject({ confidence: 'confirmed', data: { whose: "nginx's workers'" } });
  });

  it('is no more than likely where a part of the rule is not understood', () => {
    expect(run(refused, [rule('reject', 8230, { unparsed: ['-m hashlimit'] })])[0]?.confidence).toBe('likely');
  });

  it('is possible where such a rule let the probe pass and has met packets, or does not count them', () => {
    const passes = listening({ state: 'connected' }, 'connect-refused');
    const counting = (packets?: number) => rule('reject', 8230, { unparsed: ['-m connlimit'], ...(packets !== undefined && { packets }) });
    for (const one of [counting(), counting(60)])
      expect(run(passes, [one])).toMatchObject([{ confidence: 'possible', status: 'active', messageId: 'perhaps' }]);
    expect(run(passes, [counting(0)])).toEqual([]);
    // It was not there for a part of the time.
    const [symptom] = passes.symptoms;
    const again = { ...passes, master: { startMs: (symptom?.firstMs ?? 0) + 1 } } as unknown as Hop;
    expect(run(again, [counting(60)])).toEqual([]);
  });

  it('is likely without a rule where the rules could not be read', () => {
    expect(run(refused, undefined)[0]).toMatchObject({ confidence: 'likely', messageId: 'unseen' });
  });

  it('is only possible there where the service began anew since the failures did', () => {
    const [symptom] = refused.symptoms;
    const again = { ...refused, master: { startMs: (symptom?.firstMs ?? 0) + 1 } } as unknown as Hop;
    expect(run(again, undefined)).toMatchObject([{ confidence: 'possible', messageId: 'young' }]);
    expect(run(again, [rule('reject', 8230)])[0]?.confidence).toBe('confirmed');
  });

  it('is only possible there where connections have come through since the first was refused', () => {
    const [symptom] = refused.symptoms;
    const firstMs = symptom?.firstMs ?? 0;
    const cut = { ...symptomOf('connect-refused', '127.0.0.1:8230'), class: 'reset' as const, id: 'reset', lastMs: firstMs + 6000 };
    expect(run({ ...refused, symptoms: [...refused.symptoms, cut] }, undefined)).toMatchObject([{ confidence: 'possible', messageId: 'unsteady' }]);
    const facts = (lastGoodMs: number, ...others: readonly Hop[]) =>
      detections(firewallReject, { hops: [refused, ...others], 'nginx-instances': instances, 'nginx-access-log': { lastGoodMs } });
    expect(facts(firstMs + 6000)).toMatchObject([{ confidence: 'possible', messageId: 'unsteady' }]);
    expect(facts(firstMs - 6000)).toMatchObject([{ confidence: 'likely', messageId: 'unseen' }]);
    // Another peer may have answered these.
    expect(facts(firstMs + 6000, away({ state: 'answered', speaks: 'http', answer: { complete: true } }, 'connect-timeout'))).toMatchObject([
      { messageId: 'unseen' },
    ]);
  });

  it('takes 113 from a host that is on the wire for a refusal there', () => {
    const hop = away(failed('EHOSTUNREACH'), 'connect-unreachable');
    expect(run(hop, [], [path()])[0]).toMatchObject({ confidence: 'likely', messageId: 'remote' });
    expect(run(hop, [], [path({ neighbour: { address: '192.0.2.12', state: 'FAILED', text: '' } })])).toEqual([]);
  });
});

describe('firewall-drop', () => {
  const silent = listening({ state: 'connect-timeout' }, 'connect-timeout');
  const run = (hop: Hop, rules: readonly FirewallRule[] | undefined, paths: readonly NetworkPath[] = []) =>
    detections(firewallDrop, {
      hops: [hop],
      'nginx-instances': instances,
      'network-paths': paths,
      ...(rules === undefined ? {} : { 'firewall-rules': rules }),
    });

  it('fires where a rule drops what is sent to a port that is listened on', () => {
    expect(run(silent, [rule('drop', 8230)])[0]).toMatchObject({ confidence: 'confirmed', messageId: 'rule' });
  });

  it('is silent where the accept queue is full', () => {
    const full = hopOf(local, { peer: { listeners: [listenerOf(local, { queue: 129, backlog: 128 })] }, probes: silent.probes, symptoms: silent.symptoms });
    expect(run(full, [])).toEqual([]);
  });

  it('is possible where a rule that counts let the probe pass and has met packets', () => {
    const passes = listening({ state: 'connected' }, 'connect-timeout');
    const counting = rule('drop', 8230, { unparsed: ['-m hashlimit'], packets: 60 });
    expect(run(passes, [counting])).toMatchObject([{ confidence: 'possible', messageId: 'perhaps' }]);
    expect(run(passes, [{ ...counting, packets: 0 }])).toEqual([]);
    const full = hopOf(local, { peer: { listeners: [listenerOf(local, { queue: 129, backlog: 128 })] }, probes: passes.probes, symptoms: passes.symptoms });
    expect(run(full, [counting])).toEqual([]);
  });

  it('is silent where the connection is taken', () => {
    expect(run(listening({ state: 'no-answer' }, 'connect-timeout'), [rule('drop', 8231)])).toEqual([]);
  });

  it('is likely where the other host is on the wire and its port is silent', () => {
    expect(run(away({ state: 'connect-timeout' }, 'connect-timeout'), [], [path()])[0]).toMatchObject({ confidence: 'likely', messageId: 'remote' });
  });

  it('is possible where nothing is known of the other host', () => {
    expect(run(away({ state: 'connect-timeout' }, 'connect-timeout'), [])[0]).toMatchObject({ confidence: 'possible', messageId: 'silent' });
  });

  it('is silent where nobody is on the wire', () => {
    expect(run(away({ state: 'connect-timeout' }, 'connect-timeout'), [], [path({ neighbour: { address: '192.0.2.12', state: 'FAILED', text: '' } })])).toEqual(
      [],
    );
  });

  it('follows a rule that needs the interface and the own address', () => {
    const out = rule('drop', 8230, { chain: 'OUTPUT', hook: 'output', outInterface: 'lan0', source: '192.0.2.11' });
    expect(run(away({ state: 'connect-timeout' }, 'connect-timeout'), [out], [path()])[0]?.confidence).toBe('confirmed');
  });
});

describe('no-route and network-unreachable', () => {
  const gone = path({ neighbour: { address: '192.0.2.12', state: 'FAILED', text: '192.0.2.12 dev lan0 FAILED' } });

  it('no-route fires where nobody answers on the wire, also where nginx gave up first', () => {
    for (const outcome of [failed('EHOSTUNREACH'), { state: 'connect-timeout' } as const]) {
      expect(detections(noRoute, { hops: [away(outcome, 'connect-timeout')], 'network-paths': [gone] })[0]).toMatchObject({
        confidence: 'confirmed',
        messageId: 'neighbour',
      });
    }
  });

  it('no-route fires where a route forbids it or the link is down', () => {
    const hop = away(failed('EHOSTUNREACH'), 'connect-unreachable');
    expect(
      detections(noRoute, { hops: [hop], 'network-paths': [path({ route: 'blocked', routeText: 'RTNETLINK answers: No route to host' })] })[0]?.messageId,
    ).toBe('blocked');
    expect(detections(noRoute, { hops: [hop], 'network-paths': [path({ link: { up: false, text: '<NO-CARRIER>' } })] })[0]?.messageId).toBe('link');
  });

  it('no-route is silent where the neighbour is there, and where the host is this one', () => {
    expect(detections(noRoute, { hops: [away(failed('EHOSTUNREACH'), 'connect-unreachable')], 'network-paths': [path()] })).toEqual([]);
    expect(detections(noRoute, { hops: [listening(failed('EHOSTUNREACH'), 'connect-refused')], 'network-paths': [gone] })).toEqual([]);
  });

  it('network-unreachable fires where no route leads there, and is silent where one does', () => {
    const hop = away(failed('ENETUNREACH'), 'connect-unreachable');
    expect(
      detections(networkUnreachable, { hops: [hop], 'network-paths': [path({ route: 'none', routeText: 'RTNETLINK answers: Network is unreachable' })] })[0]
        ?.confidence,
    ).toBe('confirmed');
    expect(detections(networkUnreachable, { hops: [hop], 'network-paths': [path()] })).toEqual([]);
  });
});

describe('the commands for a rule', () => {
  it('remove it by its own words, or by the tool that manages it', () => {
    expect(commandsFor(rule('drop', 80)).at(-1)).toBe('iptables -D INPUT -p tcp -m tcp --dport 80 -j DROP');
    expect(commandsFor(rule('drop', 80, { chain: 'ufw-user-input' }))[0]).toBe('ufw status numbered');
    expect(commandsFor(rule('drop', 80, { tool: 'nft', family: 'ip6', table: 'guard', chain: 'in' }))[1]).toBe('nft delete rule ip6 guard in handle NUMBER');
    expect(commandsFor(rule('drop', 80, { policy: true, text: ':INPUT DROP' })).at(-1)).toContain('ACCEPT');
  });
});
