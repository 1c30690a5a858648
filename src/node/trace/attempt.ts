import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteStream } from '../../core/model/host.ts';
import type { TlsObservation, TraceAnswer, TraceAttempt } from '../../core/model/trace.ts';
import { Deadline } from '../probes/exchange.ts';
import { byteStreamOf } from '../probes/stream-duplex.ts';
import { codeOf } from '../probes/tls.ts';
import type { Authorities } from './authorities.ts';
import { prepareHandshake, shakeHands, type Handshake } from './handshake.ts';
import { askHttp1, type WireRequest } from './http1.ts';
import { askHttp2 } from './http2.ts';
import type { Circumstances } from './read-answer.ts';
import { isSecure, isWebSocket, type Target, type TraceRequest } from './trace-request.ts';

/** No request takes longer, whatever was asked for. */
const longestMs = 120_000;

/** What one attempt needs beside the request. */
export interface AttemptInput {
  readonly request: TraceRequest;
  readonly authorities: Authorities;
  readonly wire: WireRequest;
  readonly address: string;
  readonly port: number;
  readonly round: number;
  /** The chain of names that led to the address. */
  readonly names: readonly string[];
  /** Sends the request although the certificate is not good. */
  readonly sendsAnyway: boolean;
}

type Connected = { readonly socket: Socket } | { readonly failed: Exclude<TraceAttempt['connect'], { readonly state: 'connected' }> };

/** Connects to one address, shakes hands, asks once, and takes the time of each. Bounded by the request's time; never throws. */
export async function attempt(input: AttemptInput): Promise<TraceAttempt> {
  const { request, address, port, round, wire } = input;
  if (isSecure(wire.target.scheme)) prepareHandshake(handshakeSettings(input));
  const deadline = new Deadline(request.timeoutMs, longestMs);
  const common = { round, address, port, atMs: Date.now() };
  const connected = await openSocket(address, port, deadline);
  const connectMs = deadline.passedMs;
  if ('failed' in connected) return { ...common, phases: { connectMs, totalMs: connectMs }, connect: connected.failed };
  const { socket } = connected;
  try {
    const secured = isSecure(wire.target.scheme) ? await shakeHands(socket, handshakeSettings(input), deadline) : undefined;
    const tlsMs = secured === undefined ? undefined : deadline.passedMs - connectMs;
    const stood = { ...common, connect: { state: 'connected' } as const };
    const phases = { connectMs, ...(tlsMs === undefined ? {} : { tlsMs }) };
    const reason = secured === undefined ? undefined : whyNotAsked(secured, input);
    if (secured !== undefined && reason !== undefined) {
      const tls = secured.observe();
      return { ...stood, phases: { ...phases, totalMs: deadline.passedMs }, tls, ...(tls.handshake === 'done' ? { notAsked: reason } : {}) };
    }
    const sentMs = deadline.passedMs;
    const { answer, firstByteMs } = await ask(secured?.socket ?? socket, secured?.observe(), input, deadline);
    const tls = secured?.observe();
    const totalMs = deadline.passedMs;
    const answered = firstByteMs === undefined ? {} : { firstByteMs: firstByteMs - sentMs, bodyMs: totalMs - firstByteMs };
    return { ...stood, phases: { ...phases, ...answered, totalMs }, answer, ...(tls === undefined ? {} : { tls }) };
  } finally {
    socket.destroy();
  }
}

/** Connects within the deadline. Never throws. */
export function openSocket(host: string, port: number, deadline: Deadline): Promise<Connected> {
  return new Promise(resolve => {
    let socket: Socket;
    try {
      socket = connect({ host, port, allowHalfOpen: true });
    } catch (error) {
      resolve({ failed: { state: 'failed', code: codeOf(error) } });
      return;
    }
    const fail = (failed: Exclude<TraceAttempt['connect'], { readonly state: 'connected' }>): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ failed });
    };
    const timer = setTimeout(() => fail({ state: 'timeout' }), deadline.leftMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve({ socket });
    });
    // It stays for the whole life of the socket: an error without a listener would end the program.
    socket.on('error', error => fail({ state: 'failed', code: codeOf(error) }));
  });
}

/** The server name, ALPN and files that go with a request. */
export function handshakeSettings({ request, authorities, wire }: Pick<AttemptInput, 'request' | 'authorities' | 'wire'>): Parameters<typeof shakeHands>[1] {
  const { target } = wire;
  // A name's last dot, which says that it is whole, is no part of it here (RFC 6066 §3).
  const own = target.host.replace(/\.$/, '');
  const serverName = request.serverName === 'none' ? undefined : (request.serverName ?? own);
  return {
    authorities,
    files: request.tls,
    serverName,
    verifyName: serverName ?? own,
    alpn: alpnOf(request, target),
  };
}

function alpnOf({ http, grpc }: TraceRequest, { scheme }: Target): readonly string[] {
  if (isWebSocket(scheme) || http === '1.1') return ['http/1.1'];
  return http === '2' || grpc ? ['h2'] : ['h2', 'http/1.1'];
}

function whyNotAsked(handshake: Handshake, { sendsAnyway, request }: AttemptInput): string | undefined {
  if (handshake.socket === undefined) return 'the handshake failed';
  const { verify, nameMatches, alpn } = handshake.observe();
  if ((request.http === '2' || request.grpc) && alpn !== 'h2') return 'the server does not take HTTP/2, which was asked for';
  if (sendsAnyway) return undefined;
  return verify === 'OK' && nameMatches !== false ? undefined : 'its certificate is not good; --insecure asks all the same';
}

async function ask(
  socket: Duplex,
  tls: TlsObservation | undefined,
  { request, wire, address, names }: AttemptInput,
  deadline: Deadline,
): Promise<{ readonly answer: TraceAnswer; readonly firstByteMs: number | undefined }> {
  const [leaf] = tls?.chain ?? [];
  const circumstances: Circumstances = {
    method: wire.method,
    address,
    ...(names.length > 1 ? { names } : {}),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.protocol === undefined ? {} : { protocol: tls.protocol }),
            ...(tls.alpn === undefined ? {} : { alpn: tls.alpn }),
            ...(leaf === undefined ? {} : { subjects: [leaf.subject.replace(/^.*CN=/, ''), ...leaf.names], issuer: leaf.issuer }),
          },
        }),
  };
  let firstByteMs: number | undefined;
  const mark = (): void => {
    firstByteMs ??= deadline.passedMs;
  };
  const speaksHttp2 = tls === undefined ? request.http === '2' || request.grpc : tls.alpn === 'h2';
  const startMs = deadline.passedMs;
  const answer =
    speaksHttp2 && !isWebSocket(wire.target.scheme)
      ? await askHttp2(socket, { ...wire, grpc: request.grpc }, circumstances, deadline, mark)
      : await askHttp1(timed(byteStreamOf(socket), mark), wire, circumstances, deadline);
  if (answer.response === undefined || firstByteMs === undefined) return { answer, firstByteMs };
  return { answer: { ...answer, response: { ...answer.response, firstByteMs: firstByteMs - startMs } }, firstByteMs };
}

function timed(stream: ByteStream, onFirstByte: () => void): ByteStream {
  return {
    ...stream,
    read: async timeoutMs => {
      const chunk = await stream.read(timeoutMs);
      if (chunk.state === 'data') onFirstByte();
      return chunk;
    },
  };
}
