import type { Known } from './fact.ts';

/**
 * Something that can be read and asked: this machine, one behind SSH, a container, a recorded bundle.
 * Collectors and probes reach the outside through these methods and nothing else. No method throws;
 * every answer is bounded in bytes and time.
 */
export interface Host {
  /** One word for messages: `local`, `bundle:promotion-day`. */
  readonly name: string;
  /** Runs a program by its argv, never through a shell. PATH is extended by the sbin folders; locale is C. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<Known<ExecResult>>;
  /** Reads `limit` bytes of a file from `offset` (negative: counted from the end). Works for /proc files too. */
  read(path: string, options?: ReadOptions): Promise<Known<ReadResult>>;
  /** lstat of the path, and where it is a link the real path and what it points to. */
  stat(path: string): Promise<Known<StatResult>>;
  /** The names in a folder, sorted. */
  list(path: string): Promise<Known<readonly string[]>>;
  /**
   * Who holds sockets, by the links in /proc/PID/fd: one question, because there are thousands of links.
   * A host that does not have it is asked with `ss -p`. `pids` are the processes to look into, by default all.
   */
  socketOwners?(inodes: readonly number[], pids?: readonly number[]): Promise<Known<SocketOwners>>;
  /** A byte stream as seen *from that host*. */
  connect(address: Address, options?: ConnectOptions): Promise<ConnectResult>;
  /** The host's clock and zone at the start of the diagnosis. */
  clock(): Promise<HostClock>;
}

export interface HostClock {
  /** Milliseconds since the epoch by the host's clock. */
  readonly nowMs: number;
  /** IANA zone or `UTC+02:00`; the error log carries no zone and is written in this one. */
  readonly zone: string;
  /** Minutes east of UTC now. */
  readonly offsetMinutes: number;
  /** When the host booted by this clock, to some hundredths of a second; /proc/stat gives whole seconds. */
  readonly bootMs?: number;
}

export interface ExecOptions {
  /** Default 5000. The process group is killed when it passes. */
  readonly timeoutMs?: number;
  /** Bytes of stdout and of stderr that are kept, each. Default 4 MiB. */
  readonly maxBytes?: number;
  /** It runs as fast as the services of the host do. Default: below them, as what only looks should. */
  readonly isUrgent?: boolean;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code, or -1 when it died by a signal. */
  readonly code: number;
  /** More output came than was kept. */
  readonly truncated: boolean;
}

export interface ReadOptions {
  /** Byte offset; negative counts from the end. Default 0. With `gunzip` it counts decompressed bytes. */
  readonly offset?: number;
  /** Most bytes to return. Default 1 MiB. */
  readonly limit?: number;
  /** Decompress gzip while reading, bounded by `limit`; a cut archive gives what was readable. */
  readonly gunzip?: boolean;
}

export interface ReadResult {
  readonly bytes: Uint8Array;
  /** The file's size when it was opened (0 for /proc files). */
  readonly size: number;
  /** True when `bytes` reach the end of the file. */
  readonly atEnd: boolean;
}

export interface StatResult {
  readonly kind: 'file' | 'directory' | 'socket' | 'fifo' | 'device' | 'link' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  /** For a link: what it says, and the final path (absent when it dangles). */
  readonly target?: string;
  readonly realPath?: string;
}

/** The processes that hold each of the sockets asked for. */
export interface SocketOwners {
  readonly owners: readonly SocketOwner[];
  /** False where a process has so many open files that only the first of them were looked at. */
  readonly isWhole: boolean;
}

/** A socket and the processes that hold it, the lowest pid first. */
export interface SocketOwner {
  readonly inode: number;
  readonly pids: readonly number[];
}

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'udp'; readonly host: string; readonly port: number };

export interface ConnectOptions {
  /** Default 3000. */
  readonly timeoutMs?: number;
}

export type ConnectResult =
  | { readonly state: 'connected'; readonly stream: ByteStream; readonly connectMs: number }
  | { readonly state: 'failed'; readonly code: string; readonly connectMs: number }
  | { readonly state: 'timeout'; readonly connectMs: number };

/** A connected stream. No method throws. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** The next chunk, `undefined` at its end, or why it ended badly. Resolves within `timeoutMs`. */
  read(timeoutMs: number): Promise<ChunkResult>;
  close(): void;
  /** Closes so that the peer drops the connection even where it missed a part of what was sent. */
  reset?(): void;
}

export type ChunkResult =
  | { readonly state: 'data'; readonly bytes: Uint8Array }
  | { readonly state: 'end' }
  | { readonly state: 'error'; readonly code: string }
  | { readonly state: 'timeout' };

/** `tcp 127.0.0.1:8080` as people write it: `127.0.0.1:8080`, `[::1]:80`, `unix:/run/x.sock`. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The path of a unix socket under its shorter name: /var/run is a link to /run on every system with systemd. */
export function runPath(path: string): string {
  return path.startsWith('/var/run/') ? path.slice('/var'.length) : path;
}

/** Whether a socket that is bound to one host takes connections to another: to all of them where it is bound to none. */
export function takesConnectionsTo(bound: string, host: string): boolean {
  return bound === host || bound === '0.0.0.0' || bound === '::' || bound === '*';
}
