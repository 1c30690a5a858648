import type { Request } from '../model/collector.ts';
import { valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import { takesConnectionsTo, type Address } from '../model/host.ts';
import type { ExecResult, ReadResult } from '../model/host.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import type { UnixSocket } from '../parsers/proc-net-unix.ts';
import { parseSsServer, parseSsUnixUnread } from '../parsers/ss-server.ts';
import type { ServerSocket } from '../parsers/ss-server.ts';
import { outputOf, textOf } from './shared/answers.ts';

/** The sockets of all services at one moment. */
export interface Sample {
  readonly tcp: readonly ServerSocket[];
  readonly unix: readonly UnixSocket[];
  /** Accepted connections by socket path whose bytes nobody has read; asked only for servers with threads. */
  readonly unixUnread: ReadonlyMap<string, number>;
  readonly tcpKnown: boolean;
  readonly unixKnown: boolean;
}

/** What one service does at one moment. */
export interface ServiceMoment {
  /** Connections that wait in its accept queues. */
  readonly queue: number;
  /** Connections that it has accepted and holds. */
  readonly held: number;
  /** Of the held ones, those with a request that is not answered yet; `undefined` where that cannot be seen. */
  readonly inFlight: number | undefined;
  /** Held ones whose bytes nobody has read. */
  readonly unread: number;
  /** Inodes of the held ones: one that is gone later was finished. */
  readonly inodes: ReadonlySet<number>;
}

const maxPorts = 100;
const netLimit = { limit: 16_777_216 } as const;

/** What to ask for one sample. The order is that of `readSample`. */
export function sampleRequests(services: readonly Service[]): readonly Request[] {
  const ports = portsOf(services);
  const filter = ports.flatMap((port, index) => [...(index === 0 ? [] : ['or']), 'sport', '=', `:${port}`]);
  const tcp: Request =
    ports.length === 0
      ? { kind: 'pause', ms: 0 }
      : {
          kind: 'exec',
          argv: ['ss', '-Htnei', 'state', 'listening', 'state', 'established', 'state', 'close-wait', '(', ...filter, ')'],
          options: { timeoutMs: 2000 },
        };
  const unix: Request = hasUnix(services) ? { kind: 'read', path: '/proc/net/unix', options: netLimit } : { kind: 'pause', ms: 0 };
  const unread: Request = services.some(isThreadedUnix)
    ? { kind: 'exec', argv: ['ss', '-Hxn', 'state', 'established'], options: { timeoutMs: 2000 } }
    : { kind: 'pause', ms: 0 };
  return [tcp, unix, unread];
}

/** A server with threads accepts more connections than it has threads: what it has not read waits for one. */
function isThreadedUnix(service: Service): boolean {
  return service.manager === 'threads' && service.listening.some(address => address.kind === 'unix');
}

/** Asked in addition where ss does not work. */
export const fallbackRequests: readonly Request[] = [
  { kind: 'read', path: '/proc/net/tcp', options: netLimit },
  { kind: 'read', path: '/proc/net/tcp6', options: netLimit },
];

/** The answers to `sampleRequests` as a sample. */
export function readSample(answers: readonly Known<unknown>[], services: readonly Service[]): Sample {
  const ss = portsOf(services).length === 0 ? undefined : outputOf(answers[0] as Known<ExecResult>, 'ss');
  const unix = hasUnix(services) ? textOf(answers[1] as Known<ReadResult>) : undefined;
  return {
    tcp: ss?.state === 'known' ? parseSsServer(ss.value) : [],
    unix: unix === undefined ? [] : parseProcNetUnix(unix),
    unixUnread: services.some(isThreadedUnix) ? parseSsUnixUnread(valueOr(outputOf(answers[2] as Known<ExecResult>, 'ss'), '')) : new Map(),
    tcpKnown: ss === undefined || ss.state === 'known',
    unixKnown: !hasUnix(services) || unix !== undefined,
  };
}

/** The same from /proc/net/tcp and tcp6: without the times of the last data. */
export function readFallback(answers: readonly Known<unknown>[]): readonly ServerSocket[] {
  const sockets: ServerSocket[] = [];
  for (const answer of answers) {
    scanProcNetTcp(textOf(answer as Known<ReadResult>) ?? '', socket => {
      const { state } = socket;
      if (state !== 'LISTEN' && state !== 'ESTAB' && state !== 'CLOSE-WAIT') return;
      sockets.push({ state, host: socket.localHost, port: socket.localPort, recvQueue: socket.rxQueue, inode: socket.inode, bytesSent: 0, bytesReceived: 0 });
    });
  }
  return sockets;
}

/** What a service does in a sample. */
export function momentOf(service: Service, sample: Sample): ServiceMoment {
  let queue = 0;
  let held = 0;
  let unread = 0;
  let inFlight: number | undefined = 0;
  const inodes = new Set<number>();
  const byPort = socketsByPort(sample);
  for (const address of service.listening) {
    if (address.kind === 'unix') {
      unread += sample.unixUnread.get(address.path) ?? 0;
      for (const socket of sample.unix) {
        if (socket.path !== address.path || socket.state === 'listening') continue;
        // A connection that nobody has accepted belongs to no file yet and has no inode.
        if (socket.inode === 0) queue += 1;
        else if (socket.state === 'connected') {
          held += 1;
          inodes.add(socket.inode);
          inFlight = undefined;
        }
      }
      continue;
    }
    if (address.kind !== 'tcp') continue;
    for (const socket of byPort.get(address.port) ?? []) {
      if (!isAt(socket, address)) continue;
      if (socket.state === 'LISTEN') queue += socket.recvQueue;
      else if (socket.inode !== 0) {
        held += 1;
        inodes.add(socket.inode);
        if (socket.recvQueue > 0) unread += 1;
        const open: boolean | undefined = isInFlight(socket);
        inFlight = open === undefined || inFlight === undefined ? undefined : inFlight + (open ? 1 : 0);
      }
    }
  }
  return { queue, held, unread, inFlight, inodes };
}

const grouped = new WeakMap<Sample, ReadonlyMap<number, readonly ServerSocket[]>>();

/** Made once for each sample: a service may listen on hundreds of ports. */
function socketsByPort(sample: Sample): ReadonlyMap<number, readonly ServerSocket[]> {
  const made = grouped.get(sample);
  if (made !== undefined) return made;
  const byPort = new Map<number, ServerSocket[]>();
  for (const socket of sample.tcp) {
    const same = byPort.get(socket.port);
    if (same === undefined) byPort.set(socket.port, [socket]);
    else same.push(socket);
  }
  grouped.set(sample, byPort);
  return byPort;
}

/** A request came in and nothing has gone out since. An idle connection has sent last. */
function isInFlight(socket: ServerSocket): boolean | undefined {
  if (socket.recvQueue > 0) return true;
  if (socket.lastReceivedMs === undefined || socket.lastSentMs === undefined) return undefined;
  if (socket.bytesReceived === 0) return false;
  return socket.bytesSent === 0 || socket.lastReceivedMs < socket.lastSentMs;
}

function isAt(socket: ServerSocket, address: Address): boolean {
  return address.kind === 'tcp' && socket.port === address.port && takesConnectionsTo(address.host, socket.host);
}

function portsOf(services: readonly Service[]): readonly number[] {
  const ports = services.flatMap(service => service.listening.flatMap(address => (address.kind === 'tcp' ? [address.port] : [])));
  return [...new Set(ports)].slice(0, maxPorts);
}

function hasUnix(services: readonly Service[]): boolean {
  return services.some(service => service.listening.some(address => address.kind === 'unix'));
}
