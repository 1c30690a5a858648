import { BadhopError } from '../core/model/error.ts';

/** How the streams of this process want to be written to. */
export interface OutputLook {
  readonly width: number;
  readonly colour: boolean;
  readonly unicode: boolean;
}

interface StreamFacts {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

// Where something still holds the process open, this long after the report is out, it is let go.
const lingerMs = 250;
let isPipeClosed = false;

/** Colour, width and character set for a stream: `--no-color` and `--width` first, then the environment, then the terminal. */
export function chooseLook(stream: StreamFacts, env: NodeJS.ProcessEnv, asked: { readonly color: boolean; readonly width?: number | undefined }): OutputLook {
  // A terminal that does not know its size says 0.
  const width = [asked.width, stream.columns, Number(env['COLUMNS'])].find(columns => columns !== undefined && Number.isInteger(columns) && columns > 0) ?? 80;
  return { width, colour: asked.color && wantsColour(stream, env), unicode: speaksUnicode(env) };
}

function wantsColour(stream: StreamFacts, env: NodeJS.ProcessEnv): boolean {
  // https://no-color.org: present and not empty.
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** By the locale, as POSIX orders its variables. No locale at all is no promise of UTF-8, except where every terminal has it. */
function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'dumb') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(value => value !== undefined && value !== '');
  if (locale === undefined) return process.platform === 'darwin' || process.platform === 'win32';
  return /utf-?8/i.test(locale);
}

/** Writes to stdout and resolves when all of it is handed to the system, or nobody reads it any more. Rejects when it cannot be stored. */
export function writeOut(text: string): Promise<void> {
  if (isPipeClosed) return Promise.resolve();
  return new Promise((resolve, reject) => {
    process.stdout.write(text, error => {
      if (error && !isClosedPipe(error)) reject(new BadhopError('output-unwritable', `stdout: ${error.message}`, { cause: error }));
      else resolve();
    });
  });
}

/** Nobody reads the output any more: what goes on for ever has to end. */
export function isOutputClosed(): boolean {
  return isPipeClosed;
}

/** `badhop | head` ends when head does, without a word. */
export function quietOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      // Whoever writes is told by the callback; without a listener here the process would die of it.
      isPipeClosed = true;
    });
  }
}

function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'EIO';
}

/** Ends the process soon, even where a handle is left open. Call when all output is written. */
export function releaseProcess(): void {
  setTimeout(() => endProcess(), lingerMs).unref();
}

/** Ends the process now, with `process.exitCode` or else by the signal. What runs on its behalf is ended by the listeners of its `exit`. */
export function endProcess(signal: NodeJS.Signals = 'SIGKILL'): void {
  const isThreadStuck = process.getActiveResourcesInfo().some(name => /^(?:FSReq|GetAddrInfo|GetNameInfo)/.test(name));
  if (!isThreadStuck) process.exit();
  // exit() waits for the threads that work on files, and one that waits for a dead file server never ends.
  // Replacing the process ends them all and keeps the exit code; Node.js before 22.15 can only be killed.
  const code = Number(process.exitCode ?? 0);
  process.emit('exit', code);
  if (typeof process.execve === 'function') process.execve('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  process.kill(process.pid, signal);
}
