import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { absent, denied, known, timedOut, unparsable, type Known } from '../../core/model/fact.ts';
import type { ExecOptions, ExecResult } from '../../core/model/host.ts';
import { errorCode } from './file-errors.ts';

const defaultTimeoutMs = 5000;
const defaultMaxBytes = 4 * 1024 * 1024;
// A program that writes so much more than is kept is stopped: it may never end, and what is thrown away costs memory too.
const drainBytes = 4 * 1024 * 1024;
// Of its own busy time badhop gives a program back at most this share of its limit.
const busyShare = 0.5;
// Time for the pipes to close behind a program that has ended but left a child that holds them.
const closeGraceMs = 200;
const extraPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const running = new Set<ChildProcess>();
let isExitWatched = false;

/** Runs a program by its argv, in a process group of its own, at low priority, with no input and a C locale. */
export function execLocal(argv: readonly string[], options: ExecOptions = {}): Promise<Known<ExecResult>> {
  const [program, ...args] = argv;
  if (program === undefined || program === '') return Promise.resolve(absent('no program was named'));
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  let child: ChildProcess;
  try {
    const env = environment();
    if (!isThere(program, env.PATH)) return Promise.resolve(couldNotStart(program, { code: 'ENOENT' }));
    child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env, cwd: '/', windowsHide: true });
  } catch (error) {
    return Promise.resolve(couldNotStart(program, error));
  }
  setPriorityOf(child, options.isUrgent === true ? constants.priority.PRIORITY_NORMAL : constants.priority.PRIORITY_LOW);
  killWithUs(child);

  return new Promise(resolve => {
    const stdout = new Kept(maxBytes);
    const stderr = new Kept(maxBytes);
    let grace: NodeJS.Timeout | undefined;
    const finish = (result: Known<ExecResult>): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      running.delete(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(result);
    };
    const startedMs = performance.now();
    const busyBefore = performance.eventLoopUtilization();
    const expire = (): void => {
      // While this thread was busy the program's answer lay unread, and the program may have waited for that.
      const busyMs = Math.min(performance.eventLoopUtilization(busyBefore).active, timeoutMs * busyShare);
      const leftMs = startedMs + timeoutMs + busyMs - performance.now();
      if (leftMs > 1) {
        timer = setTimeout(expire, leftMs);
        return;
      }
      killGroup(child);
      finish(timedOut(`${program} did not end within ${timeoutMs / 1000} s`));
    };
    let timer = setTimeout(expire, timeoutMs);
    const take = (kept: Kept, chunk: Buffer): void => {
      kept.push(chunk);
      if (kept.seen > maxBytes + drainBytes) killGroup(child);
    };
    child.stdout?.on('data', (chunk: Buffer) => take(stdout, chunk));
    child.stderr?.on('data', (chunk: Buffer) => take(stderr, chunk));
    child.stdout?.on('error', () => undefined);
    child.stderr?.on('error', () => undefined);
    child.on('error', error => finish(couldNotStart(program, error)));
    const ended = (code: number | null): void =>
      finish(known({ stdout: stdout.text(), stderr: stderr.text(), code: code ?? -1, truncated: stdout.isOver || stderr.isOver }));
    child.on('exit', code => {
      grace = setTimeout(() => {
        killGroup(child);
        ended(code);
      }, closeGraceMs);
    });
    child.on('close', code => ended(code));
  });
}

/** The first bytes of a stream, and how many there were. Copied together: a program that writes byte by byte costs a chunk each. */
class Kept {
  seen = 0;
  private bytes = Buffer.alloc(0);
  private length = 0;
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get isOver(): boolean {
    return this.seen > this.maxBytes;
  }

  push(chunk: Buffer): void {
    this.seen += chunk.length;
    const taken = Math.min(chunk.length, this.maxBytes - this.length);
    if (taken <= 0) return;
    if (this.length + taken > this.bytes.length) {
      const room = Math.min(this.maxBytes, Math.max(4096, this.bytes.length * 2, this.length + taken));
      const larger = Buffer.allocUnsafeSlow(room);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.length, 0, taken);
    this.length += taken;
  }

  text(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }
}

/** Whether a name leads to a file at all. To find that out by starting it costs a fork, which with a large heap takes many milliseconds. */
function isThere(program: string, path: string): boolean {
  return /[/\0]/.test(program) || path.split(':').some(folder => existsSync(`${folder}/${program}`));
}

let made: (NodeJS.ProcessEnv & { readonly PATH: string }) | undefined;

/** Made once: to read all of its own environment takes Node a millisecond. */
function environment(): NodeJS.ProcessEnv & { readonly PATH: string } {
  if (made !== undefined) return made;
  // The tools shall print the host's own zone, and no colours or pages.
  const { TZ: _zone, PATH: path = '', ...rest } = process.env;
  const folders = [...path.split(':'), ...extraPath].filter(folder => folder.startsWith('/'));
  made = {
    ...rest,
    PATH: [...new Set(folders)].join(':'),
    LC_ALL: 'C',
    LANG: 'C',
    PAGER: 'cat',
    SYSTEMD_PAGER: '',
    SYSTEMD_COLORS: '0',
    TERM: 'dumb',
    NO_COLOR: '1',
  };
  return made;
}

function couldNotStart(program: string, error: unknown): Known<ExecResult> {
  const code = errorCode(error);
  if (code === 'ENOENT') return absent(`${program} is not installed`, `Install ${program}.`);
  if (code === 'EACCES' || code === 'EPERM') return denied(`${program} may not be run by this user`, `Run as root to use ${program}.`);
  return unparsable(`${program} could not be started: ${code}`);
}

function setPriorityOf(child: ChildProcess, priority: number): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, priority);
  } catch {
    // It has ended already, or the system forbids it; nothing depends on it.
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone.
  }
}

/** A child in its own group would outlive a badhop that exits. */
function killWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  running.add(child);
  if (isExitWatched) return;
  isExitWatched = true;
  process.on('exit', () => {
    for (const left of running) killGroup(left);
  });
}
