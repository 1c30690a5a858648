import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceKind } from '../model/facts/backend.ts';
import { scanBackendLog, toRawLines } from './backend-log.ts';
import type { ScannedEvent } from './backend-log.ts';

const folder = new URL('backend-lines.fixtures/', import.meta.url);
const nowMs = Date.UTC(2026, 10, 21, 8);

function scan(text: string, service: ServiceKind): ScannedEvent[] {
  return scanBackendLog(toRawLines(text, '/var/log/x.log', 1), { service, offsetMinutes: 0, nowMs, fallbackMs: nowMs });
}

function scanFile(name: string, service: ServiceKind): ScannedEvent[] {
  return scan(readFileSync(new URL(name, folder), 'utf8'), service);
}

function tally(events: readonly ScannedEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) counts[event.kind] = (counts[event.kind] ?? 0) + 1;
  return counts;
}

describe('php-fpm 8.2', () => {
  const events = scanFile('php-fpm-8.2.txt', 'php-fpm');

  it('reads every telling line and no other', () => {
    expect(tally(events)).toEqual({
      started: 1,
      'slow-request': 5,
      'pool-full': 1,
      'request-killed': 3,
      'worker-signal': 5,
      'app-error': 1,
      stopped: 1,
      'address-in-use': 1,
      'boot-failed': 1,
    });
  });

  it('knows pool, child, address and duration of a killed request', () => {
    expect(events.find(event => event.kind === 'request-killed')).toMatchObject({
      pool: 'unix',
      pid: 15294,
      uri: '/slow.php?s=10',
      seconds: 4.002761,
      timeMs: Date.UTC(2026, 10, 21, 7, 29, 59),
    });
  });

  it('knows the signals', () => {
    expect(events.filter(event => event.kind === 'worker-signal').map(event => event.signal)).toEqual([15, 15, 15, 11, 9]);
  });

  it('names the address that is taken', () => {
    expect(events.find(event => event.kind === 'address-in-use')?.address).toBe('127.0.0.1:9700');
  });

  it('does not take what a script prints for a line of its own', () => {
    const forged =
      '[21-Nov-2026 07:30:01] WARNING: [pool www] child 9 said into stderr: "WARNING: [pool www] server reached pm.max_children setting (5), consider raising it"';
    expect(scan(forged, 'php-fpm')).toEqual([]);
  });

  it('does not take a requested URL for a message', () => {
    const forged = `[21-Nov-2026 07:30:01] WARNING: [pool www] child 9, script '/a.php' (request: "GET /a.php?x= execution timed out (9 sec)") executing too slow (1.2 sec), logging`;
    expect(scan(forged, 'php-fpm')[0]).toMatchObject({ kind: 'slow-request', seconds: 1.2 });
  });
});

describe('gunicorn 20.1', () => {
  const events = scanFile('gunicorn-20.1.txt', 'gunicorn');

  it('reads every telling line', () => {
    expect(tally(events)).toEqual({
      started: 4,
      'request-killed': 1,
      'worker-signal': 2,
      'app-error': 3,
      'dependency-error': 1,
      stopped: 3,
      'boot-failed': 4,
      'address-in-use': 1,
      'worker-recycled': 1,
    });
  });

  it('knows which worker timed out, and when', () => {
    expect(events.find(event => event.kind === 'request-killed')).toMatchObject({ pid: 18212, timeMs: Date.UTC(2026, 10, 21, 7, 31, 32) });
  });

  it('reads the newer wording of a killed worker', () => {
    const line = '[2026-11-21 07:31:32 +0000] [7] [ERROR] Worker (pid:12) was sent SIGKILL! Perhaps out of memory?';
    expect(scan(line, 'gunicorn')).toEqual([
      { kind: 'worker-signal', timeMs: Date.UTC(2026, 10, 21, 7, 31, 32), text: line, source: 'file:/var/log/x.log:1', pid: 12, signal: 9 },
    ]);
  });

  it('quotes the last line of a traceback', () => {
    expect(events.filter(event => event.kind === 'app-error').map(event => event.text)).toContain('ValueError: boom at checkout');
  });
});

describe('uWSGI 2.0', () => {
  const events = scanFile('uwsgi-2.0.21.txt', 'uwsgi');

  it('knows a crash by the line above its stack', () => {
    const lines =
      '!!! uWSGI process 150 got Segmentation Fault !!!\n*** backtrace of 150 ***\n/usr/bin/uwsgi(uwsgi_backtrace+0x2f) [0x562e433c84df]\nDAMN ! worker 1 (pid: 150) died :( trying respawn ...\n';
    expect(scan(lines, 'uwsgi')).toMatchObject([
      { kind: 'worker-signal', signal: 11, pid: 150 },
      { kind: 'worker-exit', pid: 150 },
    ]);
  });

  it('joins a harakiri with its request', () => {
    expect(events.find(event => event.kind === 'request-killed')).toMatchObject({ uri: '/slow?5', seconds: 3 });
  });

  it('reads full queues, skipped packets, killed and ended workers', () => {
    const counts = tally(events);
    expect(counts['listen-queue-full']).toBe(6);
    expect(counts['request-too-big']).toBe(2);
    expect(counts['worker-exit']).toBe(1);
    expect(counts['started']).toBe(4);
    expect(events.find(event => event.kind === 'address-in-use')?.address).toBe('127.0.0.1:9700');
  });
});

