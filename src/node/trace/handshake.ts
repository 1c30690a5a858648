import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, type SecureVersion, type TLSSocket } from 'node:tls';
import type { TlsObservation } from '../../core/model/trace.ts';
import type { Deadline } from '../probes/exchange.ts';
import { headOf, sniff } from '../probes/sniff.ts';
import { byteStreamOf, StreamDuplex } from '../probes/stream-duplex.ts';
import { codeOf, finishHandshake } from '../probes/tls.ts';
import { asksForCertificate } from '../probes/tls-records.ts';
import type { Authorities } from './authorities.ts';
import { isAnchored, judgeName, nearAuthority, readChain } from './chain.ts';
import type { TlsFiles } from './trace-request.ts';

export interface HandshakeSettings {
  readonly authorities: Authorities;
  readonly files: TlsFiles;
  /** Sent as SNI; an address or undefined sends none. */
  readonly serverName: string | undefined;
  /** What the certificate is to be for. */
  readonly verifyName: string;
  readonly alpn: readonly string[];
  /** This version alone, however old. */
  readonly version?: SecureVersion;
}

export interface Handshake {
  readonly socket: TLSSocket | undefined;
  /** As it stands now: with TLS 1.3 a refusal may come later. */
  observe(): TlsObservation;
}

/** A handshake over a connected socket. Every certificate is taken here and judged afterwards. Never throws. */
export async function shakeHands(plain: Socket, settings: HandshakeSettings, deadline: Deadline): Promise<Handshake> {
  const wire = new StreamDuplex(byteStreamOf(plain), deadline);
  const sent = settings.serverName !== undefined && isIP(settings.serverName) === 0 ? settings.serverName : undefined;
  const failed = (error: string): TlsObservation => {
    const { bytes } = wire.received;
    const kind = bytes.length === 0 ? 'nothing' : sniff(bytes);
    const spoke = kind === 'tls' || kind === 'http' || kind === 'nothing' ? kind : 'other';
    const asked = asksForCertificate(bytes) === true || /CERTIFICATE_REQUIRED/i.test(error);
    return {
      handshake: 'failed',
      error,
      spoke,
      chain: [],
      ...(sent === undefined ? {} : { serverName: sent }),
      ...(spoke === 'tls' || spoke === 'nothing' ? {} : { head: headOf(bytes) }),
      ...(asked ? { clientCertificateRequested: true } : {}),
    };
  };
  let socket: TLSSocket;
  try {
    socket = connect({
      socket: wire,
      secureContext: contextFor(settings),
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(settings.alpn.length === 0 ? {} : { ALPNProtocols: [...settings.alpn] }),
      ...(sent === undefined ? {} : { servername: sent }),
    });
  } catch (error) {
    const observation = failed(codeOf(error));
    return { socket: undefined, observe: () => observation };
  }
  const outcome = await finishHandshake(socket, deadline);
  if (outcome !== 'done') {
    const observation = failed(outcome);
    socket.destroy();
    return { socket: undefined, observe: () => observation };
  }
  let lateError: string | undefined;
  socket.on('error', error => {
    lateError ??= codeOf(error);
  });
  const done = describe(socket, settings, sent);
  const isAskedInClear = asksForCertificate(wire.received.bytes) === true && socket.getProtocol() !== 'TLSv1.3';
  return {
    socket,
    observe: () => ({
      ...done,
      ...(lateError === undefined ? {} : { error: lateError }),
      ...(isAskedInClear || /CERTIFICATE_REQUIRED/i.test(lateError ?? '') ? { clientCertificateRequested: true } : {}),
    }),
  };
}

function describe(socket: TLSSocket, { authorities, verifyName, version }: HandshakeSettings, sent: string | undefined): TlsObservation {
  if (version !== undefined) return { handshake: 'done', spoke: 'tls', protocol: version, chain: [] };
  const [protocol, alpn] = [socket.getProtocol(), socket.alpnProtocol];
  const sentChain = readChain(socket.getPeerX509Certificate());
  const [leaf] = sentChain.certificates;
  const reason: unknown = socket.authorizationError;
  const verify = socket.authorized ? 'OK' : typeof reason === 'string' ? reason : codeOf(reason);
  const anchored = verify === 'OK' || isAnchored(sentChain.certificates, authorities);
  const near = anchored ? undefined : nearAuthority(sentChain.certificates, authorities);
  return {
    handshake: 'done',
    spoke: 'tls',
    ...(sent === undefined ? {} : { serverName: sent }),
    ...(protocol === null ? {} : { protocol }),
    cipher: socket.getCipher().name,
    ...(typeof alpn === 'string' ? { alpn } : {}),
    chain: sentChain.read,
    verify,
    isAnchored: anchored,
    ...(near === undefined ? {} : { nearAuthority: near }),
    ...(leaf === undefined ? {} : { nameMatches: judgeName(leaf, verifyName) }),
  };
}

/** Each version's context is made once a trace. */
const contexts = new WeakMap<Authorities, Map<SecureVersion | undefined, SecureContext>>();

/** Makes the context ahead, so that its time is not taken for the handshake's. What is wrong with it shows in the handshake. */
export function prepareHandshake(settings: HandshakeSettings): void {
  try {
    contextFor(settings);
  } catch {
    // The handshake says it.
  }
}

function contextFor(settings: HandshakeSettings): SecureContext {
  const { authorities, version } = settings;
  const made = contexts.get(authorities) ?? new Map<SecureVersion | undefined, SecureContext>();
  contexts.set(authorities, made);
  const context = made.get(version) ?? makeContext(settings);
  made.set(version, context);
  return context;
}

function makeContext({ authorities, files, version }: HandshakeSettings): SecureContext {
  const old = version === 'TLSv1' || version === 'TLSv1.1';
  return createSecureContext({
    // Whether a version is taken does not hang on who is trusted, and reading the authorities takes longer than the handshake.
    ca: version === undefined ? [...authorities.ca] : [],
    ...(files.certificate === undefined ? {} : { cert: files.certificate }),
    ...(files.key === undefined ? {} : { key: files.key }),
    ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
    // OpenSSL 3 has no cipher for the old versions above security level 0.
    ...(old ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  });
}
