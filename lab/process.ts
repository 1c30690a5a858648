import { spawn, spawnSync } from 'node:child_process';

export interface Outcome {
  /** The exit code; -1 where a signal ended the process or it could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly input?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  /** Ends the process early; what it has printed until then is still returned. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end. Never throws: a failure is an outcome. After the time limit the whole process group is killed. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = argv;
  return new Promise(resolve => {
    // A group of its own: nsenter forks, and a kill of nsenter alone would leave its child running.
    const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd, ...(options.env && { env: options.env }) });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const signalGroup = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // The group has ended by itself.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      signalGroup('SIGKILL');
    }, options.timeoutMs ?? 60_000);
    const onAbort = (): void => signalGroup('SIGTERM');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    const finish = (code: number, note = ''): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      resolve({ code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') + note, timedOut });
    };
    child.on('error', error => finish(-1, error.message));
    child.on('close', code => finish(code ?? -1));
    child.stdin.end(options.input ?? '');
  });
}

/** The same, blocking: for clean-up in exit handlers, where nothing asynchronous runs any more. */
export function runSync(argv: readonly string[], timeoutMs = 5000): number {
  const [program = '', ...args] = argv;
  return spawnSync(program, args, { stdio: 'ignore', timeout: timeoutMs }).status ?? -1;
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}

export function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
