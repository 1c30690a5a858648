import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeAnswer, ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import { redactDeep, redactText } from '../redact/redact.ts';
import { cutOf, outcomeOfSilence, receive, type Deadline, type Received } from './exchange.ts';
import { readHttpAnswer, type HttpAnswer } from './http-answer.ts';
import { headOf, sniff } from './sniff.ts';

// Of the body no more is of use than what tells whether it ends well.
const maxBodyBytes = 64 * 1024;
const maxHeaderBytes = 64 * 1024;

/** One GET on an open stream. Control characters in what the caller gives end the line, so they are left out. */
export async function askHttp(
  stream: ByteStream,
  request: Extract<ProbeRequest, { kind: 'http' }>,
  userAgent: string,
  deadline: Deadline,
): Promise<ProbeOutcome> {
  stream.write(padded(encodeGet(request.path, request.hostHeader, userAgent), request.padToBytes));
  const outcome = outcomeOfHttp(await receiveHttp(stream, deadline));
  // Where the end of a long request is lost on the way, its FIN is out of turn: only a reset frees the worker that waits.
  if (request.padToBytes !== undefined && outcome.state === 'no-answer') stream.reset?.();
  return outcome;
}

/** Well below the 8 KiB that most servers take of a request, where the caller asks for no more. */
const maxPaddedBytes = 16_000;
const padding = { before: 'X-Padding: ', after: '\r\n\r\n' } as const;

/** The request filled up to so many bytes with one more field; shorter ones are left as they are. */
function padded(request: Uint8Array, bytes: number | undefined): Uint8Array {
  const own = padding.before.length + 2;
  const missing = Math.min(bytes ?? 0, maxPaddedBytes) - request.length - own;
  if (missing <= 0) return request;
  const head = Buffer.from(request.buffer, request.byteOffset, request.byteLength - 2);
  return Buffer.concat([head, Buffer.from(`${padding.before}${'x'.repeat(missing)}${padding.after}`)]);
}

/** The bytes of a GET with `Connection: close`, or one that asks to keep the connection. */
export function encodeGet(path: string, hostHeader: string, userAgent: string, connection: 'close' | 'keep-alive' = 'close'): Uint8Array {
  const target = path.startsWith('/') ? path : `/${path}`;
  const clean = (text: string): string => text.replaceAll(/[\0-\x20\x7f]/g, character => (character === ' ' ? '%20' : ''));
  const host = hostHeader.replaceAll(/[\0-\x20\x7f]/g, '');
  return Buffer.from(`GET ${clean(target)} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${userAgent}\r\nAccept: */*\r\nConnection: ${connection}\r\n\r\n`, 'utf8');
}

/** Reads until the answer is whole, is not HTTP, or is too long. */
export function receiveHttp(stream: ByteStream, deadline: Deadline): Promise<Received> {
  return receive(stream, deadline, isHttpEnough, maxBodyBytes + maxHeaderBytes);
}

/** Whether these bytes are a whole HTTP answer, or clearly none. */
export function isHttpEnough(bytes: Buffer): boolean {
  if (bytes.length < 12) return false;
  // Something else speaks first and waits for us, as a mail server does: what it is, is known.
  const answer = readHttpAnswer(bytes);
  if (answer === undefined) return true;
  if (!answer.isHeaderWhole) return false;
  return answer.bodyState === 'whole' || answer.bodyState === 'broken' || answer.body.length >= maxBodyBytes;
}

/** What the bytes are that came for a GET. */
export function outcomeOfHttp(received: Received): ProbeOutcome {
  if (received.bytes.length === 0) return outcomeOfSilence(received);
  const answer = sniff(received.bytes) === 'http' ? readHttpAnswer(received.bytes) : undefined;
  if (answer !== undefined) return { state: 'answered', speaks: 'http', answer: httpProbeAnswer(answer, received) };
  return outcomeOfOther(received);
}

/** Bytes came that are valid in no protocol that was asked. */
export function outcomeOfOther(received: Received): ProbeOutcome {
  const speaks = sniff(received.bytes);
  return { state: 'answered', speaks, answer: { head: redactText(headOf(received.bytes)), complete: false, ...cutOf(received) } };
}

/** The parts of an HTTP answer that a report may hold. */
export function httpProbeAnswer(answer: HttpAnswer, received: Received): ProbeAnswer {
  const isLongBody = received.ended === 'limit' || (received.ended === 'enough' && answer.body.length >= maxBodyBytes);
  const isBodyWhole = answer.bodyState === 'whole' || (answer.bodyState === 'unknown' && received.ended === 'end');
  const complete = answer.isHeaderWhole && answer.isHeaderValid && isBodyWhole && received.ended !== 'reset';
  const cut = isLongBody ? { cut: 'limit' as const } : isBodyWhole ? {} : cutOf(received);
  return {
    status: answer.status,
    bytes: received.bytes.length,
    headerBytes: answer.headerBytes,
    headers: redactDeep(answer.headers),
    head: redactText(headOf(received.bytes)),
    complete,
    ...cut,
  };
}
