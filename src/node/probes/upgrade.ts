import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import type { Deadline } from './exchange.ts';
import { headerValue } from './http-answer.ts';
import { outcomeOfHttp, receiveHttp } from './http.ts';
import { byteStreamOf, StreamDuplex } from './stream-duplex.ts';
import { finishHandshake } from './tls.ts';

type UpgradeRequest = Extract<ProbeRequest, { kind: 'upgrade' }>;

export interface UpgradeSettings {
  readonly userAgent: string;
  /** Where the request is to go over TLS. */
  readonly context: SecureContext | undefined;
}

// RFC 6455 §1.3.
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** One opening handshake of a WebSocket on an open stream. No Origin is sent, as programs that are no browsers do. */
export async function askUpgrade(stream: ByteStream, request: UpgradeRequest, settings: UpgradeSettings, deadline: Deadline): Promise<ProbeOutcome> {
  if (request.tls === undefined || settings.context === undefined) return askOn(stream, request, settings.userAgent, deadline);
  const wire = new StreamDuplex(stream, deadline);
  const { serverName } = request.tls;
  let socket: TLSSocket;
  try {
    const named = serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName };
    // The certificate is another question's: nginx does not judge it either unless it is told to.
    socket = connect({ socket: wire, secureContext: settings.context, rejectUnauthorized: false, ...named });
  } catch {
    return { state: 'not-asked', why: 'the TLS client refuses the request' };
  }
  try {
    const handshake = await finishHandshake(socket, deadline);
    if (handshake === 'done') return await askOn(byteStreamOf(socket), request, settings.userAgent, deadline);
    return { state: 'answered', speaks: 'other', answer: { complete: false, tls: { handshake: 'failed', error: handshake } } };
  } finally {
    socket.destroy();
    wire.destroy();
  }
}

async function askOn(stream: ByteStream, request: UpgradeRequest, userAgent: string, deadline: Deadline): Promise<ProbeOutcome> {
  const key = randomBytes(16).toString('base64');
  stream.write(encodeHandshake(request, userAgent, key));
  const outcome = outcomeOfHttp(await receiveHttp(stream, deadline));
  if (outcome.state !== 'answered' || outcome.answer.status !== 101) return outcome;
  const headers = outcome.answer.headers ?? [];
  const wanted = webSocketAccept(key);
  const isTaken = headerValue(headers, 'sec-websocket-accept') === wanted && headerValue(headers, 'upgrade')?.toLowerCase() === 'websocket';
  stream.write(closeFrame());
  return isTaken ? { ...outcome, answer: { ...outcome.answer, upgraded: true } } : outcome;
}

function encodeHandshake({ path, hostHeader, as }: UpgradeRequest, userAgent: string, key: string): Uint8Array {
  const clean = (text: string): string => text.replaceAll(/[\0-\x1f\x7f]/g, '');
  const target = `${path.startsWith('/') ? '' : '/'}${clean(path).replaceAll(' ', '%20')}`;
  const { version, upgrade, connection } = as ?? { version: '1.1', upgrade: 'websocket', connection: 'Upgrade' };
  const lines = [
    `GET ${target} HTTP/${version}`,
    `Host: ${clean(hostHeader)}`,
    `User-Agent: ${userAgent}`,
    ...(upgrade === undefined ? [] : [`Upgrade: ${clean(upgrade)}`]),
    ...(connection === undefined ? [] : [`Connection: ${clean(connection)}`]),
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8');
}

/** What a server that takes the handshake answers to its key. */
export function webSocketAccept(key: string): string {
  return createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
}

/** That we go away again, masked as a client must (RFC 6455 §5.5.1): status 1000. */
export function closeFrame(): Uint8Array {
  const mask = randomBytes(4);
  return Buffer.from([0x88, 0x82, ...mask, 0x03 ^ (mask[0] ?? 0), 0xe8 ^ (mask[1] ?? 0)]);
}
