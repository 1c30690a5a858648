import type { FirewallCondition, FirewallMatch } from '../model/facts/system.ts';
import { wholeNumber } from './text.ts';

/** The elements of named sets and maps of one table, by name. */
export type NamedSets = ReadonlyMap<string, readonly unknown[]>;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The conditions of `{"match": {op, left, right}}`; `undefined` where they are not understood. */
export function matchConditions(match: unknown, sets: NamedSets): readonly FirewallMatch[] | undefined {
  if (!isRecord(match)) return undefined;
  const op = typeof match['op'] === 'string' ? match['op'] : '==';
  return conditionsFor(match['left'], op, match['right'], sets);
}

/** What must hold for `left` to stand in the given relation to `right`. */
export function conditionsFor(left: unknown, op: string, right: unknown, sets: NamedSets): readonly FirewallMatch[] | undefined {
  if (!isRecord(left)) return undefined;
  const negated = op === '!=';
  const values = elementsOf(right, sets);
  if (values === undefined) return undefined;
  const texts = values.map(textOf);
  const is = (on: FirewallCondition): readonly FirewallMatch[] => [{ negated, on }];

  const flags = flagsCondition(left, op, right);
  if (flags !== undefined) return is(flags);
  const payload = left['payload'];
  if (isRecord(payload)) return payloadConditions(String(payload['protocol']), String(payload['field']), op, values, texts, is);
  const meta = isRecord(left['meta']) ? String(left['meta']['key']) : '';
  if (meta !== '') return metaConditions(meta, op, values, texts, is);
  const ct = isRecord(left['ct']) ? String(left['ct']['key']) : '';
  if (ct === 'state' && texts.every(isText)) return is({ kind: 'state', values: texts.map(text => text.toLowerCase()) });
  if (ct === 'status' && texts.length === 1 && texts[0] === 'dnat') return is({ kind: 'rewritten' });
  const fib = left['fib'];
  if (isRecord(fib)) return fibConditions(fib, right, texts, is);
  return undefined;
}

type Is = (on: FirewallCondition) => readonly FirewallMatch[];

function payloadConditions(
  protocol: string,
  field: string,
  op: string,
  values: readonly unknown[],
  texts: readonly (string | undefined)[],
  is: Is,
): readonly FirewallMatch[] | undefined {
  if (field === 'dport' || field === 'sport') {
    const ranges = rangesOf(values, op, 65_535);
    if (ranges === undefined) return undefined;
    const ports = is({ kind: field === 'dport' ? 'destinationPort' : 'sourcePort', values: ranges });
    return protocol === 'th' ? ports : [{ negated: false, on: { kind: 'protocol', values: [protocol] } }, ...ports];
  }
  if ((protocol === 'ip' || protocol === 'ip6') && texts.every(isText)) {
    const family: FirewallMatch = { negated: false, on: { kind: 'family', values: [protocol] } };
    if (field === 'saddr') return [family, ...is({ kind: 'source', values: texts })];
    if (field === 'daddr') return [family, ...is({ kind: 'destination', values: texts })];
    if (field === 'protocol' || field === 'nexthdr') return [family, ...is({ kind: 'protocol', values: texts })];
  }
  // A field of another protocol (icmp type …): such packets are no TCP connection.
  return protocol.startsWith('icmp') ? [{ negated: false, on: { kind: 'protocol', values: [protocol] } }] : undefined;
}

function metaConditions(
  key: string,
  op: string,
  values: readonly unknown[],
  texts: readonly (string | undefined)[],
  is: Is,
): readonly FirewallMatch[] | undefined {
  if (key === 'skuid') {
    const ranges = rangesOf(values, op, 4_294_967_295);
    return ranges === undefined ? undefined : is({ kind: 'uid', values: ranges });
  }
  if (key === 'mark' && op !== 'in')
    return typeof values[0] === 'number' && values.length === 1 ? is({ kind: 'mark', value: values[0], mask: 0xffff_ffff }) : undefined;
  if (!texts.every(isText)) return undefined;
  if (key === 'iifname' || key === 'iif') return is({ kind: 'inInterface', values: texts });
  if (key === 'oifname' || key === 'oif') return is({ kind: 'outInterface', values: texts });
  if (key === 'l4proto') return is({ kind: 'protocol', values: texts });
  if (key === 'nfproto' || key === 'protocol') {
    const families = texts.map(text => (text === 'ipv4' || text === 'ip' ? 'ip' : text === 'ipv6' || text === 'ip6' ? 'ip6' : undefined));
    return families.every(family => family !== undefined) ? is({ kind: 'family', values: families }) : undefined;
  }
  return undefined;
}

