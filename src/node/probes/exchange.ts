import type { Address, ByteStream, Host } from '../../core/model/host.ts';
import type { ProbeOutcome } from '../../core/model/probe.ts';

/** No probe takes longer, whatever its request says. */
export const maxTimeoutMs = 3000;
/** Bytes that are read of one answer. */
export const maxAnswerBytes = 128 * 1024;
const maxLooks = 200;

/** The time a probe has: one end for connecting, asking and reading together. */
export class Deadline {
  private readonly endMs: number;
  readonly startMs: number;

  constructor(timeoutMs: number | undefined, longestMs = maxTimeoutMs) {
    this.startMs = performance.now();
    const wanted = timeoutMs === undefined || !Number.isFinite(timeoutMs) ? longestMs : timeoutMs;
    this.endMs = this.startMs + Math.min(longestMs, Math.max(1, wanted));
  }

  get leftMs(): number {
    return Math.max(0, this.endMs - performance.now());
  }

  get passedMs(): number {
    return performance.now() - this.startMs;
  }
}

/** What a probe of one protocol gives back; `createProber` adds the request and the whole time. */
export interface Probed {
  readonly outcome: ProbeOutcome;
  readonly connectMs: number;
}

/** Connects, hands the stream to `talk`, and closes it. */
export async function withConnection(host: Host, address: Address, deadline: Deadline, talk: (stream: ByteStream) => Promise<ProbeOutcome>): Promise<Probed> {
  const result = await host.connect(address, { timeoutMs: Math.max(1, deadline.leftMs) });
  if (result.state === 'timeout') return { outcome: { state: 'connect-timeout' }, connectMs: result.connectMs };
  if (result.state === 'failed') return { outcome: { state: 'connect-failed', code: result.code }, connectMs: result.connectMs };
  try {
    return { outcome: await talk(result.stream), connectMs: result.connectMs };
  } finally {
    result.stream.close();
  }
}

/** All bytes that came, and why no more did. */
export interface Received {
  readonly bytes: Buffer;
  /** `enough`: the reader had what it wanted. */
  readonly ended: 'enough' | 'end' | 'reset' | 'timeout' | 'limit';
}

/** Reads until `isEnough`, the end, the byte limit or the deadline. */
export async function receive(stream: ByteStream, deadline: Deadline, isEnough: (bytes: Buffer) => boolean, limit = maxAnswerBytes): Promise<Received> {
  const parts: Buffer[] = [];
  let length = 0;
  // An answer in thousands of tiny pieces is not looked at after each of them: that would not be linear.
  let looks = 0;
  let joined: Buffer = Buffer.alloc(0);
  const all = (): Buffer => {
    joined = Buffer.concat([joined, ...parts.splice(0)]);
    return joined;
  };
  for (;;) {
    const chunk = await stream.read(deadline.leftMs);
    if (chunk.state === 'data') {
      parts.push(Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength));
      length += chunk.bytes.length;
      if (length >= limit) return { bytes: all().subarray(0, limit), ended: 'limit' };
      if (looks++ < maxLooks || length >= joined.length * 1.1) {
        if (isEnough(all())) return { bytes: joined, ended: 'enough' };
      }
      // An endless answer in tiny chunks could keep `read` from ever seeing the deadline.
      if (deadline.leftMs === 0) return { bytes: all(), ended: 'timeout' };
      continue;
    }
    const bytes = all();
    if (chunk.state === 'end') return { bytes, ended: 'end' };
    if (chunk.state === 'timeout') return { bytes, ended: isEnough(bytes) ? 'enough' : 'timeout' };
    return { bytes, ended: 'reset' };
  }
}

/** The outcome of an exchange in which no byte came. */
export function outcomeOfSilence(received: Received): ProbeOutcome {
  if (received.ended === 'end') return { state: 'closed', how: 'end' };
  if (received.ended === 'reset') return { state: 'closed', how: 'reset' };
  return { state: 'no-answer' };
}

/** Why an answer that is not complete ended. */
export function cutOf(received: Received): { readonly cut?: 'end' | 'reset' | 'timeout' | 'limit' } {
  return received.ended === 'enough' ? {} : { cut: received.ended };
}
