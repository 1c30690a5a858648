import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionVerdict, firewallVerdict } from '../model/facts/firewall.ts';
import { orderRules } from './firewall-order.ts';
import { nftRuleTexts, parseNftJson } from './nft-json.ts';

const sample = (name: string): string => readFileSync(new URL(`./nft-json.fixtures/${name}`, import.meta.url), 'utf8');
const rulesOf = (json: string, text = '') => orderRules(parseNftJson(json, nftRuleTexts(text)) ?? []).rules;
const arriving = (source: string, port: number) =>
  ({ hook: 'input', protocol: 'tcp', source, destination: '192.0.2.10', port, sourcePort: [32_768, 60_999] }) as const;

describe('an inet table with sets, maps and jumps', () => {
  const rules = rulesOf(sample('nft-1.0.6.json.txt'), sample('nft-1.0.6.txt'));

  it('matches named sets, anonymous sets, ranges and negations', () => {
    expect(firewallVerdict(rules, arriving('198.51.100.3', 80))).toMatchObject({ verdict: 'drop', rule: { text: 'ip saddr @banned drop' } });
    expect(firewallVerdict(rules, arriving('203.0.113.7', 80)).verdict).toBe('drop');
    expect(firewallVerdict(rules, arriving('203.0.113.8', 8005)).verdict).toBe('accept');
    expect(firewallVerdict(rules, arriving('192.0.2.1', 9000))).toMatchObject({ verdict: 'reject', rule: { rejectWith: 'tcp reset' } });
  });

  it('refuses by owner, range and comparison', () => {
    const to = (destination: string, port: number, uid: number) => connectionVerdict(rules, { destination, port, uid, local: destination === '127.0.0.1' });
    expect(to('127.0.0.1', 9001, 33)).toMatchObject({ verdict: 'reject', hook: 'output', rule: { uid: 33 } });
    expect(to('127.0.0.1', 9001, 0).verdict).toBe('accept');
    expect(to('192.0.2.25', 9150, 33).verdict).toBe('drop');
    expect(to('192.0.2.25', 9099, 33).verdict).toBe('accept');
  });

  it('reads verdict maps, and jumps in them', () => {
    const out = (destination: string, port: number) =>
      firewallVerdict(rules, { hook: 'output', protocol: 'tcp', destination, port, outInterface: 'eth0' }).verdict;
    expect([out('10.0.0.9', 6379), out('10.0.0.5', 5432), out('10.0.0.9', 5432), out('10.0.0.9', 80)]).toEqual(['drop', 'accept', 'reject', 'accept']);
    expect(firewallVerdict(rules, { ...arriving('192.0.2.1', 81), state: 'established' }).verdict).toBe('accept');
  });

  it('does not judge behind a rate limit', () => {
    expect(firewallVerdict(rules, arriving('192.0.2.1', 3000))).toMatchObject({ verdict: 'unknown', rule: { verdict: 'drop' } });
  });
});

it('reads the layout of firewalld: zones by goto, a reject at the end', () => {
  const rules = rulesOf(sample('firewalld-1.3.3.json.txt'), sample('firewalld-1.3.3.txt'));
  expect(connectionVerdict(rules, { destination: '127.0.0.1', port: 9000, local: true }).verdict).toBe('accept');
  expect(connectionVerdict(rules, { destination: '::1', port: 9000, local: true }).verdict).toBe('accept');
  expect(connectionVerdict(rules, { destination: '10.0.0.9', port: 9000, local: false }).verdict).toBe('accept');
  expect(firewallVerdict(rules, arriving('192.0.2.1', 80)).verdict).toBe('accept');
  expect(firewallVerdict(rules, arriving('192.0.2.1', 9000))).toMatchObject({ verdict: 'reject', rule: { chain: 'filter_IN_public_deny' } });
  expect(firewallVerdict(rules, arriving('192.0.2.1', 3000))).toMatchObject({ verdict: 'reject', rule: { chain: 'filter_IN_public' } });
});

it('marks what iptables-nft hides from it as not understood', () => {
  const rules = rulesOf(sample('iptables-nft-1.8.9.json.txt'));
  expect(rules.some(rule => rule.unparsed.some(text => text.includes('xt')))).toBe(true);
  expect(connectionVerdict(rules, { destination: '127.0.0.1', port: 9001, local: true, uid: 33 }).verdict).not.toBe('accept');
});

it('says when the text is no ruleset, and never throws', () => {
  expect(parseNftJson('table ip x {', new Map())).toBeUndefined();
  expect(parseNftJson('[]', new Map())).toBeUndefined();
  const any = fc.jsonValue();
  const chain = { chain: { family: 'inet', table: 't', name: 'c', hook: 'input', prio: 0, policy: 'drop', type: 'filter' } };
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          any,
          any.map(match => ({ match })),
          fc.record({ match: fc.record({ left: any, op: fc.constantFrom('==', 'in'), right: any }) }),
        ),
      ),
      expr => {
        const text = JSON.stringify({
          nftables: [{ table: { family: 'inet', name: 't' } }, chain, { rule: { family: 'inet', table: 't', chain: 'c', expr } }],
        });
        firewallVerdict(rulesOf(text), arriving('192.0.2.1', 80));
      },
    ),
  );
});
