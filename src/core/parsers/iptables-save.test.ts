import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionVerdict, firewallVerdict } from '../model/facts/firewall.ts';
import { orderRules } from './firewall-order.ts';
import { parseIptablesSave } from './iptables-save.ts';

const sample = (name: string): string => readFileSync(new URL(`./iptables-save.fixtures/${name}`, import.meta.url), 'utf8');
const rulesOf = (text: string, tool: 'iptables' | 'ip6tables' = 'iptables') => orderRules(parseIptablesSave(text, tool)).rules;
const WWW_DATA = 33;
const arriving = (source: string, port: number) =>
  ({ hook: 'input', protocol: 'tcp', source, destination: '192.0.2.10', port, sourcePort: [32_768, 60_999] }) as const;

describe('a hand-made rule set', () => {
  const rules = rulesOf(sample('iptables-nft-1.8.9.txt'));
  const local = (port: number, uid = WWW_DATA) => connectionVerdict(rules, { destination: '127.0.0.1', port, local: true, uid });

  it('refuses only the user that the rule names', () => {
    expect(local(9001)).toMatchObject({ verdict: 'reject', hook: 'output', rule: { chain: 'OUTPUT', uid: WWW_DATA, rejectWith: 'icmp-port-unreachable' } });
    expect(local(9001, 0).verdict).toBe('accept');
  });

  it('lets lo pass before the rules behind it, and rules of an earlier table refuse all the same', () => {
    expect(local(9000).verdict).toBe('accept');
    expect(local(9004)).toMatchObject({ verdict: 'drop', hook: 'prerouting', rule: { table: 'raw' } });
    expect(local(9002)).toMatchObject({ verdict: 'drop', hook: 'output' });
  });

  it('does not judge a rule that strikes at random, nor a rewritten destination', () => {
    expect(local(9003)).toMatchObject({ verdict: 'unknown', rule: { text: expect.stringContaining('--probability') } });
    expect(local(9005).verdict).toBe('unknown');
  });

  it('takes packets for unmarked where no rule marks them', () => {
    expect(connectionVerdict(rules, { destination: '10.9.9.9', port: 80, local: false })).toEqual({ verdict: 'accept' });
    const marking = rulesOf(`${sample('iptables-nft-1.8.9.txt')}*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n`);
    expect(connectionVerdict(marking, { destination: '10.9.9.9', port: 80, local: false }).verdict).toBe('unknown');
  });

  it('follows jumps and returns of a user chain', () => {
    expect(firewallVerdict(rules, arriving('192.0.2.1', 9000))).toMatchObject({ verdict: 'reject', rule: { chain: 'web', rejectWith: 'tcp-reset' } });
    expect(firewallVerdict(rules, { ...arriving('10.1.1.1', 9000), inInterface: 'eth0' }).verdict).toBe('accept');
    expect(firewallVerdict(rules, { ...arriving('10.1.1.1', 9000), inInterface: 'eth1' }).verdict).toBe('reject');
    expect(firewallVerdict(rules, arriving('192.0.2.1', 8005)).verdict).toBe('accept');
  });

  it('drops new connections of a flag rule and no later packets', () => {
    expect(firewallVerdict(rules, arriving('192.0.2.1', 6003)).verdict).toBe('drop');
    expect(firewallVerdict(rules, { ...arriving('192.0.2.1', 6003), state: 'established' }).verdict).toBe('accept');
  });

  it('reads a range of addresses', () => {
    const to = (destination: string) => connectionVerdict(rules, { destination, port: 80, local: false }).verdict;
    expect([to('192.168.1.9'), to('192.168.1.10'), to('192.168.1.20'), to('192.168.1.21')]).toEqual(['accept', 'drop', 'drop', 'accept']);
  });

  it('keeps IPv4 and IPv6 apart', () => {
    expect(connectionVerdict(rules, { destination: '::1', port: 9001, local: true, uid: WWW_DATA }).verdict).toBe('accept');
    const six = rulesOf(sample('ip6tables-nft-1.8.9.txt'), 'ip6tables');
    expect(connectionVerdict(six, { destination: '::1', port: 80, local: true })).toMatchObject({ verdict: 'drop', hook: 'input', rule: { policy: true } });
    expect(connectionVerdict(six, { destination: '127.0.0.1', port: 80, local: true }).verdict).toBe('accept');
  });
});

it('drops the answers where the policy does and nothing lets established connections in', () => {
  const rules = rulesOf(sample('iptables-legacy-1.8.9.txt'));
  expect(connectionVerdict(rules, { destination: '10.1.2.3', port: 5432, local: false })).toMatchObject({ verdict: 'drop', at: 'request' });
  expect(connectionVerdict(rules, { destination: '10.1.2.3', port: 80, local: false })).toMatchObject({
    verdict: 'drop',
    at: 'answer',
    rule: { text: ':INPUT DROP' },
  });
});

it('reads the layout of ufw', () => {
  const rules = rulesOf(sample('ufw-0.36.2.txt'));
  expect(connectionVerdict(rules, { destination: '127.0.0.1', port: 9000, local: true }).verdict).toBe('accept');
  expect(connectionVerdict(rules, { destination: '192.0.2.50', port: 9000, local: false })).toMatchObject({
    verdict: 'drop',
    rule: { chain: 'ufw-user-output' },
  });
  expect(connectionVerdict(rules, { destination: '192.0.2.51', port: 9000, local: false }).verdict).toBe('accept');
  expect(firewallVerdict(rules, arriving('192.0.2.1', 443)).verdict).toBe('accept');
  expect(firewallVerdict(rules, arriving('192.0.2.1', 8080))).toMatchObject({ verdict: 'drop', rule: { chain: 'ufw-user-input' } });
  expect(firewallVerdict(rules, arriving('192.0.2.1', 3000))).toMatchObject({ verdict: 'drop', rule: { policy: true } });
  const six = rulesOf(sample('ufw-ip6-0.36.2.txt'), 'ip6tables');
  expect(connectionVerdict(six, { destination: '::1', port: 9000, local: true }).verdict).toBe('accept');
});

it('leaves out hooks where nothing is refused', () => {
  expect(rulesOf('*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n')).toEqual([]);
});

it('is not caught by loops of jumps', () => {
  const loop = '*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A a -j b\n-A b -j a\n-A b -j a\n-A b -j DROP\nCOMMIT\n';
  expect(orderRules(parseIptablesSave(loop, 'iptables')).cut).toBe(true);
});

it('never throws', () => {
  const word = fc.constantFrom(
    '-A INPUT',
    '-j DROP',
    '-p tcp',
    '--dport',
    '80',
    ':',
    ',',
    '!',
    '-s 10.0.0.0/8',
    '"',
    '\\',
    '-m',
    '--tcp-flags',
    '\n',
    '*filter\n',
    ':INPUT DROP [1:2]\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 5 }))), words => {
      const rules = rulesOf(`*filter\n:INPUT ACCEPT [0:0]\n${words.join(' ')}`);
      firewallVerdict(rules, arriving('192.0.2.1', 80));
    }),
  );
});
