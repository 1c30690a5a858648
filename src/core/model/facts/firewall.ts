import type { FirewallCondition, FirewallMatch, FirewallRule } from './system.ts';

/** From and to, both included. */
export type PortRange = readonly [number, number];

/** A packet of a connection at one hook, as far as it is known. */
export interface FirewallPacket {
  readonly hook: 'input' | 'output' | 'forward' | 'prerouting' | 'postrouting';
  readonly protocol: 'tcp' | 'udp';
  /** An IP address; absent where it is not known. */
  readonly source?: string;
  /** Absent after its destination was rewritten. */
  readonly destination?: string;
  /** Destination port, or the range that it is one of; absent where it is not known. */
  readonly port?: number | PortRange;
  readonly sourcePort?: number | PortRange;
  /** `lo` for local traffic; absent means some interface other than `lo`. */
  readonly inInterface?: string;
  readonly outInterface?: string;
  /** The sender, for packets made on this host. */
  readonly uid?: number;
  /** `new` (default) for the first packet, `established` for every later one and for answers. */
  readonly state?: 'new' | 'established';
  /** The address family, needed where there is no destination. */
  readonly family?: 'ip' | 'ip6';
}

/**
 * `unknown`: a match that cannot be judged decides. `rule` is then the refusing rule that may or may not apply.
 */
export interface FirewallVerdict {
  readonly verdict: 'accept' | 'reject' | 'drop' | 'unknown';
  readonly rule?: FirewallRule;
}

/** A connection from this host to a peer. */
export interface FirewallConnection {
  readonly destination: string;
  readonly port: number;
  /** The destination is an address of this host: the packets run over `lo` and meet the input hook too. */
  readonly local: boolean;
  /** Uid of the process that connects (nginx's workers). */
  readonly uid?: number;
  /** Of a peer on another host: the interface that leads there, and this host's address on it. */
  readonly dev?: string;
  readonly source?: string;
  /** `net.ipv4.ip_local_port_range`: the connecting side's port is one of these. */
  readonly localPorts?: PortRange;
}

/** Where in the life of a connection the firewall ends it. */
export interface ConnectionVerdict extends FirewallVerdict {
  readonly at?: 'request' | 'answer';
  readonly hook?: FirewallPacket['hook'];
}

/** Linux's default for `net.ipv4.ip_local_port_range`. */
const EPHEMERAL_PORTS: PortRange = [32_768, 60_999];

type Truth = 'yes' | 'no' | 'maybe';

/** What the rules do with one packet at one hook. */
export function firewallVerdict(rules: readonly FirewallRule[], packet: FirewallPacket): FirewallVerdict {
  const path = rules.filter(rule => rule.hook === packet.hook && familyFits(rule, packet)).sort((a, b) => a.order - b.order);
  let seen = packet;
  let doneStage = -1;
  let skipTo = -1;
  let maybeUntil = -1;
  let maybeAcceptedStage = -1;
  let maybeRefused: FirewallRule | undefined;
  for (const rule of path) {
    const stage = rule.stage ?? 0;
    if (stage === doneStage || rule.order < skipTo) continue;
    let truth = ruleTruth(rule, seen);
    if (truth === 'yes' && (rule.order < maybeUntil || maybeAcceptedStage === stage)) truth = 'maybe';
    if (truth === 'no') continue;
    if (rule.verdict === 'rewrite') {
      seen = withoutDestination(seen);
      if (truth === 'yes') doneStage = stage;
    } else if (rule.verdict === 'return') {
      if (truth === 'yes') skipTo = Math.max(skipTo, rule.skipTo ?? 0);
      else maybeUntil = Math.max(maybeUntil, rule.skipTo ?? 0);
    } else if (rule.verdict === 'accept') {
      if (truth === 'yes') doneStage = stage;
      else maybeAcceptedStage = stage;
    } else if (truth === 'yes') {
      return { verdict: rule.verdict, rule };
    } else {
      maybeRefused ??= rule;
    }
  }
  return maybeRefused === undefined ? { verdict: 'accept' } : { verdict: 'unknown', rule: maybeRefused };
}

