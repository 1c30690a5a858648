import { isIP } from 'node:net';
import type { SecureVersion } from 'node:tls';
import type { TlsObservation, TlsVersions, TraceAttempt, TraceHop } from '../../core/model/trace.ts';
import { Deadline } from '../probes/exchange.ts';
import { handshakeSettings, openSocket, type AttemptInput } from './attempt.ts';
import { shakeHands, type HandshakeSettings } from './handshake.ts';

type Input = Pick<AttemptInput, 'request' | 'authorities' | 'wire'>;

const versions: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const handshakeMs = 4000;

/** One handshake for each version of TLS, with nothing sent in it. */
export async function readTlsVersions(input: Input, { address, port }: TraceAttempt): Promise<TlsVersions> {
  const settings = handshakeSettings(input);
  const tried = await Promise.all(
    versions.map(async version => {
      const tls = await justShakeHands(address, port, { ...settings, alpn: [], version });
      return { version, taken: tls?.handshake === 'done', ...(tls?.error === undefined ? {} : { error: tls.error }) };
    }),
  );
  return { address, versions: tried };
}

/** A handshake without a server name; undefined where none was sent in the first place, or no connection came about. */
export async function lookWithoutName(input: Input, { address, port, tls }: TraceAttempt): Promise<TraceHop['withoutName']> {
  if (tls?.serverName === undefined) return undefined;
  const seen = await justShakeHands(address, port, { ...handshakeSettings(input), serverName: undefined });
  return seen === undefined ? undefined : { address, tls: seen };
}

/** Where no server name was sent: what the name in the `Host` field gets, or the host's own that was withheld. */
export async function lookWithName(input: Input, { address, port, tls }: TraceAttempt): Promise<TraceHop['withName']> {
  if (tls === undefined || tls.serverName !== undefined) return undefined;
  const given = input.wire.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? input.wire.target.host;
  const name = given.replace(/:\d+$/, '');
  if (isIP(name) !== 0 || name === '') return undefined;
  const seen = await justShakeHands(address, port, { ...handshakeSettings(input), serverName: name, verifyName: name });
  return seen === undefined ? undefined : { address, tls: seen };
}

async function justShakeHands(address: string, port: number, settings: HandshakeSettings): Promise<TlsObservation | undefined> {
  const deadline = new Deadline(handshakeMs, handshakeMs);
  const connected = await openSocket(address, port, deadline);
  if ('failed' in connected) return undefined;
  const handshake = await shakeHands(connected.socket, settings, deadline);
  const seen = handshake.observe();
  handshake.socket?.destroy();
  connected.socket.destroy();
  return seen;
}
