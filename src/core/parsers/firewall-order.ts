import type { FirewallMatch, FirewallRule } from '../model/facts/system.ts';

/** A rule as it stands in its chain. */
export interface ChainRule {
  readonly matches: readonly FirewallMatch[];
  readonly unparsed: readonly string[];
  /** `continue` for rules that only count, log or mark. */
  readonly action: 'accept' | 'drop' | 'reject' | 'return' | 'rewrite' | 'jump' | 'goto' | 'continue';
  /** It changes the packet's mark. */
  readonly setsMark?: boolean;
  /** The chain of a jump or goto. */
  readonly target?: string;
  readonly rejectWith?: string;
  readonly packets?: number;
  readonly text: string;
}

export interface FirewallChain {
  readonly name: string;
  readonly rules: ChainRule[];
  /** Of a base chain: where it hangs and when it runs there. */
  readonly base?: {
    readonly hook: NonNullable<FirewallRule['hook']>;
    readonly priority: number;
    readonly policy: 'accept' | 'drop';
    readonly policyText: string;
    readonly packets?: number;
    /** NAT chains see the first packet of a connection alone. */
    readonly nat: boolean;
  };
}

export interface FirewallTable {
  readonly tool: FirewallRule['tool'];
  readonly family: 'ip' | 'ip6' | 'inet';
  readonly name: string;
  readonly chains: ReadonlyMap<string, FirewallChain>;
}

type Draft = { -readonly [K in keyof FirewallRule]: FirewallRule[K] } & { label?: { order: number } };

/** Bounds of what hostile or generated rule sets may unfold to. */
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 16;

/**
 * Lays the tables out in the order in which the kernel walks them: by hook, then by priority, with the chains that are
 * jumped to in place. Hooks without any rule that refuses are left out. `cut` tells that a bound was reached.
 */
export function orderRules(tables: readonly FirewallTable[]): { readonly rules: readonly FirewallRule[]; readonly cut: boolean } {
  const bases = tables.flatMap(table => [...table.chains.values()].flatMap(chain => (chain.base === undefined ? [] : [{ table, chain, base: chain.base }])));
  bases.sort((a, b) => (a.base.hook === b.base.hook ? a.base.priority - b.base.priority : a.base.hook < b.base.hook ? -1 : 1));
  const marked = tables.some(table => [...table.chains.values()].some(chain => chain.rules.some(rule => rule.setsMark === true)));
  const out: Draft[] = [];
  let cut = false;
  for (const [stage, { table, chain, base }] of bases.entries()) {
    const drafts: Draft[] = [];
    const matches: readonly FirewallMatch[] = base.nat ? [{ negated: false, on: { kind: 'state', values: ['new'] } }] : [];
    const end = { order: 0 };
    if (!unfold({ table, hook: base.hook, stage, drafts, room: MAX_ENTRIES - out.length }, chain, { matches, unparsed: [] }, end, 0)) cut = true;
    end.order = drafts.length;
    if (base.policy === 'drop') drafts.push(policyDraft(table, chain.name, base, stage));
    // Labels count from the start of this base chain until here.
    for (const [index, draft] of drafts.entries()) {
      draft.order = out.length + index;
      if (draft.label !== undefined) draft.skipTo = out.length + draft.label.order;
      delete draft.label;
      if (marked && draft.matches !== undefined) draft.matches = draft.matches.map(withUnknownMark);
    }
    out.push(...drafts);
  }
  const refusing = new Set(out.filter(rule => rule.verdict === 'drop' || rule.verdict === 'reject').map(rule => rule.hook));
  return { rules: out.filter(rule => refusing.has(rule.hook)), cut };
}

interface Unfolding {
  readonly table: FirewallTable;
  readonly hook: NonNullable<FirewallRule['hook']>;
  readonly stage: number;
  readonly drafts: Draft[];
  readonly room: number;
}