/**
 * What the rules of this host do with a connection to a peer: the first packet on its way out (and in again where
 * the peer is on this host), then the answers. The first refusal that is certain wins over an uncertain one.
 */
export function connectionVerdict(rules: readonly FirewallRule[], connection: FirewallConnection): ConnectionVerdict {
  const { destination, port, local } = connection;
  const out = local ? 'lo' : connection.dev;
  const interfaces = out === undefined ? {} : { inInterface: out, outInterface: out };
  const owner = connection.uid === undefined ? {} : { uid: connection.uid };
  const ephemeral = connection.localPorts ?? EPHEMERAL_PORTS;
  const source = local ? destination : connection.source;
  const own = source === undefined ? {} : { source };
  const there = { protocol: 'tcp', destination, port, sourcePort: ephemeral, ...own, ...interfaces, state: 'new' } as const;
  const back = {
    protocol: 'tcp',
    source: destination,
    sourcePort: port,
    port: ephemeral,
    ...(source === undefined ? { family: familyOf(destination) } : { destination: source }),
    ...interfaces,
    state: 'established',
  } as const;
  const steps: readonly (readonly ['request' | 'answer', FirewallPacket])[] = [
    ['request', { ...there, ...owner, hook: 'output' }],
    ['request', { ...there, ...owner, hook: 'postrouting' }],
    ...(local
      ? ([
          ['request', { ...there, hook: 'prerouting' }],
          ['request', { ...there, hook: 'input' }],
          ['answer', { ...back, hook: 'output' }],
        ] as const)
      : []),
    ['answer', { ...back, hook: 'prerouting' }],
    ['answer', { ...back, hook: 'input' }],
  ];
  let uncertain: ConnectionVerdict | undefined;
  for (const [at, packet] of steps) {
    const answer = firewallVerdict(rules, packet);
    if (answer.verdict === 'unknown') uncertain ??= { ...answer, at, hook: packet.hook };
    else if (answer.verdict !== 'accept') return { ...answer, at, hook: packet.hook };
  }
  return uncertain ?? { verdict: 'accept' };
}

/** True where the address lies in a block (`10.0.0.0/8`), a range (`10.0.0.1-10.0.0.9`) or is the address. */
export function addressIn(address: string, block: string): boolean {
  const value = parseAddress(address);
  if (value === undefined) return false;
  const dash = block.indexOf('-');
  if (dash > 0) {
    const from = parseAddress(block.slice(0, dash));
    const to = parseAddress(block.slice(dash + 1));
    return from !== undefined && to !== undefined && from.bits === value.bits && value.number >= from.number && value.number <= to.number;
  }
  const slash = block.indexOf('/');
  const base = parseAddress(slash < 0 ? block : block.slice(0, slash));
  if (base === undefined || base.bits !== value.bits) return false;
  const length = slash < 0 ? base.bits : maskLength(block.slice(slash + 1), base.bits);
  if (length === undefined) return false;
  const shift = BigInt(base.bits - length);
  return value.number >> shift === base.number >> shift;
}

function ruleTruth(rule: FirewallRule, packet: FirewallPacket): Truth {
  let truth: Truth = rule.unparsed.length > 0 ? 'maybe' : 'yes';
  for (const match of rule.matches ?? plainMatches(rule)) {
    const one = matchTruth(match, packet);
    if (one === 'no') return 'no';
    if (one === 'maybe') truth = 'maybe';
  }
  return truth;
}

