/** Inputs that come as they come: standard input, a fifo, the journal. None of them blocks the event loop while nothing comes. */
import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { told } from './told.ts';

export interface LogStream {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends it at once. */
  close(): void;
  /** Known once it has ended. */
  problem(): string | undefined;
}

export function stdinStream(stdin: AsyncIterable<Uint8Array> | undefined): LogStream {
  if (stdin !== undefined) return { chunks: stdin, close: () => undefined, problem: () => undefined };
  const { stdin: own } = process;
  return { chunks: own as AsyncIterable<Uint8Array>, close: () => void own.destroy(), problem: () => undefined };
}

/** Throws where it cannot be opened. Waits for a writer without a thread that hangs in `open`. */
export function fifoStream(path: string): LogStream {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw new Error('it is no longer a fifo');
  }
  const socket = new Socket({ fd, readable: true, writable: false });
  return { chunks: socket as AsyncIterable<Uint8Array>, close: () => void socket.destroy(), problem: () => undefined };
}

/** Every line has its time, the host and the program before its message, as syslog writes it with ISO times. */
export function journalArguments(unit: string, sinceMs: number, untilMs: number, follow: 'no' | 'all' | 'new' = 'no'): readonly string[] {
  return [
    'journalctl',
    '--no-pager',
    '--quiet',
    '--all',
    '--output=short-iso',
    `--unit=${unit}`,
    ...(Number.isFinite(sinceMs) ? [`--since=@${Math.floor(sinceMs / 1000)}`] : []),
    ...(Number.isFinite(untilMs) ? [`--until=@${Math.ceil(untilMs / 1000)}`] : []),
    ...(follow === 'no' ? [] : ['--follow', follow === 'all' ? '--no-tail' : '--lines=0']),
  ];
}

export function journalStream(argv: readonly string[]): LogStream {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  let problem: string | undefined;
  let errors = '';
  let bytes = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    if (errors.length < 2000) errors += chunk.toString('utf8');
  });
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      problem = 'code' in error && error.code === 'ENOENT' ? `${program} is not there` : told(error);
      child.stdout.destroy();
      resolve();
    });
    child.once('close', code => {
      if (code === 0 && bytes === 0) problem ??= emptyJournal();
      if (code !== 0 && code !== null) problem ??= `${program} ended with ${code}: ${errors.trim() === '' ? 'it did not say why' : errors.trim()}`;
      resolve();
    });
  });
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch {
      // Its end says why.
    }
    await ended;
  };
  return { chunks: chunks(), close: () => void child.kill('SIGTERM'), problem: () => problem };
}

/** Whoever may not read the journal is shown nothing, and not told so. */
function emptyJournal(): string {
  const rights = process.getuid?.() === 0 ? '' : ', or this user may not see it: only root and the groups systemd-journal and adm see all of it';
  return `the journal holds no entry of that name and time${rights}`;
}
