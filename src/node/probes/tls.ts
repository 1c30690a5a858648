import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeOutcome, ProbeRequest, TlsAnswer } from '../../core/model/probe.ts';
import { cutOf, outcomeOfSilence, type Deadline, type Received } from './exchange.ts';
import { encodeGet, outcomeOfHttp, receiveHttp } from './http.ts';
import { sniff } from './sniff.ts';
import { byteStreamOf, StreamDuplex } from './stream-duplex.ts';
import { asksForCertificate } from './tls-records.ts';

type TlsRequest = Extract<ProbeRequest, { kind: 'tls' }>;

export interface TlsSettings {
  readonly userAgent: string;
  /** With the host's certificate authorities, and bound to the request's version. */
  readonly context: SecureContext;
}

// A TLS 1.3 server refuses a missing client certificate only after the client thinks the handshake done.
const verdictWaitMs = 150;

/** One handshake on an open stream, and when a path is given one GET inside of it. The peer's certificate is judged, never trusted. */
export async function askTls(stream: ByteStream, request: TlsRequest, settings: TlsSettings, deadline: Deadline): Promise<ProbeOutcome> {
  const wire = new StreamDuplex(stream, deadline);
  let socket: TLSSocket;
  try {
    socket = connect({
      socket: wire,
      secureContext: settings.context,
      rejectUnauthorized: false,
      // The name is part of the verdict only where the caller gave one, as `proxy_ssl_name` does.
      checkServerIdentity: (_host, certificate) => {
        const name = request.verifyName ?? request.serverName;
        return name === undefined ? undefined : checkServerIdentity(name, certificate);
      },
      ...(request.serverName === undefined || isIP(request.serverName) !== 0 ? {} : { servername: request.serverName }),
    });
  } catch (error) {
    return { state: 'not-asked', why: `the TLS client refuses the request: ${codeOf(error)}` };
  }
  const handshake = await finishHandshake(socket, deadline);
  try {
    if (handshake === 'done') return await askInside(socket, wire, request, settings, deadline);
    const received: Received = handshake === 'ETIMEDOUT' ? { ...wire.received, ended: 'timeout' } : wire.received;
    if (received.bytes.length === 0) return outcomeOfSilence(received);
    const tls: TlsAnswer = { handshake: 'failed', error: handshake, ...requested(wire, socket, handshake) };
    if (sniff(received.bytes) === 'tls') return { state: 'answered', speaks: 'tls', answer: { tls, complete: false, ...cutOf(received) } };
    const other = outcomeOfHttp(received);
    return other.state === 'answered' ? { ...other, answer: { ...other.answer, tls } } : other;
  } finally {
    socket.destroy();
    wire.destroy();
  }
}

/** `done`, or the code of what went wrong. */
export function finishHandshake(socket: TLSSocket, deadline: Deadline): Promise<string> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve('ETIMEDOUT'), deadline.leftMs);
    const end = (result: string): void => {
      clearTimeout(timer);
      resolve(result);
    };
    socket.once('secureConnect', () => end('done'));
    socket.on('error', error => end(codeOf(error)));
    socket.once('close', () => end('ECONNRESET'));
  });
}

async function askInside(socket: TLSSocket, wire: StreamDuplex, request: TlsRequest, settings: TlsSettings, deadline: Deadline): Promise<ProbeOutcome> {
  const certificate = socket.getPeerCertificate();
  const protocol = socket.getProtocol();
  const verify = socket.authorized ? 'OK' : verdict(socket);
  const inside = byteStreamOf(socket);
  const describe = (error: string | undefined): TlsAnswer => ({
    handshake: 'done',
    ...(protocol === null ? {} : { protocol }),
    verify,
    ...certificateParts(certificate),
    ...(error === undefined ? {} : { error }),
    ...requested(wire, socket, error ?? ''),
  });
  let lateError: string | undefined;
  socket.on('error', error => {
    lateError ??= codeOf(error);
  });
  if (request.path === undefined) {
    if (protocol === 'TLSv1.3') await inside.read(Math.min(verdictWaitMs, deadline.leftMs));
    return { state: 'answered', speaks: 'tls', answer: { tls: describe(lateError), complete: lateError === undefined } };
  }
  inside.write(encodeGet(request.path, request.hostHeader ?? request.serverName ?? 'localhost', settings.userAgent));
  const received = await receiveHttp(inside, deadline);
  const outcome = received.bytes.length === 0 ? undefined : outcomeOfHttp(received);
  if (outcome?.state !== 'answered') return { state: 'answered', speaks: 'tls', answer: { tls: describe(lateError), complete: false, ...cutOf(received) } };
  // nginx finishes the handshake and asks for the certificate in its page.
  const isAskedInPage = outcome.answer.status === 400 && received.bytes.includes('No required SSL certificate was sent');
  const tls = isAskedInPage ? { ...describe(lateError), clientCertificateRequested: true } : describe(lateError);
  return { state: 'answered', speaks: 'tls', answer: { ...outcome.answer, tls } };
}

/** In TLS 1.2 the request stands in the clear; in 1.3 it shows only when the server insists. */
function requested(wire: StreamDuplex, socket: TLSSocket, error: string): { clientCertificateRequested?: boolean } {
  if (/CERTIFICATE_REQUIRED/i.test(error)) return { clientCertificateRequested: true };
  if (socket.getProtocol() === 'TLSv1.3') return {};
  const asked = asksForCertificate(wire.received.bytes);
  return asked === undefined ? {} : { clientCertificateRequested: asked };
}

function verdict(socket: TLSSocket): string {
  // Node types this as an Error and gives the code's text.
  const reason: unknown = socket.authorizationError;
  const code = typeof reason === 'string' ? reason : codeOf(reason);
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'HOSTNAME_MISMATCH' : code;
}

function certificateParts(certificate: PeerCertificate): Partial<TlsAnswer> {
  // An anonymous peer gives an empty object, whatever the type says.
  const given: Partial<PeerCertificate> = certificate;
  if (given.subject === undefined) return {};
  return {
    subject: nameOf(given.subject),
    ...(given.issuer === undefined ? {} : { issuer: nameOf(given.issuer) }),
    ...(given.valid_from === undefined ? {} : { validFrom: isoDate(given.valid_from) }),
    ...(given.valid_to === undefined ? {} : { validTo: isoDate(given.valid_to) }),
    ...(given.subjectaltname === undefined
      ? {}
      : {
          names: given.subjectaltname
            .split(', ')
            .slice(0, 200)
            .map(name => name.replace(/^(?:DNS|IP Address):/, '')),
        }),
  };
}

/** `CN=shop.test, O=Shop`. */
function nameOf(name: object): string {
  return Object.entries(name)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ')
    .slice(0, 512);
}

function isoDate(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString();
}

export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message.slice(0, 200) : 'UNKNOWN';
}
