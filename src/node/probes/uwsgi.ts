import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import { outcomeOfSilence, type Deadline, type Received } from './exchange.ts';
import { headerValue, readHttpAnswer, type HttpAnswer } from './http-answer.ts';
import { httpProbeAnswer, outcomeOfOther, receiveHttp } from './http.ts';
import { sniff } from './sniff.ts';

const maxLength = 65_535;

/** One uwsgi request (modifier 0, WSGI variables) on an open stream. */
export async function askUwsgi(stream: ByteStream, request: Extract<ProbeRequest, { kind: 'uwsgi' }>, deadline: Deadline): Promise<ProbeOutcome> {
  const packet = encodeUwsgi(request.params);
  if (packet === undefined) return { state: 'not-asked', why: 'the variables are longer than a uwsgi packet can hold' };
  stream.write(packet);
  return outcomeOfUwsgi(await receiveHttp(stream, deadline));
}

/** The uwsgi packet: modifier1, length (little endian), modifier2, then name and value, each with its length. */
export function encodeUwsgi(params: Readonly<Record<string, string>>): Uint8Array | undefined {
  const parts: Buffer[] = [];
  for (const text of Object.entries(params).flat()) {
    const bytes = Buffer.from(text);
    if (bytes.length > maxLength) return undefined;
    const length = Buffer.alloc(2);
    length.writeUInt16LE(bytes.length);
    parts.push(length, bytes);
  }
  const body = Buffer.concat(parts);
  if (body.length > maxLength) return undefined;
  return Buffer.concat([Buffer.from([0, body.length & 255, body.length >> 8, 0]), body]);
}

/** What the bytes are that came for a uwsgi packet. */
export function outcomeOfUwsgi(received: Received): ProbeOutcome {
  if (received.bytes.length === 0) return outcomeOfSilence(received);
  const answer = sniff(received.bytes) === 'http' ? readHttpAnswer(received.bytes) : undefined;
  if (answer === undefined) return outcomeOfOther(received);
  return { state: 'answered', speaks: isServersRefusal(answer) ? 'http' : 'uwsgi', answer: httpProbeAnswer(answer, received) };
}

/**
 * An HTTP server takes the packet for a bad request line and says so: 400, 405, 408, 414, 501 or 505 with the fields of
 * a server's own page. A WSGI application may not send `Connection` (PEP 3333), and uWSGI adds neither `Date` nor `Server`.
 */
function isServersRefusal(answer: HttpAnswer): boolean {
  if (![400, 405, 408, 414, 431, 501, 505].includes(answer.status)) return false;
  return answer.headers.length === 0 || ['connection', 'date', 'server'].some(name => headerValue(answer.headers, name) !== undefined);
}
