/**
 * DNS messages (RFC 1035 §4, AAAA: RFC 3596). Reading is total: pointers go backwards only, counts are bounded by the bytes.
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
}

/** A recursive query; undefined for a name that DNS cannot carry. */
export function encodeDnsQuery(id: number, name: string, type: RecordType): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  const isSound = labels.every(label => label.length >= 1 && label.length <= 63 && /^[\x21-\x7e]+$/.test(label));
  if (!isSound || labels.join('.').length > 253) return undefined;
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const question = labels.map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([head, ...question, Buffer.from([0, 0, recordTypes[type], 0, 1])]);
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
  const addresses: string[] = [];
  let at: number | undefined = question.next + 4;
  for (let left = bytes.readUInt16BE(6); left > 0 && at !== undefined; left--) {
    const record = readRecord(bytes, at);
    if (record?.address !== undefined) addresses.push(record.address);
    at = record?.next;
  }
  const code = flags & 15;
  return {
    id: bytes.readUInt16BE(0),
    rcode: rcodes[code] ?? `RCODE${code}`,
    name: question.name.toLowerCase(),
    type: bytes.readUInt16BE(question.next),
    isTruncated: (flags & 0x0200) !== 0,
    addresses,
  };
}

function readRecord(bytes: Buffer, from: number): { readonly next: number; readonly address?: string } | undefined {
  const owner = readName(bytes, from);
  if (owner === undefined || owner.next + 10 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(owner.next);
  const length = bytes.readUInt16BE(owner.next + 8);
  const start = owner.next + 10;
  const next = start + length;
  if (next > bytes.length) return undefined;
  if (type === recordTypes.A && length === 4) return { next, address: [...bytes.subarray(start, next)].join('.') };
  if (type === recordTypes.AAAA && length === 16) return { next, address: formatIpv6(bytes.subarray(start, next)) };
  return { next };
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
