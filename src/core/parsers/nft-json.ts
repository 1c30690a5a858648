import type { FirewallMatch } from '../model/facts/system.ts';
import type { ChainRule, FirewallChain, FirewallTable } from './firewall-order.ts';
import { bareElement, conditionsFor, elementsOf, isList, isRecord, matchConditions } from './nft-expression.ts';
import type { NamedSets } from './nft-expression.ts';
import { linesOf, wordsOf } from './text.ts';

type Fields = Readonly<Record<string, unknown>>;

const HOOKS = ['input', 'output', 'forward', 'prerouting', 'postrouting'] as const;

/** Statements that neither match nor decide. `xt` may match: rules of iptables-nft hold it. */
const HARMLESS = new Set(['counter', 'log', 'mangle', 'notrack', 'ct helper', 'ct timeout', 'ct expectation', 'flow', 'dup', 'secmark', 'set', 'map', 'reset']);

/**
 * Reads `nft -j list ruleset` (libnftables-json(5), schema 1); `texts` are the rules as `nft -a list ruleset` prints
 * them, from `nftRuleTexts`. `undefined` where the text is no such JSON. Sample (nft 1.0.6):
 * `{"nftables": [{"metainfo": {…}}, {"table": {"family": "inet", "name": "filter", "handle": 4}}, {"rule": {…, "expr": […]}}]}`
 */
export function parseNftJson(text: string, texts: ReadonlyMap<string, string>): readonly FirewallTable[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const items = isRecord(document) ? document['nftables'] : undefined;
  if (!isList(items)) return undefined;
  const tables = new Map<string, OpenTable>();
  for (const item of items) if (isRecord(item)) addDefinition(tables, item);
  for (const item of items) if (isRecord(item) && isRecord(item['rule'])) addRule(tables, item['rule'], texts);
  return [...tables.values()];
}

/** The rules in `nft -a list ruleset` by `family table handle`, without their handles. */
export function nftRuleTexts(text: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let table = '';
  for (const line of linesOf(text)) {
    const handle = line.lastIndexOf(' # handle ');
    if (handle < 0) continue;
    const words = wordsOf(line.slice(0, handle), 4);
    if (line.startsWith('table ') && words[1] !== undefined && words[2] !== undefined) table = `${words[1]} ${words[2]}`;
    else texts.set(`${table} ${line.slice(handle + 10).trim()}`, line.slice(0, handle).trim());
  }
  return texts;
}

interface OpenTable extends FirewallTable {
  readonly chains: Map<string, FirewallChain>;
  readonly sets: Map<string, readonly unknown[]>;
}

function addDefinition(tables: Map<string, OpenTable>, item: Fields): void {
  const [table, chain] = [item['table'], item['chain']];
  const set = item['set'] ?? item['map'];
  if (isRecord(table)) {
    const family = table['family'];
    if (family !== 'ip' && family !== 'ip6' && family !== 'inet') return;
    const name = String(table['name']);
    tables.set(`${family} ${name}`, { tool: 'nft', family, name, chains: new Map(), sets: new Map() });
  } else if (isRecord(chain)) {
    const name = String(chain['name']);
    const base = baseOf(chain);
    tableOf(tables, chain)?.chains.set(name, { name, rules: [], ...(base === undefined ? {} : { base }) });
  } else if (isRecord(set) && isList(set['elem'])) {
    tableOf(tables, set)?.sets.set(String(set['name']), set['elem'].map(bareElement));
  } else if (isRecord(set)) {
    tableOf(tables, set)?.sets.set(String(set['name']), []);
  }
}

function tableOf(tables: ReadonlyMap<string, OpenTable>, part: Fields): OpenTable | undefined {
  return tables.get(`${String(part['family'])} ${String(part['table'])}`);
}

function baseOf(chain: Fields): FirewallChain['base'] {
  const hook = HOOKS.find(one => one === chain['hook']);
  if (hook === undefined) return undefined;
  const priority = typeof chain['prio'] === 'number' ? chain['prio'] : 0;
  const policy = chain['policy'] === 'drop' ? 'drop' : 'accept';
  const type = String(chain['type']);
  return { hook, priority, policy, policyText: `type ${type} hook ${hook} priority ${priority}; policy ${policy};`, nat: type === 'nat' };
}

