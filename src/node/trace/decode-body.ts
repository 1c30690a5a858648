import * as zlib from 'node:zlib';
import type { Transform } from 'node:stream';

/** A body without its content coding. */
export interface DecodedBody {
  readonly bytes: Buffer;
  /** `broken`: the coding cannot be undone from some point on. `unknown`: badhop does not know it. `limit`: it grew beyond what is kept. */
  readonly state: 'whole' | 'broken' | 'unknown' | 'limit';
  /** Bytes that it grew to, as far as they were counted. */
  readonly grownTo: number;
}

/** No error page is longer. */
const maxDecodedBytes = 1024 * 1024;
/** Beyond what is kept a body is counted, to know a bomb by its growth. */
const maxCountedBytes = 32 * 1024 * 1024;
const maxCodings = 3;

/** Undoes the codings of `Content-Encoding`, the last one first. Bounded in bytes whatever the body is made to grow to; never throws. */
export async function decodeBody(body: Buffer, contentEncoding: string): Promise<DecodedBody> {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity');
  if (codings.length > maxCodings) return { bytes: body, state: 'unknown', grownTo: body.length };
  let bytes = body;
  for (const coding of codings.toReversed()) {
    const decoder = decoderOf(coding, bytes);
    if (decoder === undefined) return { bytes, state: 'unknown', grownTo: bytes.length };
    const decoded = await run(decoder, bytes);
    if (decoded.state !== 'whole' || decoded.grownTo > decoded.bytes.length) return { ...decoded, state: decoded.state === 'whole' ? 'limit' : decoded.state };
    ({ bytes } = decoded);
  }
  return { bytes, state: 'whole', grownTo: bytes.length };
}

function decoderOf(coding: string, bytes: Buffer): Transform | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip();
    case 'deflate':
      // Some servers leave out the header of zlib (RFC 9110 §8.4.1.2).
      return ((bytes[0] ?? 0) & 15) === 8 ? zlib.createInflate() : zlib.createInflateRaw();
    case 'br':
      return zlib.createBrotliDecompress();
    case 'zstd':
      // From Node.js 22.15 on.
      return 'createZstdDecompress' in zlib ? zlib.createZstdDecompress() : undefined;
    default:
      return undefined;
  }
}

function run(decoder: Transform, input: Buffer): Promise<DecodedBody> {
  return new Promise(resolve => {
    const parts: Buffer[] = [];
    let length = 0;
    const end = (state: DecodedBody['state']): void => {
      decoder.destroy();
      resolve({ bytes: Buffer.concat(parts).subarray(0, maxDecodedBytes), state, grownTo: length });
    };
    decoder.on('data', (part: Buffer) => {
      if (length < maxDecodedBytes) parts.push(part);
      length += part.length;
      if (length > maxCountedBytes) end('limit');
    });
    decoder.on('end', () => end('whole'));
    decoder.on('error', () => end('broken'));
    decoder.end(input);
  });
}
