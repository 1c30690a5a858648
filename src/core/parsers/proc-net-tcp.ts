import { wholeNumber } from './text.ts';

/** A TCP socket. */
export interface TcpSocket {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly state: TcpState;
  /** Of a listener: connections that wait to be accepted. */
  readonly rxQueue: number;
  readonly inode: number;
}

export type TcpState =
  | 'ESTAB'
  | 'SYN-SENT'
  | 'SYN-RECV'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'TIME-WAIT'
  | 'CLOSE'
  | 'CLOSE-WAIT'
  | 'LAST-ACK'
  | 'LISTEN'
  | 'CLOSING';

/** In the order of `include/net/tcp_states.h`, with the names that ss prints. NEW-SYN-RECV is shown as SYN-RECV. */
const STATES: readonly (TcpState | undefined)[] = [
  undefined,
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSE',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECV',
];

/**
 * Reads `/proc/net/tcp` or `/proc/net/tcp6` (Linux, `get_tcp4_sock`), calling `take` for each socket, so that tens of
 * thousands need no list. Addresses are hexadecimal in the byte order of the host, taken as little-endian. Sample:
 * `   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21585 1 …`
 * Returns how many lines were no sockets, the heading apart.
 */
export function scanProcNetTcp(text: string, take: (socket: TcpSocket) => void): number {
  let unread = 0;
  let start = 0;
  const names = new Map<string, string>();
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const socket = readLine(text.slice(start, end), names);
    if (socket !== undefined) take(socket);
    else if (start > 0 && end > start) unread += 1;
    start = end + 1;
  }
  return unread;
}

/** `0100007F` → `127.0.0.1`; 32 digits → IPv6, an IPv4 address in it (`::ffff:a.b.c.d`) as IPv4. */
export function hexAddress(hex: string): string | undefined {
  if (!/^[0-9A-Fa-f]+$/.test(hex)) return undefined;
  if (hex.length === 8) return bytesOfWord(hex).join('.');
  if (hex.length !== 32) return undefined;
  const bytes = [0, 8, 16, 24].flatMap(at => bytesOfWord(hex.slice(at, at + 8)));
  if (bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 255 && bytes[11] === 255) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  return formatIpv6(groups);
}

function readLine(line: string, names: Map<string, string>): TcpSocket | undefined {
  const fields = line
    .trimStart()
    .split(' ', 60)
    .filter(field => field !== '');
  const [, local, remote, stateHex, queues] = fields;
  if (local === undefined || remote === undefined || stateHex === undefined || queues === undefined) return undefined;
  const state = STATES[Number.parseInt(stateHex, 16)];
  const here = endpoint(local, names);
  const there = endpoint(remote, names);
  const rxQueue = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
  const inode = wholeNumber(fields[9]);
  if (state === undefined || here === undefined || there === undefined || Number.isNaN(rxQueue) || inode === undefined) return undefined;
  return { localHost: here.host, localPort: here.port, remoteHost: there.host, remotePort: there.port, state, rxQueue, inode };
}

function endpoint(text: string, names: Map<string, string>): { readonly host: string; readonly port: number } | undefined {
  const colon = text.indexOf(':');
  if (colon < 0 || !/^[0-9A-Fa-f]{4}$/.test(text.slice(colon + 1))) return undefined;
  const hex = text.slice(0, colon);
  let host = names.get(hex);
  if (host === undefined) {
    host = hexAddress(hex);
    if (host === undefined) return undefined;
    names.set(hex, host);
  }
  return { host, port: Number.parseInt(text.slice(colon + 1), 16) };
}

function bytesOfWord(hex: string): readonly number[] {
  return [6, 4, 2, 0].map(at => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** The longest run of two or more zero groups is shortened, the first of equals (RFC 5952). */
export function formatIpv6(groups: readonly number[]): string {
  let best = -1;
  let bestLength = 1;
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end += 1;
    if (end - start > bestLength) {
      best = start;
      bestLength = end - start;
    }
  }
  const hex = groups.map(group => group.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}
