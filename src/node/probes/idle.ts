import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeAnswer, ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import type { Deadline, Received } from './exchange.ts';
import { encodeGet, outcomeOfHttp, receiveHttp } from './http.ts';

/** The longest that a connection is watched, whatever the request says. */
export const maxIdleMs = 8000;
// Bytes on an idle connection (a late 408) are read on for its end, but not for ever.
const maxReads = 50;

/** One GET that asks to keep the connection; then the connection is left alone, and the time until the peer ends it is measured. */
export async function askIdle(
  stream: ByteStream,
  request: Extract<ProbeRequest, { kind: 'idle' }>,
  userAgent: string,
  deadline: Deadline,
): Promise<ProbeOutcome> {
  stream.write(encodeGet(request.path, request.hostHeader, userAgent, 'keep-alive'));
  const received = await receiveHttp(stream, deadline);
  const outcome = outcomeOfHttp(received);
  if (outcome.state !== 'answered' || outcome.speaks !== 'http' || !outcome.answer.complete) return outcome;
  const idle = isKept(received, outcome.answer) ? await watch(stream, request.idleMs) : ({ ended: 'not-kept', ms: 0 } as const);
  return { ...outcome, answer: { ...outcome.answer, idle } };
}

/** What the answer says of the connection: HTTP/1.1 keeps it unless it says `close`, HTTP/1.0 only where it says so (RFC 9112 §9.3). */
function isKept(received: Received, answer: ProbeAnswer): boolean {
  if (received.ended !== 'enough') return false;
  const connection = (answer.headers ?? []).filter(([name]) => name === 'connection').map(([, value]) => value);
  const words = new Set(
    connection
      .join(',')
      .toLowerCase()
      .split(',')
      .map(word => word.trim()),
  );
  if (words.has('close')) return false;
  return !received.bytes.subarray(0, 9).toString('latin1').startsWith('HTTP/1.0') || words.has('keep-alive');
}

async function watch(stream: ByteStream, idleMs: number): Promise<NonNullable<ProbeAnswer['idle']>> {
  const startMs = performance.now();
  const limitMs = Math.min(maxIdleMs, Math.max(1, Number.isFinite(idleMs) ? idleMs : maxIdleMs));
  const passed = (): number => Math.round(performance.now() - startMs);
  for (let reads = 0; reads < maxReads; reads++) {
    const chunk = await stream.read(Math.max(1, limitMs - passed()));
    if (chunk.state === 'end') return { ended: 'closed', ms: passed() };
    if (chunk.state !== 'data' && chunk.state !== 'timeout') return { ended: 'reset', ms: passed() };
    if (chunk.state === 'timeout' || passed() >= limitMs) break;
  }
  return { ended: 'open', ms: passed() };
}
