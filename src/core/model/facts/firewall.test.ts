import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { addressIn, connectionVerdict, firewallVerdict } from './firewall.ts';
import type { FirewallRule } from './system.ts';

function rule(order: number, verdict: FirewallRule['verdict'], more: Partial<FirewallRule> = {}): FirewallRule {
  return { tool: 'iptables', table: 'filter', chain: 'OUTPUT', hook: 'output', verdict, unparsed: [], text: `rule ${order}`, order, ...more };
}

const to = (rules: readonly FirewallRule[]) => firewallVerdict(rules, { hook: 'output', protocol: 'tcp', destination: '10.0.0.1', port: 80 });

it.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '10.0.0.0/255.0.0.0', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.0-10.1.2.5', true],
  ['10.1.2.6', '10.1.2.0-10.1.2.5', false],
  ['::1', '::/0', true],
  ['fe80::1', 'fe80::/10', true],
  ['2001:db8::1', '2001:db8:0:0::/64', true],
  ['::ffff:1.2.3.4', '::ffff:0.0.0.0/96', true],
  ['::1', '0.0.0.0/0', false],
  ['x', '10.0.0.0/8', false],
  ['10.1.2.3', '10.0.0.0/99', false],
])('%s in %s: %s', (address, block, inside) => {
  expect(addressIn(address, block)).toBe(inside);
});

it('takes the first rule that decides, by order and not by place', () => {
  expect(to([rule(2, 'drop'), rule(1, 'accept')]).verdict).toBe('accept');
  expect(to([rule(1, 'drop'), rule(2, 'accept')]).verdict).toBe('drop');
});

it('goes on with the next base chain after an accept', () => {
  expect(to([rule(1, 'accept', { stage: 0 }), rule(2, 'drop', { stage: 0 }), rule(3, 'reject', { stage: 1 })])).toMatchObject({
    verdict: 'reject',
    rule: { order: 3 },
  });
});

it('skips to the end of a chain on return', () => {
  expect(to([rule(1, 'return', { skipTo: 3 }), rule(2, 'drop'), rule(3, 'reject')]).verdict).toBe('reject');
});

it('does not know where an unread match decides, and knows where it does not', () => {
  const unread = { unparsed: ['-m set --match-set x dst'] };
  expect(to([rule(1, 'drop', unread)])).toMatchObject({ verdict: 'unknown', rule: { order: 1 } });
  expect(to([rule(1, 'accept', unread), rule(2, 'drop')])).toMatchObject({ verdict: 'unknown', rule: { order: 2 } });
  expect(to([rule(1, 'return', { ...unread, skipTo: 3 }), rule(2, 'drop')]).verdict).toBe('unknown');
  expect(to([rule(1, 'drop', { ...unread, destinationPorts: [[81, 90]] })]).verdict).toBe('accept');
  expect(to([rule(1, 'reject', unread), rule(2, 'drop')]).verdict).toBe('drop');
});

it('tells a refused answer from a refused request', () => {
  const answer = rule(1, 'drop', { hook: 'input', sourcePorts: [[80, 80]] });
  expect(connectionVerdict([answer], { destination: '10.0.0.1', port: 80, local: false })).toMatchObject({ verdict: 'drop', at: 'answer', hook: 'input' });
  const other = rule(1, 'drop', { hook: 'input', destinationPorts: [[22, 22]] });
  expect(connectionVerdict([other], { destination: '10.0.0.1', port: 80, local: false })).toEqual({ verdict: 'accept' });
});

it('never throws on addresses', () => {
  fc.assert(fc.property(fc.string(), fc.oneof(fc.string(), fc.ipV6(), fc.ipV4()), (address, block) => typeof addressIn(address, block) === 'boolean'));
  fc.assert(fc.property(fc.ipV6(), address => addressIn(address, `${address}/128`)));
});
