/**
 * gunicorn's error log after its time: `[pid] [LEVEL] text`. Source: gunicorn 20.1.0 arbiter.py, workers/base.py,
 * sock.py, captured; the wording of `was sent SIGKILL` is from gunicorn 21.2's arbiter.py. Samples:
 *
 *   [18166] [CRITICAL] WORKER TIMEOUT (pid:18212)
 *   [18166] [WARNING] Worker with pid 18214 was terminated due to signal 9
 *   [18462] [INFO] Reason: Worker failed to boot.
 *   [13279] [INFO] Autorestarting worker after current request.     and once it is gone:  [13279] [INFO] Worker exiting (pid: 13279)
 */
import { backendLine, numberAfter, textBetween } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';
import { findAddress } from './dependency-error.ts';

const signals: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** What one line says. `text` is without its time; the `[pid] [LEVEL] ` prefix may be missing (a logging config of one's own). */
export function parseGunicornLine(text: string): BackendLine | undefined {
  const prefix = /^\[(\d{1,10})\] \[[A-Z]{4,8}\] /.exec(text);
  const by = prefix === null ? undefined : Number(prefix[1]);
  const message = prefix === null ? text : text.slice(prefix[0].length);
  if (message.startsWith('WORKER TIMEOUT (pid:')) return backendLine('request-killed', { pid: numberAfter(message, '(pid:') });
  if (message.startsWith('Worker with pid ') && message.includes(' was terminated due to signal ')) {
    return backendLine('worker-signal', { pid: numberAfter(message, 'with pid '), signal: numberAfter(message, 'due to signal ') });
  }
  if (message.startsWith('Worker (pid:') && message.includes(' was sent ')) {
    const name = textBetween(`${message}!`, ' was sent ', '!') ?? '';
    return backendLine('worker-signal', { pid: numberAfter(message, '(pid:'), signal: signals[name.trim()] });
  }
  if (message.startsWith('Worker (pid:') && message.includes(' exited with code ')) return backendLine('worker-exit', { pid: numberAfter(message, '(pid:') });
  if (message.startsWith('Autorestarting worker after current request')) return backendLine('worker-recycled', { pid: by });
  if (message.startsWith('Worker exiting (pid: ')) return backendLine('gone', { pid: numberAfter(message, '(pid: ') });
  if (message.startsWith('Connection in use: ')) return backendLine('address-in-use', { address: findAddress(message), pid: by });
  if (message.startsWith('Starting gunicorn ')) return backendLine('started', { pid: by });
  if (message.startsWith('Shutting down: Master')) return backendLine('stopped', { pid: by });
  if (
    message.startsWith('Exception in worker process') ||
    message.startsWith('Reason: ') ||
    message.startsWith("Can't connect to (") ||
    message.startsWith('App failed to load')
  ) {
    return backendLine('boot-failed', { pid: by });
  }
  if (message.startsWith('Error handling request ')) return backendLine('app-error', { pid: by, uri: message.slice(23, 535).trim() });
  if (message.startsWith('Invalid request from ') || message.startsWith('Socket error processing request')) return undefined;
  return undefined;
}
