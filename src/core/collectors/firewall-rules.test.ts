import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connectionVerdict } from '../model/facts/firewall.ts';
import firewallRules from './firewall-rules.ts';
import { runCollector } from './testing.ts';

const sample = (path: string): string => readFileSync(new URL(`../parsers/${path}`, import.meta.url), 'utf8');
const iptables = sample('iptables-save.fixtures/iptables-nft-1.8.9.txt');
const EMPTY_NFT = '{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}]}';

it('reads tables of iptables-nft once, in the words of iptables', () => {
  const { fact } = runCollector(
    firewallRules,
    {},
    {
      programs: {
        'iptables-save -c': iptables,
        'ip6tables-save -c': '',
        'nft -j list ruleset': sample('nft-json.fixtures/iptables-nft-1.8.9.json.txt'),
        'nft -a list ruleset': '',
      },
    },
  );
  const rules = fact.state === 'known' ? fact.value : [];
  expect(rules.filter(rule => rule.tool === 'iptables').length).toBeGreaterThan(5);
  expect(rules.some(rule => rule.tool === 'nft' && rule.family === 'ip')).toBe(false);
  expect(rules.map(rule => rule.order)).toEqual(rules.map(rule => rule.order).sort((a, b) => a - b));
});

it('reads legacy tables where iptables-save points at them', () => {
  const { fact } = runCollector(
    firewallRules,
    {},
    {
      programs: {
        'iptables-save -c': { stdout: '', stderr: '# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n' },
        'ip6tables-save -c': '',
        'iptables-legacy-save -c': sample('iptables-save.fixtures/iptables-legacy-1.8.9.txt'),
        'nft -j list ruleset': EMPTY_NFT,
      },
    },
  );
  expect(connectionVerdict(fact.state === 'known' ? fact.value : [], { destination: '10.1.2.3', port: 5432, local: false }).verdict).toBe('drop');
});

it('knows that there are no rules', () => {
  const { fact } = runCollector(firewallRules, {}, { programs: { 'iptables-save -c': '', 'ip6tables-save -c': '', 'nft -j list ruleset': EMPTY_NFT } });
  expect(fact).toEqual({ state: 'known', value: [] });
});

it('is denied without root, absent without tools, and says what is missing where one tool answers', () => {
  const refusal = { code: 4, stderr: 'iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n' };
  const nft = { code: 1, stderr: 'netlink: Error: cache initialization failed: Operation not permitted (you must be root)\n' };
  const all = { 'iptables-save -c': refusal, 'ip6tables-save -c': refusal, 'nft -j list ruleset': nft, 'nft -a list ruleset': nft };
  expect(runCollector(firewallRules, {}, { programs: all }).fact).toMatchObject({ state: 'denied', how: expect.stringContaining('root') });
  expect(runCollector(firewallRules, {}, {}).fact.state).toBe('absent');
  expect(runCollector(firewallRules, {}, { programs: { 'iptables-save -c': iptables, 'nft -j list ruleset': nft } }).fact).toMatchObject({
    state: 'known',
    problems: [expect.stringContaining('not permitted')],
  });
});
