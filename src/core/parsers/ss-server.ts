/**
 * Connections and listeners of some local ports as `ss -Htnei` prints them with the states listening, established
 * and close-wait. Source: iproute2 6.1 misc/ss.c; captured. The details stand on a line of their own that is
 * indented. Sample:
 *
 *   LISTEN 1      2048   127.0.0.1:9201 0.0.0.0:* ino:26800 sk:1 cgroup:/ <->
 *   ESTAB  0      0      127.0.0.1:9201 127.0.0.1:52456 ino:27794 sk:1005 cgroup:/ <->
 *        … bytes_received:85 … lastsnd:564 lastrcv:564 lastack:564 …
 *
 * and with `-m`, whose last figure is the kernel's sk_drops:
 *
 *        skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d6)
 */
import { linesOf, wholeNumber, wordsOf } from './text.ts';

export interface ServerSocket {
  readonly state: 'LISTEN' | 'ESTAB' | 'CLOSE-WAIT';
  readonly host: string;
  readonly port: number;
  /** Of a listener: connections that wait to be accepted. Of a connection: bytes that the server has not read. */
  readonly recvQueue: number;
  /** 0 for a connection that nobody has accepted yet. */
  readonly inode: number;
  /** How long ago the server last sent and last received data, where ss tells. */
  readonly lastSentMs?: number;
  readonly lastReceivedMs?: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Of a listener, with `-m`: connections that the kernel has dropped before it since it was opened. */
  readonly drops?: number;
}

const maxSockets = 200_000;

/** Reads them. Lines in other states or forms are passed over. */
export function parseSsServer(text: string): readonly ServerSocket[] {
  const sockets: ServerSocket[] = [];
  let record = '';
  for (const line of linesOf(text)) {
    if (line.startsWith('\t') || line.startsWith(' ')) record += line.slice(0, 4000);
    else {
      take(record, sockets);
      record = line.slice(0, 4000);
    }
  }
  take(record, sockets);
  return sockets;
}

/** `ss -Hxn state established`: by socket path, how many connections hold bytes that the server has not read. */
export function parseSsUnixUnread(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of linesOf(text)) {
    const words = wordsOf(line.slice(0, 4000), 50);
    // With one state asked for, its column is left out by some versions.
    const at = words[1] === 'ESTAB' ? 2 : 1;
    const unread = wholeNumber(words[at]);
    const star = words.lastIndexOf('*');
    if (words[0] !== 'u_str' || unread === undefined || unread === 0 || star < at + 3) continue;
    const path = words.slice(at + 2, star - 1).join(' ');
    if (path !== '*' && path !== '') counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}

function take(record: string, sockets: ServerSocket[]): void {
  if (record === '' || sockets.length >= maxSockets) return;
  const words = wordsOf(record, 200);
  const state = words[0];
  const recvQueue = wholeNumber(words[1]);
  const local = words[3];
  const colon = local?.lastIndexOf(':') ?? -1;
  const port = wholeNumber(local?.slice(colon + 1));
  if ((state !== 'LISTEN' && state !== 'ESTAB' && state !== 'CLOSE-WAIT') || recvQueue === undefined || local === undefined || port === undefined) return;
  const figures = new Map<string, number>();
  for (const word of words.slice(5)) {
    const at = word.indexOf(':');
    const value = at > 0 ? wholeNumber(word.slice(at + 1)) : undefined;
    if (value !== undefined) figures.set(word.slice(0, at), value);
  }
  const memory = state === 'LISTEN' ? words.slice(5).find(word => word.startsWith('skmem:(') && word.endsWith(')')) : undefined;
  const drops = memory === undefined ? undefined : wholeNumber(memory.slice(memory.lastIndexOf(',d') + 2, -1));
  const sent = figures.get('lastsnd');
  const received = figures.get('lastrcv');
  sockets.push({
    state,
    host: plainHost(local.slice(0, colon)),
    port,
    recvQueue,
    inode: figures.get('ino') ?? 0,
    bytesSent: figures.get('bytes_sent') ?? 0,
    bytesReceived: figures.get('bytes_received') ?? 0,
    ...(sent === undefined ? {} : { lastSentMs: sent }),
    ...(received === undefined ? {} : { lastReceivedMs: received }),
    ...(drops === undefined ? {} : { drops }),
  });
}

/** Without brackets, interface and the prefix of an IPv4 address in IPv6 form. */
function plainHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const percent = bare.indexOf('%');
  const address = percent < 0 ? bare : bare.slice(0, percent);
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
