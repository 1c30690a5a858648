import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { scanBackendLog, toRawLines } from './backend-log.ts';
import { findLimitError } from './limit-error.ts';

it.each([
  ["OSError: [Errno 24] Too many open files: '/etc/hostname'", 'too-many-open-files'],
  ["[Error: EMFILE: too many open files, open '/etc/hostname'] {", 'too-many-open-files'],
  ['java.net.SocketException: Too many open files (Accept failed)', 'too-many-open-files'],
  ["RuntimeError: can't start new thread", 'fork-failed'],
  ['BlockingIOError: [Errno 11] Resource temporarily unavailable', 'fork-failed'],
  ['ERROR: fork() failed: Resource temporarily unavailable (11)', 'fork-failed'],
  ['Exception in thread "main" java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory', 'fork-failed'],
  ['Error: spawn /usr/bin/convert EAGAIN', 'fork-failed'],
  ['Too many open files in system', undefined],
  ["    at open (EMFILE: too many open files, open '/x')", undefined],
  ['connect() to unix:/run/x.sock failed (11: Resource temporarily unavailable)', undefined],
  ['GET /files 200', undefined],
])('%s', (line, kind) => {
  expect(findLimitError(line)).toBe(kind);
});

it('is one event at the end of a traceback, and one of php-fpm', () => {
  const scan = (text: string, service: 'gunicorn' | 'php-fpm') =>
    scanBackendLog(toRawLines(text, '/var/log/x.log', 1), { service, offsetMinutes: 0, nowMs: 9, fallbackMs: 9 });
  // gunicorn 20.1.0 with a limit of 24 files.
  const traceback = `[2026-11-21 09:21:22 +0000] [7822] [ERROR] Socket error processing request.
Traceback (most recent call last):
  File "/tmp/cap/g.py", line 5, in app
OSError: [Errno 24] Too many open files: '/etc/hostname'`;
  expect(scan(traceback, 'gunicorn')).toMatchObject([{ kind: 'too-many-open-files', timeMs: Date.UTC(2026, 10, 21, 9, 21, 22) }]);
  expect(scan('[21-Nov-2026 09:21:22] ERROR: fork() failed: Resource temporarily unavailable (11)', 'php-fpm')).toMatchObject([{ kind: 'fork-failed' }]);
});

it('reads any text', () => {
  fc.assert(fc.property(fc.string(), text => ['too-many-open-files', 'fork-failed', undefined].includes(findLimitError(text))));
});
