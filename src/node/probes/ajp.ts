import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeOutcome } from '../../core/model/probe.ts';
import { outcomeOfSilence, receive, type Deadline, type Received } from './exchange.ts';
import { outcomeOfOther } from './http.ts';
import { headOf, sniff } from './sniff.ts';

/**
 * CPing of AJP 1.3: magic 0x1234, a length of one byte, type 10. A container answers with CPong: `41 42 00 01 09`.
 * Source: the protocol's reference in the documentation of Apache Tomcat Connectors.
 */
const ping = Uint8Array.of(0x12, 0x34, 0, 1, 10);
const pong = Buffer.from([0x41, 0x42, 0, 1, 9]);

/** Asks a servlet container whether it is there, in AJP. No request reaches an application. */
export async function askAjp(stream: ByteStream, deadline: Deadline): Promise<ProbeOutcome> {
  stream.write(ping);
  return outcomeOfAjp(await receive(stream, deadline, bytes => bytes.length >= pong.length, 4096));
}

/** What the bytes are that came for a CPing. */
export function outcomeOfAjp(received: Received): ProbeOutcome {
  if (received.bytes.length === 0) return outcomeOfSilence(received);
  if (sniff(received.bytes) !== 'ajp') return outcomeOfOther(received);
  return { state: 'answered', speaks: 'ajp', answer: { head: headOf(received.bytes), complete: received.bytes.subarray(0, pong.length).equals(pong) } };
}
