/**
 * DNS messages (RFC 1035 §4; AAAA: RFC 3596; the bits AD and CD: RFC 4035 §3.2; extended errors: RFC 8914). Reading is total: pointers go backwards only, counts are bounded by the bytes.
 * Sample answer: `1a2b 8180 0001 0001 0000 0000 | 04 shop 04 test 00 0001 0001 | c00c 0001 0001 0000003c 0004 7f000001`.
 */
export const recordTypes = { A: 1, AAAA: 28 } as const;
export type RecordType = keyof typeof recordTypes;

const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE'];

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: string;
  /** The question that is answered, in lower case. */
  readonly name: string;
  readonly type: number;
  readonly isTruncated: boolean;
  readonly addresses: readonly string[];
  /** What the CNAME records lead to, in the order of the answer, in lower case. */
  readonly names: readonly string[];
  /** The resolver says that it has validated the answer. */
  readonly isAuthentic: boolean;
  /** `6 the signature has expired`: its number, and what the resolver says of it. */
  readonly errors: readonly string[];
}

export interface QueryOptions {
  /** The resolver passes on what does not validate (CD). */
  readonly checkingDisabled?: boolean;
  /** Asks for extended errors: an OPT record is added (EDNS). */
  readonly extended?: boolean;
}

const typeCname = 5;
const typeOpt = 41;
const extendedError = 15;
/** OPT: the root's name, the type, 1232 bytes of answer taken, no flags, no options. */
const optRecord = Buffer.from([0, 0, typeOpt, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);

/** A recursive query; undefined for a name that DNS cannot carry. */
export function encodeDnsQuery(
  id: number,
  name: string,
  type: RecordType,
  { checkingDisabled = false, extended = false }: QueryOptions = {},
): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  const isSound = labels.every(label => label.length >= 1 && label.length <= 63 && /^[\x21-\x7e]+$/.test(label));
  if (!isSound || labels.join('.').length > 253) return undefined;
  const head = Buffer.from([id >> 8, id & 255, 1, checkingDisabled ? 0x10 : 0, 0, 1, 0, 0, 0, 0, 0, extended ? 1 : 0]);
  const question = labels.map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([head, ...question, Buffer.from([0, 0, recordTypes[type], 0, 1]), ...(extended ? [optRecord] : [])]);
}

/** Reads an answer; undefined for bytes that are none. Records that are cut are left out. */
export function decodeDnsAnswer(input: Uint8Array): DnsAnswer | undefined {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length < 12) return undefined;
  const flags = bytes.readUInt16BE(2);
  const isAnswer = (flags & 0x8000) !== 0;
  if (!isAnswer || bytes.readUInt16BE(4) !== 1) return undefined;
  const question = readName(bytes, 12);
  if (question === undefined || question.next + 4 > bytes.length) return undefined;
  const records = readRecords(bytes, question.next + 4);
  const code = flags & 15;
  return {
    id: bytes.readUInt16BE(0),
    rcode: rcodes[code] ?? `RCODE${code}`,
    name: question.name.toLowerCase(),
    type: bytes.readUInt16BE(question.next),
    isTruncated: (flags & 0x0200) !== 0,
    isAuthentic: (flags & 0x20) !== 0,
    ...records,
  };
}

/** The records of an answer. What stands in the second and third section is looked at for extended errors alone. */
function readRecords(bytes: Buffer, from: number): Pick<DnsAnswer, 'addresses' | 'names' | 'errors'> {
  const addresses: string[] = [];
  const names: string[] = [];
  const errors: string[] = [];
  const answers = bytes.readUInt16BE(6);
  const all = answers + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  let at: number | undefined = from;
  for (let index = 0; index < all && at !== undefined; index++) {
    const record = readRecord(bytes, at);
    if (index >= answers) errors.push(...(record?.errors ?? []));
    else if (record?.address !== undefined) addresses.push(record.address);
    else if (record?.alias !== undefined) names.push(record.alias);
    at = record?.next;
  }
  return { addresses, names, errors };
}

interface DnsRecord {
  readonly next: number;
  readonly address?: string;
  readonly alias?: string;
  readonly errors?: readonly string[];
}

function readRecord(bytes: Buffer, from: number): DnsRecord | undefined {
  const owner = readName(bytes, from);
  if (owner === undefined || owner.next + 10 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(owner.next);
  const length = bytes.readUInt16BE(owner.next + 8);
  const start = owner.next + 10;
  const next = start + length;
  if (next > bytes.length) return undefined;
  if (type === recordTypes.A && length === 4) return { next, address: [...bytes.subarray(start, next)].join('.') };
  if (type === recordTypes.AAAA && length === 16) return { next, address: formatIpv6(bytes.subarray(start, next)) };
  if (type === typeOpt) return { next, errors: readExtendedErrors(bytes.subarray(start, next)) };
  const alias = type === typeCname ? readName(bytes, start)?.name.toLowerCase() : undefined;
  return { next, ...(alias === undefined ? {} : { alias }) };
}

/** The options of an OPT record (RFC 6891 §6.1.2) that are extended errors. */
function readExtendedErrors(options: Buffer): readonly string[] {
  const errors: string[] = [];
  for (let at = 0; at + 4 <= options.length;) {
    const [code, length] = [options.readUInt16BE(at), options.readUInt16BE(at + 2)];
    const value = options.subarray(at + 4, at + 4 + length);
    if (code === extendedError && value.length >= 2) errors.push(`${value.readUInt16BE(0)} ${value.subarray(2, 300).toString('utf8')}`.trim());
    at += 4 + length;
  }
  return errors;
}

/** A name and where the bytes go on behind it. A pointer must lead further back than the last, so there is no loop. */
function readName(bytes: Buffer, from: number): { readonly name: string; readonly next: number } | undefined {
  const labels: string[] = [];
  let at = from;
  let next: number | undefined;
  let lowest = from;
  for (let length = 0; length <= 255;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) return { name: labels.join('.'), next: next ?? at + 1 };
    if (size >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return undefined;
      const target: number = (size & 0x3f) * 256 + low;
      if (target >= lowest) return undefined;
      next ??= at + 2;
      lowest = target;
      at = target;
    } else {
      if (size > 63 || at + 1 + size > bytes.length) return undefined;
      labels.push(bytes.subarray(at + 1, at + 1 + size).toString('latin1'));
      length += size + 1;
      at += size + 1;
    }
  }
  return undefined;
}

/** RFC 5952: the longest run of zero groups is left out. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(match => match[0]);
  const longest = runs.reduce((a, b) => (b.replace(/^:/, '').length > a.replace(/^:/, '').length ? b : a), '');
  if (longest === '') return groups.join(':');
  const text = groups.join(':');
  const start = text.indexOf(longest);
  return `${text.slice(0, start)}::${text.slice(start + longest.length).replace(/^:/, '')}`;
}
