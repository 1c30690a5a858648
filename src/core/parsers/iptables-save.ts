import type { FirewallCondition, FirewallMatch } from '../model/facts/system.ts';
import type { ChainRule, FirewallChain, FirewallTable } from './firewall-order.ts';
import { linesOf, wholeNumber } from './text.ts';

type Base = NonNullable<FirewallChain['base']>;

const HOOKS: Readonly<Record<string, Base['hook']>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};

/** `include/uapi/linux/netfilter_ipv4.h`: NF_IP_PRI_*. */
const PRIORITIES: Readonly<Record<string, number>> = { raw: -300, mangle: -150, nat: -100, filter: 0, security: 50 };

const ACTIONS: Readonly<Record<string, ChainRule['action']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  TARPIT: 'drop',
  RETURN: 'return',
  DNAT: 'rewrite',
  REDIRECT: 'rewrite',
  TPROXY: 'rewrite',
  SNAT: 'accept',
  MASQUERADE: 'accept',
  NETMAP: 'rewrite',
  // A program in user space decides; the rule is marked as not understood.
  NFQUEUE: 'drop',
  QUEUE: 'drop',
};

/** Options whose value says nothing about whether the rule matches. */
const IGNORED = new Set([
  '--comment',
  '--limit-burst',
  '--log-prefix',
  '--log-level',
  '--set-mark',
  '--set-xmark',
  '--to-destination',
  '--to-ports',
  '--to-source',
]);

/**
 * Reads `iptables-save -c` or `ip6tables-save -c`, both variants. Samples (iptables 1.8.9):
 * ```
 * *filter
 * :INPUT ACCEPT [0:0]
 * :web - [0:0]
 * [0:0] -A web -s 10.0.0.0/8 ! -i eth1 -p tcp -m tcp --dport 9000 -j RETURN
 * COMMIT
 * ```
 */
export function parseIptablesSave(text: string, tool: 'iptables' | 'ip6tables'): readonly FirewallTable[] {
  const tables: FirewallTable[] = [];
  let chains: Map<string, FirewallChain> | undefined;
  let table = '';
  for (const line of linesOf(text)) {
    if (line.startsWith('*')) {
      table = line.slice(1).trim();
      chains = new Map();
      tables.push({ tool, family: tool === 'iptables' ? 'ip' : 'ip6', name: table, chains });
    } else if (chains === undefined) {
      continue;
    } else if (line.startsWith(':')) {
      const chain = readChain(line, table);
      if (chain !== undefined) chains.set(chain.name, chain);
    } else if (line.startsWith('[') || line.startsWith('-A ')) {
      const read = readRule(line.slice(0, 16_384), chains);
      if (read !== undefined) chains.get(read.chain)?.rules.push(read.rule);
    }
  }
  return tables;
}

/** `:INPUT DROP [12:720]`; user chains have `-` for a policy. */
function readChain(line: string, table: string): FirewallChain | undefined {
  const [name, policy, counters] = line.slice(1).split(' ', 3);
  if (name === undefined || name === '') return undefined;
  const hook = HOOKS[name];
  if (hook === undefined || (policy !== 'ACCEPT' && policy !== 'DROP')) return { name, rules: [] };
  const nat = table === 'nat';
  const packets = wholeNumber(counters?.slice(1, counters.indexOf(':')));
  const late = nat && (hook === 'input' || hook === 'postrouting');
  return {
    name,
    rules: [],
    base: {
      hook,
      priority: late ? 100 : (PRIORITIES[table] ?? 0),
      policy: policy === 'DROP' ? 'drop' : 'accept',
      policyText: `:${name} ${policy}`,
      nat,
      ...(packets === undefined ? {} : { packets }),
    },
  };
}

function readRule(line: string, chains: ReadonlyMap<string, FirewallChain>): { readonly chain: string; readonly rule: ChainRule } | undefined {
  const at = line.indexOf('-A ');
  if (at < 0) return undefined;
  const packets = at > 1 ? wholeNumber(line.slice(1, line.indexOf(':'))) : undefined;
  const words = shellWords(line.slice(at));
  const chain = words[1];
  if (chain === undefined) return undefined;
  const matches: FirewallMatch[] = [];
  const unparsed: string[] = [];
  let action: ChainRule['action'] = 'continue';
  let target: string | undefined;
  let rejectWith: string | undefined;
  let setsMark = false;
  let negated = false;
  for (let index = 2; index < words.length;) {
    const option = words[index] ?? '';
    if (option === '!') {
      negated = true;
      index += 1;
      continue;
    }
    const values = valuesAt(words, index + 1);
    index += 1 + values.length;
    const value = values[0] ?? '';
    if (option === '-j' || option === '-g') {
      const user = chains.has(value);
      action = user ? (option === '-g' ? 'goto' : 'jump') : (ACTIONS[value] ?? 'continue');
      if (user) target = value;
      setsMark = value === 'MARK' || (value === 'CONNMARK' && words.includes('--restore-mark'));
      if (value === 'NFQUEUE' || value === 'QUEUE') unparsed.push(`-j ${value}`);
      // The options that follow belong to the target.
      const reject = words.indexOf('--reject-with', index);
      if (reject > 0) rejectWith = words[reject + 1];
      break;
    }
    if (option !== '-m' && !IGNORED.has(option)) {
      const conditions = conditionsOf(option, values);
      for (const on of conditions) matches.push({ negated, on });
      if (conditions.length === 0) unparsed.push([...(negated ? ['!'] : []), option, ...values].join(' '));
    } else if (option === '-m' && value === 'rpfilter') {
      matches.push({ negated: false, on: { kind: 'reversePathFails' } });
    }
    negated = false;
  }
  const rule: ChainRule = {
    matches,
    unparsed,
    action,
    text: line.slice(at),
    ...(target === undefined ? {} : { target }),
    ...(rejectWith === undefined ? {} : { rejectWith }),
    ...(packets === undefined ? {} : { packets }),
    ...(setsMark ? { setsMark } : {}),
  };
  return { chain, rule };
}