function addRule(tables: ReadonlyMap<string, OpenTable>, rule: Fields, texts: ReadonlyMap<string, string>): void {
  const table = tableOf(tables, rule);
  const chain = table?.chains.get(String(rule['chain']));
  const expressions = rule['expr'];
  if (table === undefined || chain === undefined || !isList(expressions)) return;
  const text = texts.get(`${table.family} ${table.name} ${String(rule['handle'])}`) ?? JSON.stringify(expressions).slice(0, 1000);
  const matches: FirewallMatch[] = [];
  const unparsed: string[] = [];
  let packets: number | undefined;
  const push = (action: ChainRule['action'], more: Partial<ChainRule> = {}): void => {
    chain.rules.push({ matches: [...matches], unparsed: [...unparsed], action, text, ...(packets === undefined ? {} : { packets }), ...more });
  };
  for (const expression of expressions) {
    if (!isRecord(expression)) continue;
    const [name, value] = Object.entries(expression)[0] ?? ['', null];
    if (name === 'match') {
      const conditions = matchConditions(value, table.sets);
      if (conditions === undefined) unparsed.push(JSON.stringify(value).slice(0, 200));
      else matches.push(...conditions);
    } else if (name === 'counter') {
      if (isRecord(value) && typeof value['packets'] === 'number') packets = value['packets'];
    } else if (name === 'vmap') {
      for (const one of verdictMap(value, table.sets)) {
        chain.rules.push({ action: one.action, text, matches: [...matches, ...one.matches], unparsed: [...unparsed, ...one.unparsed], ...one.more });
      }
    } else if (name === 'mangle') {
      push('continue', { setsMark: JSON.stringify(value).includes('"mark"') });
    } else {
      const verdict = verdictOf(name, value);
      if (verdict !== undefined) {
        if (name === 'queue') unparsed.push('queue');
        push(verdict.action, verdict.more);
      } else if (!HARMLESS.has(name)) {
        unparsed.push(JSON.stringify(expression).slice(0, 200));
      }
    }
  }
}

interface Verdict {
  readonly action: ChainRule['action'];
  readonly more: Partial<ChainRule>;
}

function verdictOf(name: string, value: unknown): Verdict | undefined {
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return { action: name, more: {} };
    case 'reject': {
      const type = isRecord(value) ? [value['type'], value['expr']].filter(part => typeof part === 'string').join(' ') : '';
      return { action: 'reject', more: type === '' ? {} : { rejectWith: type } };
    }
    case 'jump':
    case 'goto':
      return { action: name, more: { target: isRecord(value) ? String(value['target']) : '' } };
    case 'dnat':
    case 'redirect':
    case 'tproxy':
      return { action: 'rewrite', more: {} };
    case 'snat':
    case 'masquerade':
      return { action: 'accept', more: {} };
    case 'queue':
      return { action: 'drop', more: {} };
    default:
      return undefined;
  }
}

interface MappedVerdict extends Verdict {
  readonly matches: readonly FirewallMatch[];
  readonly unparsed: readonly string[];
}

/** `ct state vmap { established : accept, invalid : drop }` as one rule an element. */
function verdictMap(value: unknown, sets: NamedSets): readonly MappedVerdict[] {
  if (!isRecord(value)) return [];
  const pairs = elementsOf(value['data'], sets) ?? [];
  return pairs.flatMap(pair => {
    if (!isList(pair) || !isRecord(pair[1])) return [];
    const [name, argument] = Object.entries(pair[1])[0] ?? ['', null];
    const verdict = verdictOf(name, argument);
    if (verdict === undefined) return [];
    const conditions = conditionsFor(value['key'], '==', bareElement(pair[0]), sets);
    return [{ ...verdict, matches: conditions ?? [], unparsed: conditions === undefined ? [JSON.stringify(value['key']).slice(0, 200)] : [] }];
  });
}
