import type { ResponseEvidence } from '../../core/model/fingerprint.ts';
import type { TraceAnswer } from '../../core/model/trace.ts';
import type { ByteStream } from '../../core/model/host.ts';
import { receive, type Deadline, type Received } from '../probes/exchange.ts';
import { headerValue, isChunked, readChunks, readHttpAnswer, type HttpAnswer } from '../probes/http-answer.ts';
import { headOf, sniff } from '../probes/sniff.ts';
import { decodeBody } from './decode-body.ts';

/** What an answer was asked by, as far as a fingerprint wants to know. */
export type Circumstances = Pick<ResponseEvidence, 'method' | 'address' | 'names' | 'tls'>;

const maxHeaderBytes = 256 * 1024;
const tooLongHeader = `its header is longer than ${maxHeaderBytes} bytes`;
/** Read of a body: enough to see that it goes on. */
const maxBodyBytes = 1024 * 1024;
/** A body that grows to more than this, and so many times over, is made to exhaust whoever reads it. */
const bombBytes = 16 * 1024 * 1024;
const bombGrowth = 200;
/** Kept of a body for the fingerprint. */
const keptBodyBytes = 64 * 1024;

/** Reads one HTTP/1 answer to its end, to a limit or to the deadline. */
export async function receiveAnswer(stream: ByteStream, method: string, deadline: Deadline): Promise<Received> {
  return receive(stream, deadline, bytes => isEnough(bytes, method), maxHeaderBytes + maxBodyBytes);
}

function isEnough(bytes: Buffer, method: string): boolean {
  if (bytes.length < 12) return false;
  const answer = readHttpAnswer(bytes);
  // No status line: HTTP/0.9, or something that is no HTTP; either may say more.
  if (answer === undefined) return sniff(bytes) !== 'other' || bytes.length > 4096;
  if (!answer.isHeaderWhole) return bytes.length > maxHeaderBytes;
  return method === 'HEAD' || answer.status === 101 || answer.bodyState === 'whole' || answer.bodyState === 'broken' || answer.body.length >= maxBodyBytes;
}

/** What came, as a trace tells it. */
export async function describeAnswer(received: Received, circumstances: Circumstances): Promise<TraceAnswer> {
  const common = { ended: received.ended, bytes: received.bytes.length, head: headOf(received.bytes) };
  if (received.bytes.length === 0) return { ...common, state: 'silent', headerBytes: 0, problems: [] };
  const answer = sniff(received.bytes) === 'http' ? readHttpAnswer(received.bytes) : undefined;
  if (answer === undefined) return { ...common, state: 'not-http', headerBytes: 0, problems: [whatItIs(received.bytes)] };
  const isHead = circumstances.method === 'HEAD';
  const problems = fieldProblems(answer);
  if (!answer.isHeaderWhole && received.bytes.length > maxHeaderBytes) problems.push(tooLongHeader);
  const isLong = received.ended === 'limit' || (received.ended === 'enough' && answer.isHeaderWhole && answer.body.length >= maxBodyBytes);
  const isWhole = answer.isHeaderWhole && (isHead || answer.bodyState === 'whole' || (answer.bodyState === 'unknown' && received.ended === 'end'));
  const decoded = isHead ? { bytes: Buffer.alloc(0), problems: [] } : await decode(answer, isWhole);
  problems.push(...decoded.problems);
  if (answer.bodyState === 'broken' && !isHead)
    problems.push(isChunked(answer.headers) ? 'its body has a chunk without a valid size' : 'its Content-Length is no number');
  const state = stateOf({ answer, isWhole, isLong, problems });
  return {
    ...common,
    state,
    headerBytes: answer.headerBytes,
    problems,
    response: evidenceOf(answer, decoded.bytes, state === 'whole' && decoded.problems.length === 0, circumstances),
  };
}

function stateOf({
  answer,
  isWhole,
  isLong,
  problems,
}: {
  answer: HttpAnswer;
  isWhole: boolean;
  isLong: boolean;
  problems: readonly string[];
}): TraceAnswer['state'] {
  if (problems.includes(tooLongHeader)) return 'invalid';
  if (!answer.isHeaderWhole) return isLong ? 'limit' : 'cut';
  if (!answer.isHeaderValid || problems.length > 0) return 'invalid';
  if (isWhole) return 'whole';
  return isLong ? 'limit' : 'cut';
}

function evidenceOf(answer: HttpAnswer, body: Buffer, isWhole: boolean, circumstances: Circumstances): ResponseEvidence {
  const protocol = answer.version === 'HTTP/1.0' ? 'http/1.0' : 'http/1.1';
  return {
    ...circumstances,
    status: answer.status,
    reason: answer.reason.trim(),
    protocol,
    headers: answer.rawHeaders,
    body: new Uint8Array(body.subarray(0, keptBodyBytes)),
    ...(isWhole && circumstances.method !== 'HEAD' ? { bodyBytes: body.length } : {}),
  };
}

async function decode(answer: HttpAnswer, isWhole: boolean): Promise<{ readonly bytes: Buffer; readonly problems: readonly string[] }> {
  const length = headerValue(answer.headers, 'content-length');
  const data = isChunked(answer.headers)
    ? Buffer.concat(readChunks(answer.body).data)
    : length === undefined || !/^\d{1,15}$/.test(length)
      ? answer.body
      : answer.body.subarray(0, Number(length));
  return undoCoding(data, headerValue(answer.headers, 'content-encoding') ?? '', isWhole);
}

/** The body without its content coding, and what is wrong with that coding. */
export async function undoCoding(data: Buffer, coding: string, isWhole: boolean): Promise<{ readonly bytes: Buffer; readonly problems: readonly string[] }> {
  const { bytes, state, grownTo } = await decodeBody(data, coding);
  if (grownTo > bombBytes && grownTo > data.length * bombGrowth)
    return { bytes, problems: [`its body of ${data.length} bytes (${coding}) grows to more than ${bombBytes}`] };
  return { bytes, problems: state === 'broken' && isWhole ? [`its body cannot be read as ${coding}`] : [] };
}

/** What a strict reader refuses (RFC 9112 §5, §6.3). */
function fieldProblems(answer: HttpAnswer): string[] {
  const problems: string[] = [];
  const { headers } = answer;
  if (answer.isHeaderWhole && !answer.isHeaderValid) {
    const bad = answer.rawHeaders.find(([name]) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name));
    problems.push(
      bad === undefined ? 'a field holds a NUL or no colon' : `a field has the name ${JSON.stringify(bad[0].slice(0, 60))}, which HTTP does not allow`,
    );
  }
  const lengths = new Set(headers.filter(([name]) => name === 'content-length').map(([, value]) => value));
  if (lengths.size > 1) problems.push(`it has ${lengths.size} different Content-Length fields`);
  if (lengths.size > 0 && headerValue(headers, 'transfer-encoding') !== undefined) problems.push('it has both Content-Length and Transfer-Encoding');
  return problems;
}

function whatItIs(bytes: Buffer): string {
  const kind = sniff(bytes);
  if (kind === 'tls') return 'it is TLS: this port wants https';
  if (kind === 'http2') return 'it is HTTP/2 without having been asked for';
  if (kind !== 'other') return `it is ${kind}`;
  const head = bytes.subarray(0, 64).toString('latin1');
  if (/^\s*<(?:!doctype|html|head|body|\?xml)/i.test(head)) return 'it is a page without a status line, as HTTP/0.9 had it';
  if (head.startsWith('SSH-')) return 'it is an SSH server';
  if (/^(?:220|421|554)[ -]/.test(head)) return 'it is a mail or FTP server';
  return 'it does not begin with a status line';
}
