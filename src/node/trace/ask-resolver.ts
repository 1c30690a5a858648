import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import type { ResolverAnswer } from '../../core/model/trace.ts';
import { decodeDnsAnswer, encodeDnsQuery, recordTypes, type DnsAnswer, type QueryOptions } from '../probes/dns-message.ts';
import { codeOf } from '../probes/tls.ts';
import type { HostPort } from './trace-request.ts';

export interface DnsQuestion extends QueryOptions {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

type Outcome = ResolverAnswer['outcome'];
type Read = { readonly answer: DnsAnswer } | Outcome;

// A datagram can be lost; a resolver that has not answered by then is asked once more.
const resendAfterMs = 1000;
const maxAnswerBytes = 65_535;

/** Asks one resolver one question over UDP, and over TCP where the answer was cut. Never throws. */
export async function askResolver(resolver: HostPort, question: DnsQuestion, timeoutMs: number): Promise<ResolverAnswer> {
  const startMs = performance.now();
  const outcome = await outcomeOf(resolver, question, timeoutMs);
  const { type, checkingDisabled = false } = question;
  return { resolver: formatHostPort(resolver), type, checkingDisabled, outcome, ms: performance.now() - startMs };
}

export function formatHostPort({ host, port }: HostPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

async function outcomeOf(resolver: HostPort, question: DnsQuestion, timeoutMs: number): Promise<Outcome> {
  const id = randomInt(0, 0x10000);
  const query = encodeDnsQuery(id, question.name, question.type, question);
  if (query === undefined) return { state: 'not-asked', why: 'DNS cannot carry this name' };
  const isOurs = (answer: DnsAnswer): boolean =>
    answer.id === id && answer.name === question.name.replace(/\.$/, '').toLowerCase() && answer.type === recordTypes[question.type];
  const first = await overUdp(resolver, query, isOurs, timeoutMs);
  const isCut = 'answer' in first && first.answer.isTruncated;
  const read = isCut ? await overTcp(resolver, query, isOurs, timeoutMs) : first;
  // A resolver that cannot do TCP still said something.
  const best = isCut && !('answer' in read) ? first : read;
  if (!('answer' in best)) return best;
  const { rcode, addresses, names, isAuthentic, errors } = best.answer;
  return { state: 'answered', rcode, addresses, names, authentic: isAuthentic, errors };
}

function overUdp({ host, port }: HostPort, query: Uint8Array, isOurs: (answer: DnsAnswer) => boolean, timeoutMs: number): Promise<Read> {
  return new Promise(resolve => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    let isStrange = false;
    const send = (): void => {
      try {
        socket.send(query);
      } catch (error) {
        end({ state: 'failed', code: codeOf(error) });
      }
    };
    const again = setTimeout(send, Math.min(resendAfterMs, timeoutMs / 2));
    const timer = setTimeout(() => end({ state: isStrange ? 'strange' : 'no-answer' }), timeoutMs);
    let isOver = false;
    const end = (read: Read): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(again);
      clearTimeout(timer);
      socket.close();
      resolve(read);
    };
    // The port behind an address that refuses says so once the first datagram came back.
    socket.on('error', error => end({ state: 'failed', code: codeOf(error) }));
    socket.on('message', bytes => {
      const answer = decodeDnsAnswer(bytes);
      if (answer !== undefined && isOurs(answer)) end({ answer });
      else isStrange = true;
    });
    socket.connect(port, host, () => {
      if (!isOver) send();
    });
  });
}

function overTcp({ host, port }: HostPort, query: Uint8Array, isOurs: (answer: DnsAnswer) => boolean, timeoutMs: number): Promise<Read> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    let bytes = Buffer.alloc(0);
    const timer = setTimeout(() => end({ state: 'no-answer' }), timeoutMs);
    const end = (read: Read): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(read);
    };
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query])));
    socket.on('error', error => end({ state: 'failed', code: codeOf(error) }));
    socket.on('close', () => end({ state: 'strange' }));
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 2 || (bytes.length < bytes.readUInt16BE(0) + 2 && bytes.length < maxAnswerBytes)) return;
      const answer = decodeDnsAnswer(bytes.subarray(2));
      end(answer !== undefined && isOurs(answer) ? { answer } : { state: 'strange' });
    });
  });
}