function fibConditions(
  fib: Readonly<Record<string, unknown>>,
  right: unknown,
  texts: readonly (string | undefined)[],
  is: Is,
): readonly FirewallMatch[] | undefined {
  const flags = isList(fib['flags']) ? fib['flags'] : [fib['flags']];
  if (fib['result'] === 'type' && texts.every(isText)) {
    const types = texts.map(text => text.toUpperCase());
    return is({ kind: flags.includes('daddr') ? 'destinationType' : 'sourceType', values: types });
  }
  if (fib['result'] === 'oif' && flags.includes('saddr') && (right === false || right === 'missing')) return is({ kind: 'reversePathFails' });
  return undefined;
}

/** `tcp flags syn / fin,syn,rst,ack`: a mask and what must be left of it. */
function flagsCondition(left: Readonly<Record<string, unknown>>, op: string, right: unknown): FirewallCondition | undefined {
  const masked = left['&'];
  const isFlags = (value: unknown): boolean => isRecord(value) && isRecord(value['payload']) && value['payload']['field'] === 'flags';
  if (isList(masked) && masked.length === 2 && isFlags(masked[0]) && (op === '==' || op === '!=')) {
    const mask = flagNames(masked[1]);
    const set = flagNames(right);
    return mask === undefined || set === undefined ? undefined : { kind: 'tcpFlags', mask, set };
  }
  if (!isFlags(left)) return undefined;
  const set = flagNames(right);
  if (set === undefined || set.length !== 1) return undefined;
  return op === 'in' ? { kind: 'tcpFlags', mask: set, set } : { kind: 'tcpFlags', mask: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'], set };
}

/** `"syn"`, `["fin", "syn"]`, `{"|": ["fin", "syn"]}` nested, `0`. */
function flagNames(value: unknown): readonly string[] | undefined {
  if (value === 0) return [];
  if (typeof value === 'string') return [value];
  const list = isRecord(value) ? value['|'] : value;
  if (!isList(list) || list.length > 16) return undefined;
  const names = list.map(item => (isRecord(item) ? undefined : flagNames(item)));
  return names.every(name => name !== undefined) ? names.flat() : undefined;
}

/** The values on the right: one, a list, an anonymous or a named set. */
export function elementsOf(right: unknown, sets: NamedSets): readonly unknown[] | undefined {
  if (typeof right === 'string' && right.startsWith('@')) return sets.get(right.slice(1));
  if (isRecord(right) && isList(right['set'])) return right['set'].map(bareElement);
  if (isRecord(right) && 'set' in right) return [bareElement(right['set'])];
  return isList(right) ? right : [right];
}

/** `{"elem": {"val": x, "timeout": …}}` → x. */
export function bareElement(element: unknown): unknown {
  return isRecord(element) && isRecord(element['elem']) ? element['elem']['val'] : element;
}

/** `"10.0.0.1"`, `{"prefix": {addr, len}}` → `addr/len`, `{"range": [a, b]}` → `a-b`. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (!isRecord(value)) return undefined;
  const prefix = value['prefix'];
  if (isRecord(prefix)) return `${String(prefix['addr'])}/${String(prefix['len'])}`;
  const range = value['range'];
  return isList(range) && range.length === 2 ? `${String(range[0])}-${String(range[1])}` : undefined;
}

function rangesOf(values: readonly unknown[], op: string, most: number): readonly (readonly [number, number])[] | undefined {
  const ranges: (readonly [number, number])[] = [];
  for (const value of values) {
    const pair = isRecord(value) && isList(value['range']) ? value['range'] : [value, value];
    const [from, to] = pair.map(one => (typeof one === 'number' ? one : wholeNumber(typeof one === 'string' ? one : undefined)));
    if (from === undefined || to === undefined) return undefined;
    if (op === '<') ranges.push([0, from - 1]);
    else if (op === '<=') ranges.push([0, from]);
    else if (op === '>') ranges.push([from + 1, most]);
    else if (op === '>=') ranges.push([from, most]);
    else ranges.push([from, to]);
  }
  return ranges;
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}
