import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect as connectTo, isIP, type Socket } from 'node:net';
import type { Address, ByteStream, ChunkResult, ConnectOptions, ConnectResult } from '../../core/model/host.ts';
import { errorCode } from './file-errors.ts';

const defaultTimeoutMs = 3000;
// A peer that sends without end is held back from here on; the reader takes what it wants and closes.
const maxWaitingBytes = 256 * 1024;
// sun_path of Linux with its closing NUL.
const maxUnixPath = 107;

/** Connects from this machine. Never throws, never waits longer than the time limit. */
export function connectLocal(address: Address, options: ConnectOptions = {}): Promise<ConnectResult> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  if (address.kind === 'unix' && Buffer.byteLength(address.path) > maxUnixPath) {
    return Promise.resolve({ state: 'failed', code: 'ENAMETOOLONG', connectMs: 0 });
  }
  if (address.kind !== 'unix' && !(Number.isInteger(address.port) && address.port > 0 && address.port < 65_536)) {
    return Promise.resolve({ state: 'failed', code: 'EINVAL', connectMs: 0 });
  }
  const startedMs = performance.now();
  return address.kind === 'udp' ? openUdp(address.host, address.port, timeoutMs, startedMs) : openStream(address, timeoutMs, startedMs);
}

function openStream(address: Exclude<Address, { kind: 'udp' }>, timeoutMs: number, startedMs: number): Promise<ConnectResult> {
  return new Promise(resolve => {
    const passed = (): number => performance.now() - startedMs;
    let socket: Socket;
    try {
      // An abstract name is written `@name` in ss and in configurations.
      socket = address.kind === 'unix' ? connectTo(address.path.replace(/^@/, '\0')) : connectTo({ host: address.host, port: address.port });
    } catch (error) {
      resolve({ state: 'failed', code: errorCode(error), connectMs: passed() });
      return;
    }
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ state: 'timeout', connectMs: passed() });
    }, timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      const connectMs = passed();
      socket.setNoDelay(true);
      resolve({ state: 'connected', stream: socketStream(socket), connectMs });
    });
    socket.on('error', error => {
      clearTimeout(timer);
      resolve({ state: 'failed', code: firstCode(error), connectMs: passed() });
    });
  });
}

/** Of a name with several addresses Node gives one error for all; the last address' own error says most. */
function firstCode(error: unknown): string {
  if (error instanceof AggregateError) {
    const last: unknown = error.errors.at(-1);
    return errorCode(last) === 'UNKNOWN' ? errorCode(error) : errorCode(last);
  }
  return errorCode(error);
}

/** What came and was not read yet, and who waits for it. */
class Inbox {
  private readonly chunks: Uint8Array[] = [];
  private final: ChunkResult | undefined;
  private wake: (() => void) | undefined;
  waitingBytes = 0;

  push(bytes: Uint8Array): void {
    if (this.final !== undefined) return;
    this.chunks.push(bytes);
    this.waitingBytes += bytes.length;
    this.wake?.();
  }

  finish(result: ChunkResult): void {
    this.final ??= result;
    this.wake?.();
  }

  async read(timeoutMs: number): Promise<ChunkResult> {
    const ready = this.take();
    if (ready !== undefined) return ready;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, Math.max(0, timeoutMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
    return this.take() ?? { state: 'timeout' };
  }

  private take(): ChunkResult | undefined {
    const bytes = this.chunks.shift();
    if (bytes === undefined) return this.final;
    this.waitingBytes -= bytes.length;
    return { state: 'data', bytes };
  }
}

function socketStream(socket: Socket): ByteStream {
  const inbox = new Inbox();
  socket.on('data', chunk => {
    inbox.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    if (inbox.waitingBytes > maxWaitingBytes) socket.pause();
  });
  socket.on('end', () => inbox.finish({ state: 'end' }));
  socket.on('error', error => inbox.finish({ state: 'error', code: errorCode(error) }));
  socket.on('close', () => inbox.finish({ state: 'end' }));
  return {
    write: bytes => {
      if (!socket.destroyed && socket.writable) socket.write(bytes);
    },
    read: async timeoutMs => {
      if (inbox.waitingBytes < maxWaitingBytes && socket.isPaused()) socket.resume();
      return inbox.read(timeoutMs);
    },
    close: () => {
      socket.destroy();
      inbox.finish({ state: 'end' });
    },
    reset: () => {
      socket.resetAndDestroy();
      inbox.finish({ state: 'end' });
    },
  };
}

/** A connected UDP socket, so that the kernel reports a refusal; each datagram is one chunk. */
function openUdp(host: string, port: number, timeoutMs: number, startedMs: number): Promise<ConnectResult> {
  return new Promise(resolve => {
    const passed = (): number => performance.now() - startedMs;
    const inbox = new Inbox();
    const socket: UdpSocket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    const close = (): void => {
      try {
        socket.close();
      } catch {
        // It was closed by its own error.
      }
      inbox.finish({ state: 'end' });
    };
    const timer = setTimeout(() => {
      close();
      resolve({ state: 'timeout', connectMs: passed() });
    }, timeoutMs);
    socket.on('error', error => {
      clearTimeout(timer);
      inbox.finish({ state: 'error', code: errorCode(error) });
      resolve({ state: 'failed', code: errorCode(error), connectMs: passed() });
    });
    socket.on('message', message => inbox.push(message));
    socket.on('connect', () => {
      clearTimeout(timer);
      resolve({
        state: 'connected',
        connectMs: passed(),
        stream: {
          write: bytes => {
            socket.send(bytes, error => {
              if (error !== null) inbox.finish({ state: 'error', code: errorCode(error) });
            });
          },
          read: limitMs => inbox.read(limitMs),
          close,
        },
      });
    });
    try {
      socket.connect(port, host);
    } catch (error) {
      clearTimeout(timer);
      close();
      resolve({ state: 'failed', code: errorCode(error), connectMs: passed() });
    }
  });
}
