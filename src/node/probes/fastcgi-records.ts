/**
 * FastCGI 1.0 records. A responder's answer, from php-fpm 8.2 for a script that is missing:
 * `01 07 0001 0016 02 00 "Primary script unknown" …` STDERR, `01 06 0001 …` STDOUT, `01 03 0001 0008 …` END_REQUEST.
 */
const version = 1;
const responder = 1;
const type = { beginRequest: 1, endRequest: 3, params: 4, stdin: 5, stdout: 6, stderr: 7 } as const;
const requestId = 1;
const maxContent = 65_535;

/** The records of one request without a body. */
export function encodeFastcgiRequest(params: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Buffer.concat(Object.entries(params).map(([name, value]) => encodePair(Buffer.from(name), Buffer.from(value))));
  const records = [record(type.beginRequest, Buffer.from([0, responder, 0, 0, 0, 0, 0, 0]))];
  for (let at = 0; at < pairs.length; at += maxContent) records.push(record(type.params, pairs.subarray(at, at + maxContent)));
  records.push(record(type.params, Buffer.alloc(0)), record(type.stdin, Buffer.alloc(0)));
  return Buffer.concat(records);
}

export interface FastcgiAnswer {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Protocol status of END_REQUEST: 0 complete, 1 cannot multiplex, 2 overloaded, 3 unknown role. */
  readonly endStatus?: number;
  /** The bytes stop being FastCGI at some record. */
  readonly isBroken: boolean;
}

/** Reads the records that are there; a last one that is cut counts with the bytes it has. */
export function decodeFastcgi(bytes: Buffer): FastcgiAnswer {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const done = (rest: { endStatus?: number; isBroken: boolean }): FastcgiAnswer => ({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), ...rest });
  let at = 0;
  while (at + 8 <= bytes.length) {
    if (bytes[at] !== version) return done({ isBroken: true });
    const kind = bytes[at + 1];
    const length = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (kind === type.stdout) stdout.push(content);
    else if (kind === type.stderr) stderr.push(content);
    else if (kind === type.endRequest && content.length >= 5) return done({ endStatus: content[4] ?? 0, isBroken: false });
    at += 8 + length + (bytes[at + 6] ?? 0);
  }
  return done({ isBroken: false });
}

function record(kind: number, content: Buffer): Buffer {
  const padding = (8 - (content.length % 8)) % 8;
  const head = Buffer.from([version, kind, requestId >> 8, requestId & 255, content.length >> 8, content.length & 255, padding, 0]);
  return Buffer.concat([head, content, Buffer.alloc(padding)]);
}

function encodePair(name: Buffer, value: Buffer): Buffer {
  return Buffer.concat([encodeLength(name.length), encodeLength(value.length), name, value]);
}

function encodeLength(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((length | 0x80000000) >>> 0);
  return bytes;
}
