import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** A listening socket as ss (iproute2) prints it. */
export interface SsListener {
  readonly kind: 'tcp' | 'unix';
  /** tcp: `0.0.0.0`, `::`, `*` for both families. unix: empty. */
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  /** Recv-Q: connections that wait to be accepted. */
  readonly queue: number;
  /** Send-Q: how many may. */
  readonly backlog: number;
  readonly inode?: number;
  readonly v6only?: boolean;
  readonly pids: readonly number[];
}

/**
 * Reads the tcp lines of `ss -Hltnpe` (State Recv-Q Send-Q Local Peer …) and of `ss -Hltxne`, which names the kind of
 * socket first. Sample (iproute2 6.1.0):
 * `tcp LISTEN 0 511 [::]:80 [::]:* users:(("nginx",pid=50,fd=6)) ino:21586 sk:13 cgroup:/system.slice/nginx.service v6only:1 <->`
 */
export function parseSsTcpListeners(text: string): readonly SsListener[] {
  const listeners: SsListener[] = [];
  for (const line of linesOf(text)) {
    const all = wordsOf(line);
    const words = all[0] === 'tcp' ? all.slice(1) : all;
    const [state, queue, backlog, local] = [words[0], wholeNumber(words[1]), wholeNumber(words[2]), words[3]];
    const colon = local?.lastIndexOf(':') ?? -1;
    const port = wholeNumber(local?.slice(colon + 1));
    if (state !== 'LISTEN' || queue === undefined || backlog === undefined || local === undefined || colon < 0 || port === undefined) continue;
    const rest = line.slice(line.indexOf(local) + local.length);
    const inode = wholeNumber(valueAfter(rest, ' ino:'));
    const v6only = valueAfter(rest, ' v6only:');
    listeners.push({
      kind: 'tcp',
      host: bareHost(local.slice(0, colon)),
      port,
      queue,
      backlog,
      pids: pidsIn(rest),
      ...(inode === undefined ? {} : { inode }),
      ...(v6only === undefined ? {} : { v6only: v6only === '1' }),
    });
  }
  return listeners;
}

/**
 * Reads the unix lines of `ss -Hlxp` (Netid State Recv-Q Send-Q Path Inode Peer PeerInode) and of `ss -Hltxne`. A path
 * may hold blanks, so it ends where the inode and `* 0` follow. Sample (iproute2 6.1.0):
 * `u_str LISTEN 0 4096 /run/php/php8.2-fpm.sock 21252 * 0 users:(("php-fpm8.2",pid=46,fd=8)) <-> ino:78 dev:0/47 peers:`
 */
export function parseSsUnixListeners(text: string): readonly SsListener[] {
  const listeners: SsListener[] = [];
  for (const line of linesOf(text)) {
    const words = wordsOf(line);
    const [type, state, queue, backlog] = [words[0], words[1], wholeNumber(words[2]), wholeNumber(words[3])];
    const star = words.lastIndexOf('*');
    const inode = wholeNumber(words[star - 1]);
    if (type !== 'u_str' || state !== 'LISTEN' || queue === undefined || backlog === undefined || star < 5 || inode === undefined) continue;
    const path = words.slice(4, star - 1).join(' ');
    if (path === '*') continue;
    listeners.push({ kind: 'unix', host: '', port: 0, path, queue, backlog, inode, pids: pidsIn(line) });
  }
  return listeners;
}

/** One connection while `scanSsConnections` stands on it. The ends are `address:port`, IPv6 in brackets; each is made when it is asked for. */
export interface SsConnection {
  /** In ss's own names: `ESTAB`, `TIME-WAIT`, … */
  readonly state: string;
  readonly localPort: number;
  local(): string;
  remote(): string;
}

/**
 * Reads `ss -Htan` (State Recv-Q Send-Q Local Peer), calling `take` for each socket; there may be tens of thousands. Returns
 * how many lines were no sockets. With `only`, sockets in other states are passed over. Sample (iproute2 6.1.0):
 * `TIME-WAIT 0      0               127.0.0.1:80    127.0.0.1:43030`
 */
export function scanSsConnections(text: string, take: (socket: SsConnection) => void, only?: string): number {
  let unread = 0;
  let [state, localPort, local, localEnd, remote, remoteEnd] = ['', 0, 0, 0, 0, 0];
  const socket: SsConnection = {
    get state() {
      return state;
    },
    get localPort() {
      return localPort;
    },
    local: () => bareEnd(text.slice(local, localEnd)),
    remote: () => bareEnd(text.slice(remote, remoteEnd)),
  };
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    const newline = text.indexOf('\n', start);
    end = newline < 0 ? text.length : newline;
    if (only !== undefined && !text.startsWith(only, start)) continue;
    const stateEnd = wordEnd(text, start, end);
    local = wordStart(text, wordEnd(text, wordStart(text, wordEnd(text, wordStart(text, stateEnd, end), end), end), end), end);
    localEnd = wordEnd(text, local, end);
    remote = wordStart(text, localEnd, end);
    remoteEnd = wordEnd(text, remote, end);
    if (stateEnd > start && remoteEnd > remote && remote > localEnd) {
      if (stateEnd - start !== state.length || !text.startsWith(state, start)) state = text.slice(start, stateEnd);
      localPort = portBefore(text, local, localEnd);
      take(socket);
    } else if (end > start) unread += 1;
  }
  return unread;
}

/** The digits that end a word; 0 for none. */
function portBefore(text: string, from: number, end: number): number {
  let port = 0;
  let scale = 1;
  for (let at = end - 1; at >= from && scale <= 10_000; at -= 1, scale *= 10) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    port += digit * scale;
  }
  return port;
}

function wordStart(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) === 32) at += 1;
  return at;
}

function wordEnd(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) !== 32) at += 1;
  return at;
}

const mapped = '[::ffff:';

/** `[::ffff:127.0.0.1]:80` → `127.0.0.1:80`, `127.0.0.1%lo:53` → `127.0.0.1:53`. */
function bareEnd(text: string): string {
  const isV6 = text.startsWith('[');
  if (isV6 && text.startsWith(mapped) && text.includes('.')) return text.slice(mapped.length).replace(']', '');
  const zone = text.indexOf('%');
  return zone < 0 ? text : text.slice(0, zone) + (isV6 ? ']' : '') + text.slice(text.lastIndexOf(':'));
}

/** Every `pid=N` of `users:(("name",pid=50,fd=6),…)`, each once. */
function pidsIn(text: string): readonly number[] {
  const pids = new Set<number>();
  for (const match of text.matchAll(/,pid=(\d{1,10}),/g)) pids.add(Number(match[1]));
  return [...pids].sort((a, b) => a - b);
}

function valueAfter(text: string, name: string): string | undefined {
  const at = text.indexOf(name);
  if (at < 0) return undefined;
  const start = at + name.length;
  const end = text.indexOf(' ', start);
  return text.slice(start, end < 0 ? text.length : end);
}

/** `[::]` → `::`, `127.0.0.1%lo` → `127.0.0.1`, `[::ffff:127.0.0.1]` → `127.0.0.1`. */
function bareHost(text: string): string {
  const host = text.startsWith('[') ? text.slice(1, text.includes(']') ? text.indexOf(']') : text.length) : text;
  const zone = host.indexOf('%');
  if (zone > 0) return host.slice(0, zone);
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
}