describe('runtimes', () => {
  it('reads Node', () => {
    const events = scanFile('node-20.20.txt', 'node');
    expect(tally(events)).toEqual({ 'dependency-error': 1, 'out-of-memory': 1, 'app-error': 1, 'address-in-use': 1 });
    expect(events.find(event => event.kind === 'dependency-error')?.address).toBe('127.0.0.1:5432');
    expect(events.find(event => event.kind === 'address-in-use')?.address).toBe('127.0.0.1:9501');
  });

  it('reads Puma', () => {
    expect(tally(scanFile('puma-5.6.txt', 'puma'))).toEqual({ started: 3, 'app-error': 1, stopped: 2, 'address-in-use': 1 });
  });

  it('reads uvicorn', () => {
    const events = scanFile('uvicorn-0.17.txt', 'uvicorn');
    expect(events.find(event => event.kind === 'address-in-use')?.address).toBe('127.0.0.1:9700');
    expect(tally(events)).toMatchObject({ 'boot-failed': 1, 'app-error': 2 });
  });

  it('reads Tomcat, whose records have two lines', () => {
    const events = scanFile('tomcat-10.1.txt', 'tomcat');
    expect(tally(events)).toEqual({ started: 1, stopped: 1 });
    expect(events[0]?.timeMs).toBe(Date.UTC(2026, 10, 21, 7, 38, 10));
  });

  it.each([
    ['psycopg2.OperationalError: connection to server at "10.0.0.7", port 5432 failed: Connection refused', '10.0.0.7:5432'],
    ['redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.', 'localhost:6379'],
    ['2026/11/21 07:00:00 dial tcp 127.0.0.1:5432: connect: connection refused', '127.0.0.1:5432'],
    ['Error: getaddrinfo ENOTFOUND db.internal', 'db.internal'],
    ["requests.exceptions.ConnectionError: HTTPConnectionPool(host='api', port=9999): Max retries exceeded with url: /", 'api:9999'],
    ['Error: connect ECONNREFUSED ::1:5432', '[::1]:5432'],
    ['Error: connect ENOENT /run/db.sock', 'unix:/run/db.sock'],
  ])('finds what could not be reached in %s', (line, address) => {
    expect(scan(line, 'node')[0]).toMatchObject({ kind: 'dependency-error', address });
  });

  it('leaves harmless lines alone', () => {
    const harmless = [
      'listening on 127.0.0.1:3000',
      'GET /errors 200',
      'DeprecationWarning: x is deprecated',
      'ErrorHandler registered',
      'user searched for ValueError',
    ];
    expect(scan(harmless.join('\n'), 'node')).toEqual([]);
  });

  it('gives lines without a time the last time seen, or the time of the file', () => {
    const [first, second] = scan('Error: listen EADDRINUSE: address already in use :::3000\n2026-11-21T07:00:00.500Z up\nTypeError: x', 'node');
    expect(first?.timeMs).toBe(nowMs);
    expect(second?.timeMs).toBe(Date.UTC(2026, 10, 21, 7, 0, 0, 500));
  });
});

describe('time zones', () => {
  const east = (line: string): number | undefined =>
    scanBackendLog(toRawLines(line, '/x', 1), { service: 'gunicorn', offsetMinutes: 120, nowMs, fallbackMs: nowMs })[0]?.timeMs;

  it.each([
    ['[2026-11-21 07:00:00 +0000] [1] [INFO] Starting gunicorn 20.1.0', 7],
    ['2026-11-21T07:00:00Z Error: listen EADDRINUSE: address already in use :::3000', 7],
    ['[21-Nov-2026 07:00:00 UTC] PHP Fatal error:  x', 7],
    ['[21-Nov-2026 07:00:00] PHP Fatal error:  x', 5],
    ['21-Nov-2026 07:00:00.123 SEVERE [main] java.lang.OutOfMemoryError: Java heap space', 5],
    ['Sat Nov 21 07:00:00 2026 - TypeError: x', 5],
    ['2026-11-21 07:00:00,500 TypeError: x', 5],
    ['Nov 21 07:00:00 TypeError: x', 5],
  ])('%s', (line, hour) => {
    expect(new Date(east(line) ?? 0).getUTCHours()).toBe(hour);
  });
});

describe('any text', () => {
  const kinds: ServiceKind[] = ['php-fpm', 'gunicorn', 'uwsgi', 'node', 'tomcat', 'puma', 'other', 'nginx'];
  const pieces = [
    '[pool ',
    ' child 1',
    ", script '",
    '(request: "',
    ' exited on signal ',
    'Traceback (most recent call last):\n',
    'HARAKIRI [core ',
    ' - ',
    ' since ',
    'x:1',
    '\n',
    "('",
    '[21-Nov-2026 07:30:01] ',
  ];

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary' })), { maxLength: 30 }),
        (kind, parts) => {
          scan(parts.join(''), kind);
        },
      ),
    );
  });

  it.each(['a', ' ', '[', '1', 'a.', 'a:', '("', 'Error: connect ECONNREFUSED a.', "connection refused '"])('is linear in a long line of %j', piece => {
    const start = performance.now();
    for (const kind of kinds) scan(piece.repeat(Math.floor(1_000_000 / piece.length)), kind);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