/** The words up to the next option or negation. */
function valuesAt(words: readonly string[], from: number): readonly string[] {
  let end = from;
  while (end < words.length && words[end] !== '!' && !isOption(words[end] ?? '')) end += 1;
  return words.slice(from, end);
}

/** `-j`, `--dport`; a negative number or range is a value. */
function isOption(word: string): boolean {
  return /^--?[a-zA-Z]/.test(word);
}

function conditionsOf(option: string, values: readonly string[]): readonly FirewallCondition[] {
  const value = values[0] ?? '';
  const list = value.split(',');
  switch (option) {
    case '-p':
      return [{ kind: 'protocol', values: [value] }];
    case '-s':
      return [{ kind: 'source', values: list }];
    case '-d':
      return [{ kind: 'destination', values: list }];
    case '--src-range':
      return [{ kind: 'source', values: [value] }];
    case '--dst-range':
      return [{ kind: 'destination', values: [value] }];
    case '-i':
      return [{ kind: 'inInterface', values: [value] }];
    case '-o':
      return [{ kind: 'outInterface', values: [value] }];
    case '--dport':
    case '--dports':
      return portCondition('destinationPort', list);
    case '--sport':
    case '--sports':
      return portCondition('sourcePort', list);
    case '--ports':
      return portCondition('anyPort', list);
    case '--ctstate':
    case '--state':
      return [{ kind: 'state', values: list.map(one => one.toLowerCase()) }];
    case '--uid-owner':
      return uidCondition(value);
    case '--src-type':
      return [{ kind: 'sourceType', values: list }];
    case '--dst-type':
      return [{ kind: 'destinationType', values: list }];
    case '--tcp-flags':
      return [{ kind: 'tcpFlags', mask: flagNames(value), set: flagNames(values[1] ?? '') }];
    case '--mark':
      return markCondition(value);
    case '--invert':
    case '--validmark':
    case '--loose':
    case '--accept-local':
      // Options of rpfilter, which is read as a whole where the module is named.
      return [{ kind: 'reversePathFails' }];
    default:
      return [];
  }
}

function portCondition(kind: 'destinationPort' | 'sourcePort' | 'anyPort', list: readonly string[]): readonly FirewallCondition[] {
  const ranges: (readonly [number, number])[] = [];
  for (const item of list) {
    const colon = item.indexOf(':');
    const from = colon < 0 ? wholeNumber(item) : colon === 0 ? 0 : wholeNumber(item.slice(0, colon));
    const to = colon < 0 ? from : colon === item.length - 1 ? 65_535 : wholeNumber(item.slice(colon + 1));
    if (from === undefined || to === undefined) return [];
    ranges.push([from, to]);
  }
  return [{ kind, values: ranges }];
}

function uidCondition(text: string): readonly FirewallCondition[] {
  const [first, last] = text.split('-', 2).map(wholeNumber);
  if (first === undefined) return [];
  return text.includes('-') && last === undefined ? [] : [{ kind: 'uid', values: [[first, last ?? first]] }];
}

/** `0x1`, `0x8000/0x8000`. */
function markCondition(text: string): readonly FirewallCondition[] {
  const [value, mask] = text.split('/', 2).map(part => (/^(?:0x[0-9a-fA-F]{1,8}|\d{1,10})$/.test(part) ? Number(part) : undefined));
  return value === undefined ? [] : [{ kind: 'mark', value, mask: mask ?? 0xffff_ffff }];
}

function flagNames(text: string): readonly string[] {
  if (text === 'NONE') return [];
  if (text === 'ALL') return ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'];
  return text
    .toLowerCase()
    .split(',')
    .filter(flag => flag !== '');
}

/** Words between blanks; `"…"` is one word, in it `\"` and `\\` stand for themselves. */
function shellWords(line: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let inWord = false;
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? '';
    if (quoted && character === '\\') {
      at += 1;
      word += line[at] ?? '';
    } else if (character === '"') {
      quoted = !quoted;
      inWord = true;
    } else if (character === ' ' && !quoted) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
    } else {
      word += character;
      inWord = true;
    }
  }
  if (inWord) words.push(word);
  return words;
}