/** What the jumps on the way here demand. */
interface Demands {
  readonly matches: readonly FirewallMatch[];
  readonly unparsed: readonly string[];
}

/** `end` is where a `return` from this chain leads to; its order is set once the chain is laid out. False where a bound was reached. */
function unfold(into: Unfolding, chain: FirewallChain, demands: Demands, end: { order: number }, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  for (const rule of chain.rules) {
    if (into.drafts.length >= into.room) return false;
    if (rule.action === 'continue') continue;
    const all: Demands = { matches: [...demands.matches, ...rule.matches], unparsed: [...demands.unparsed, ...rule.unparsed] };
    if (rule.action !== 'jump' && rule.action !== 'goto') {
      into.drafts.push(draftOf(into, chain.name, rule, rule.action, all, end));
      continue;
    }
    const target = into.table.chains.get(rule.target ?? '');
    if (target === undefined) continue;
    // After a goto, the end of the target is the end of this chain.
    const inner = rule.action === 'goto' ? end : { order: 0 };
    if (!unfold(into, target, all, inner, depth + 1)) return false;
    if (rule.action === 'goto') into.drafts.push(draftOf(into, chain.name, rule, 'return', all, end));
    else inner.order = into.drafts.length;
  }
  return true;
}

function draftOf(into: Unfolding, chain: string, rule: ChainRule, verdict: FirewallRule['verdict'], all: Demands, end: { order: number }): Draft {
  return {
    tool: into.table.tool,
    family: into.table.family,
    table: into.table.name,
    chain,
    hook: into.hook,
    verdict,
    ...plainFields(rule.matches),
    matches: all.matches,
    unparsed: all.unparsed,
    text: rule.text,
    order: 0,
    stage: into.stage,
    ...(rule.rejectWith === undefined ? {} : { rejectWith: rule.rejectWith }),
    ...(rule.packets === undefined ? {} : { packets: rule.packets }),
    ...(verdict === 'return' ? { label: end } : {}),
  };
}

function policyDraft(table: FirewallTable, chain: string, base: NonNullable<FirewallChain['base']>, stage: number): Draft {
  return {
    tool: table.tool,
    family: table.family,
    table: table.name,
    chain,
    hook: base.hook,
    verdict: 'drop',
    matches: [],
    unparsed: [],
    ...(base.packets === undefined ? {} : { packets: base.packets }),
    text: base.policyText,
    order: 0,
    stage,
    policy: true,
  };
}

/** Where some rule sets marks, what mark a packet carries cannot be told. */
function withUnknownMark(match: FirewallMatch): FirewallMatch {
  return match.on.kind === 'mark' ? { negated: false, on: { kind: 'other', text: `mark ${match.on.value}/${match.on.mask}` } } : match;
}

/** The rule's own matches as the fields for people; negated ones and lists of addresses are left to `matches`. */
function plainFields(matches: readonly FirewallMatch[]): Partial<Draft> {
  const fields: Partial<Draft> = {};
  for (const { negated, on } of matches) {
    if (negated) continue;
    if (on.kind === 'protocol' && on.values.length === 1) fields.protocol = on.values[0] ?? '';
    else if (on.kind === 'source' && on.values.length === 1) fields.source = on.values[0] ?? '';
    else if (on.kind === 'destination' && on.values.length === 1) fields.destination = on.values[0] ?? '';
    else if (on.kind === 'destinationPort') fields.destinationPorts = on.values;
    else if (on.kind === 'sourcePort') fields.sourcePorts = on.values;
    else if (on.kind === 'inInterface' && on.values.length === 1) fields.inInterface = on.values[0] ?? '';
    else if (on.kind === 'outInterface' && on.values.length === 1) fields.outInterface = on.values[0] ?? '';
    else if (on.kind === 'uid' && on.values.length === 1 && on.values[0]?.[0] === on.values[0]?.[1]) fields.uid = on.values[0]?.[0] ?? 0;
  }
  return fields;
}
