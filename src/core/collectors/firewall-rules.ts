import { ask, defineCollector } from '../model/collector.ts';
import { absent, denied, known, unparsable } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import { orderRules } from '../parsers/firewall-order.ts';
import type { FirewallTable } from '../parsers/firewall-order.ts';
import { parseIptablesSave } from '../parsers/iptables-save.ts';
import { nftRuleTexts, parseNftJson } from '../parsers/nft-json.ts';
import { outputOf, problemText } from './shared/answers.ts';

const OPTIONS = { timeoutMs: 3000, maxBytes: 16_777_216 } as const;

const HOW = 'run as root to read the firewall rules';

/** What iptables-save prints when the older kernel interface holds rules as well. */
const LEGACY_HINT = 'legacy tables present';

export default defineCollector({
  id: 'firewall-rules',
  title: 'Firewall rules that may refuse or drop packets',
  needs: [],
  *collect() {
    const [save4, save6, nftJson] = yield* ask(
      { kind: 'exec', argv: ['iptables-save', '-c'], options: OPTIONS },
      { kind: 'exec', argv: ['ip6tables-save', '-c'], options: OPTIONS },
      { kind: 'exec', argv: ['nft', '-j', 'list', 'ruleset'], options: OPTIONS },
    );
    const tables: FirewallTable[] = [];
    const tried: Known<string>[] = [];
    const saved = [outputOf(save4, 'iptables-save', HOW), outputOf(save6, 'ip6tables-save', HOW)] as const;
    for (const [index, tool] of (['iptables', 'ip6tables'] as const).entries()) {
      const text = saved[index];
      if (text === undefined) continue;
      tried.push(text);
      if (text.state === 'known') tables.push(...parseIptablesSave(text.value, tool));
    }

    const hints = [save4, save6].map(answer => answer.state === 'known' && `${answer.value.stdout}${answer.value.stderr}`.includes(LEGACY_HINT));
    if (hints.some(Boolean)) {
      const legacy = yield* ask(
        { kind: 'exec', argv: ['iptables-legacy-save', '-c'], options: OPTIONS },
        { kind: 'exec', argv: ['ip6tables-legacy-save', '-c'], options: OPTIONS },
      );
      for (const [index, tool] of (['iptables', 'ip6tables'] as const).entries()) {
        const text = outputOf(legacy[index] ?? absent(''), `${tool}-legacy-save`, HOW);
        if (hints[index] !== true) continue;
        tried.push(text);
        if (text.state === 'known') tables.push(...parseIptablesSave(text.value, tool));
      }
    }

    let json = outputOf(nftJson, 'nft', HOW);
    if (json.state === 'known' && json.value.trim() !== '') {
      // The words of the rules are asked for where there are any.
      const [words] = json.value.includes('"rule"') ? yield* ask({ kind: 'exec', argv: ['nft', '-a', 'list', 'ruleset'], options: OPTIONS }) : [];
      const text = words === undefined ? absent('nft holds no rules') : outputOf(words, 'nft', HOW);
      const read = parseNftJson(json.value, nftRuleTexts(text.state === 'known' ? text.value : ''));
      // The nf_tables variant of iptables keeps its rules in nft tables: those were read already, in their own words.
      if (read === undefined) json = unparsable('the output of nft -j list ruleset was not understood');
      else tables.push(...read.filter(table => !tables.some(one => one.tool !== 'nft' && one.family === table.family && one.name === table.name)));
    }
    tried.push(json);

    const refused = tried.filter(one => one.state !== 'known' && one.state !== 'absent');
    if (tried.every(one => one.state !== 'known')) {
      const why = refused[0];
      if (why !== undefined && why.state !== 'known') return why.state === 'denied' ? denied(why.why, HOW) : why;
      return absent('neither iptables-save nor nft is there to ask for firewall rules', 'install nftables or iptables, or look at the rules by hand');
    }
    const { rules, cut } = orderRules(tables);
    const problems = refused.flatMap(one => (one.state === 'known' ? [] : [problemText('Some firewall rules are not known', one)]));
    // The rules of iptables are seen through nft too, where that is there.
    if (json.state !== 'known' && saved[0].state === 'absent') problems.push(problemText('Some firewall rules are not known', saved[0]));
    if (cut) problems.push('There are more firewall rules than were read.');
    return known(rules, problems);
  },
});