/** The conditions of a rule that was written without `matches`. */
function plainMatches(rule: FirewallRule): readonly FirewallMatch[] {
  const conditions: FirewallCondition[] = [];
  if (rule.protocol !== undefined) conditions.push({ kind: 'protocol', values: [rule.protocol] });
  if (rule.source !== undefined) conditions.push({ kind: 'source', values: [rule.source] });
  if (rule.destination !== undefined) conditions.push({ kind: 'destination', values: [rule.destination] });
  if (rule.sourcePorts !== undefined) conditions.push({ kind: 'sourcePort', values: rule.sourcePorts });
  if (rule.destinationPorts !== undefined) conditions.push({ kind: 'destinationPort', values: rule.destinationPorts });
  if (rule.inInterface !== undefined) conditions.push({ kind: 'inInterface', values: [rule.inInterface] });
  if (rule.outInterface !== undefined) conditions.push({ kind: 'outInterface', values: [rule.outInterface] });
  if (rule.uid !== undefined) conditions.push({ kind: 'uid', values: [[rule.uid, rule.uid]] });
  return conditions.map(on => ({ negated: false, on }));
}

function matchTruth(match: FirewallMatch, packet: FirewallPacket): Truth {
  const truth = conditionTruth(match.on, packet);
  if (!match.negated || truth === 'maybe') return truth;
  return truth === 'yes' ? 'no' : 'yes';
}

function conditionTruth(on: FirewallCondition, packet: FirewallPacket): Truth {
  switch (on.kind) {
    case 'protocol':
      return yesNo(on.values.some(value => value === packet.protocol || value === 'all' || value === (packet.protocol === 'tcp' ? '6' : '17')));
    case 'source':
      return addressTruth(packet.source, on.values);
    case 'destination':
      return addressTruth(packet.destination, on.values);
    case 'sourcePort':
      return numberTruth(packet.sourcePort, on.values);
    case 'destinationPort':
      return numberTruth(packet.port, on.values);
    case 'anyPort':
      return either(numberTruth(packet.sourcePort, on.values), numberTruth(packet.port, on.values));
    case 'inInterface':
      return interfaceTruth(packet.inInterface, on.values);
    case 'outInterface':
      return interfaceTruth(packet.outInterface, on.values);
    case 'uid':
      return numberTruth(packet.uid, on.values);
    case 'state':
      return yesNo(on.values.includes(packet.state ?? 'new'));
    case 'tcpFlags':
      return flagsTruth(packet, on.mask, on.set);
    case 'reversePathFails':
      return packet.inInterface === 'lo' ? 'no' : 'maybe';
    case 'rewritten':
      return packet.destination === undefined && (packet.state ?? 'new') === 'new' ? 'maybe' : 'no';
    case 'mark':
      return yesNo(on.value === 0);
    case 'sourceType':
      return typeTruth(packet, packet.source, on.values);
    case 'destinationType':
      return typeTruth(packet, packet.destination, on.values);
    case 'family':
      return yesNo(on.values.includes(packetFamily(packet)));
    default:
      return 'maybe';
  }
}

function addressTruth(address: string | undefined, blocks: readonly string[]): Truth {
  if (blocks.some(block => block.endsWith('/0'))) return 'yes';
  if (address === undefined) return 'maybe';
  return yesNo(blocks.some(block => addressIn(address, block)));
}

function numberTruth(value: number | PortRange | undefined, ranges: readonly PortRange[]): Truth {
  if (ranges.some(([from, to]) => from <= 0 && to >= 65_535)) return 'yes';
  if (value === undefined) return 'maybe';
  const [low, high] = typeof value === 'number' ? [value, value] : value;
  if (ranges.some(([from, to]) => low >= from && high <= to)) return 'yes';
  return ranges.some(([from, to]) => high >= from && low <= to) ? 'maybe' : 'no';
}

function interfaceTruth(name: string | undefined, patterns: readonly string[]): Truth {
  if (name === undefined) {
    if (patterns.some(pattern => pattern === '+' || pattern === '*')) return 'yes';
    return patterns.every(pattern => pattern === 'lo') ? 'no' : 'maybe';
  }
  return yesNo(patterns.some(pattern => (pattern.endsWith('+') || pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)));
}

/** Judged for the flags that an ordinary connection uses: SYN first, then these. */
const LATER_FLAGS = [['syn', 'ack'], ['ack'], ['psh', 'ack'], ['fin', 'ack']];

