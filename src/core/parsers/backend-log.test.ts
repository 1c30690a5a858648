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

describe('Apache 2.4', () => {
  const events = scanFile('apache-2.4.txt', 'apache');

  it('reads every telling line and no other', () => {
    expect(tally(events)).toEqual({ 'pool-full': 2, 'dependency-error': 2, 'worker-signal': 1, stopped: 1, 'address-in-use': 1 });
  });

  it('knows times, processes, signals and addresses', () => {
    expect(events.map(({ pid, signal, address }) => [pid, signal, address])).toEqual([
      [27_030, undefined, undefined],
      [27_134, undefined, '127.0.0.1:1'],
      [27_134, undefined, 'unix:/run/none.sock'],
      [27_134, 11, undefined],
      [27_555, undefined, undefined],
      [27_030, undefined, undefined],
      [undefined, undefined, '127.0.0.1:18472'],
    ]);
    expect(events[0]?.timeMs).toBe(Date.UTC(2026, 10, 21, 11, 3, 57, 825));
  });

  it('knows the lines of a full scoreboard', () => {
    const text = '[Sat Nov 21 11:03:57 2026] [mpm_event:error] [pid 1:tid 1] AH03490: scoreboard is full, not at MaxRequestWorkers.Increase ServerLimit.\n';
    expect(tally(scan(text, 'apache'))).toEqual({ 'pool-full': 1 });
  });
});

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

  it('knows how long a worker that was to be replaced took to be gone', () => {
    const lines =
      '[2026-11-21 10:41:06 +0000] [13279] [INFO] Autorestarting worker after current request.\n[2026-11-21 10:41:07 +0000] [13305] [INFO] Worker exiting (pid: 13305)\n[2026-11-21 10:41:07 +0000] [13279] [INFO] Worker exiting (pid: 13279)';
    expect(scan(lines, 'gunicorn')).toMatchObject([{ kind: 'worker-recycled', pid: 13279, seconds: 1 }]);
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

  it('knows a worker that has served its requests, and when it was gone', () => {
    const lines =
      '[uWSGI] ready\n...The work of process 18173 is done. Seeya!\nworker 1 killed successfully (pid: 18173)\nRespawned uWSGI worker 1 (new pid: 18447)\n';
    expect(scan(lines, 'uwsgi')).toMatchObject([{ kind: 'worker-recycled', pid: 18173, seconds: 0 }]);
  });

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
  it.each([
    [
      'PM2',
      '2026-11-21T10:41:06: PM2 log: [PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value (current_memory=262144000 max_memory_limit=209715200 [octets])',
    ],
    ['uvicorn', 'WARNING:  Maximum request limit of 25 exceeded. Terminating process.'],
    [
      'unicorn-worker-killer',
      'W, [2026-11-21T10:41:06.5 #812]  WARN -- : #<Unicorn::HttpServer>: worker (pid: 812) exceeds max number of requests (limit: 3072)',
    ],
    ['puma_worker_killer', '[1] PumaWorkerKiller: Rolling Restart. 5 workers consuming total: 650 mb out of max: 504 mb. Sending TERM to pid 812.'],
    ['an application', 'worker 812 has reached max requests (25), exiting'],
  ])('knows a worker that %s replaces', (_, line) => {
    expect(scan(line, 'node')).toMatchObject([{ kind: 'worker-recycled' }]);
  });

  it.each([
    'max_requests=500 workers=4',
    'GET /recycling/worker-clothes 200',
    'INFO:     127.0.0.1:39168 - "GET /?q=worker+exceeds+max+requests,+restart max_requests HTTP/1.1" 200 OK',
    'Too many requests, client 192.0.2.7 has reached its limit',
  ])('takes no other talk of requests for that: %s', line => {
    expect(scan(line, 'node')).toEqual([]);
  });

  it('reads Node', () => {
    const events = scanFile('node-20.20.txt', 'node');
    expect(tally(events)).toEqual({ 'dependency-error': 1, 'out-of-memory': 1, 'app-error': 1, 'address-in-use': 1 });
    expect(events.find(event => event.kind === 'dependency-error')?.address).toBe('127.0.0.1:5432');
    expect(events.find(event => event.kind === 'address-in-use')?.address).toBe('127.0.0.1:9501');
  });

  it('knows that systemd starts again what ended without an error', () => {
    const raw = ['geo-api.service: Deactivated successfully.', 'geo-api.service: Scheduled restart job, restart counter is at 3.'].map(text => ({
      text,
      source: 'journal:geo-api.service',
      timeMs: nowMs,
      identifier: 'systemd',
    }));
    expect(scanBackendLog(raw, { service: 'uvicorn', offsetMinutes: 0, nowMs, fallbackMs: nowMs }).map(event => event.kind)).toEqual(['ended', 'restarting']);
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
  const kinds: ServiceKind[] = ['php-fpm', 'gunicorn', 'uwsgi', 'node', 'tomcat', 'puma', 'apache', 'other', 'nginx'];
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