function flagsTruth(packet: FirewallPacket, mask: readonly string[], set: readonly string[]): Truth {
  if (packet.protocol !== 'tcp') return 'no';
  const candidates = (packet.state ?? 'new') === 'new' ? [['syn']] : LATER_FLAGS;
  const fitting = candidates.filter(flags => mask.every(flag => flags.includes(flag) === set.includes(flag)));
  if (fitting.length === candidates.length) return 'yes';
  return fitting.length === 0 ? 'no' : 'maybe';
}

function typeTruth(packet: FirewallPacket, address: string | undefined, types: readonly string[]): Truth {
  const local = packet.inInterface === 'lo' || packet.outInterface === 'lo' || (packet.hook === 'input' && address === packet.destination);
  if (types.includes('LOCAL') && local) return 'yes';
  if (types.includes('UNICAST') && !local && types.length === 1) return 'maybe';
  return types.every(type => ['BROADCAST', 'MULTICAST', 'ANYCAST', 'BLACKHOLE'].includes(type)) ? 'no' : 'maybe';
}

function familyFits(rule: FirewallRule, packet: FirewallPacket): boolean {
  const family = rule.family ?? (rule.tool === 'iptables' ? 'ip' : rule.tool === 'ip6tables' ? 'ip6' : 'inet');
  return family === 'inet' || family === packetFamily(packet);
}

function packetFamily(packet: FirewallPacket): 'ip' | 'ip6' {
  return packet.family ?? familyOf(packet.destination ?? packet.source ?? '');
}

function familyOf(address: string): 'ip' | 'ip6' {
  return address.includes(':') ? 'ip6' : 'ip';
}

function withoutDestination(packet: FirewallPacket): FirewallPacket {
  const { destination, port: _port, ...rest } = packet;
  return { ...rest, family: packetFamily(destination === undefined ? packet : { ...packet, destination }) };
}

function yesNo(value: boolean): Truth {
  return value ? 'yes' : 'no';
}

function either(a: Truth, b: Truth): Truth {
  if (a === 'yes' || b === 'yes') return 'yes';
  return a === 'maybe' || b === 'maybe' ? 'maybe' : 'no';
}

interface ParsedAddress {
  readonly bits: 32 | 128;
  readonly number: bigint;
}

function parseAddress(text: string): ParsedAddress | undefined {
  if (text.length > 64) return undefined;
  if (!text.includes(':')) {
    const number = parseIpv4(text);
    return number === undefined ? undefined : { bits: 32, number };
  }
  return parseIpv6(text);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let number = 0n;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    number = number * 256n + BigInt(part);
  }
  return number;
}

function parseIpv6(text: string): ParsedAddress | undefined {
  let body = text;
  let tail: readonly string[] = [];
  const lastColon = body.lastIndexOf(':');
  if (body.includes('.')) {
    const v4 = parseIpv4(body.slice(lastColon + 1));
    if (v4 === undefined) return undefined;
    tail = [(v4 >> 16n).toString(16), (v4 & 0xffffn).toString(16)];
    body = body.slice(0, lastColon);
    if (body.endsWith(':')) body += ':';
  }
  const gap = body.indexOf('::');
  const head = groups(gap < 0 ? body : body.slice(0, gap));
  const rest = gap < 0 ? [] : groups(body.slice(gap + 2).replace(/^:|:$/g, ''));
  const count = head.length + rest.length + tail.length;
  if (gap < 0 ? count !== 8 : count > 8) return undefined;
  let number = 0n;
  for (const group of [...head, ...Array.from({ length: 8 - count }, () => '0'), ...rest, ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    number = number * 65_536n + BigInt(`0x${group}`);
  }
  return { bits: 128, number };
}

function groups(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

/** `24`, or a netmask `255.255.255.0`. Masks with holes are not understood. */
function maskLength(text: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : undefined;
  const mask = parseAddress(text);
  if (mask === undefined || mask.bits !== bits) return undefined;
  const binary = mask.number.toString(2).padStart(bits, '0');
  const zero = binary.indexOf('0');
  if (zero < 0) return bits;
  return binary.includes('1', zero) ? undefined : zero;
}
