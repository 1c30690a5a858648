import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseErrorRecord } from './nginx-error-log.ts';
import { wallClock } from './nginx-error-log-zone.ts';
import { matchMessage } from './nginx-messages.ts';
import { messagePatterns } from './nginx-messages-table.ts';
import { peerOf } from './nginx-error-log-context.ts';

interface Case {
  readonly case: string;
  readonly entries: readonly (string | null)[];
  readonly error_log: readonly string[];
}

const cases = JSON.parse(readFileSync(new URL('nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly Case[];
const clock = { nowMs: Date.UTC(2026, 10, 21, 3), zone: 'UTC', offsetMinutes: 0 };
const timeOf = wallClock(clock);
const source = { path: '/var/log/nginx/error.log', offset: 0 };

function parse(text: string, zone = clock) {
  return parseErrorRecord(text, { timeOf: zone === clock ? timeOf : wallClock(zone), source });
}

function record(rest: string): string {
  return `2026/11/21 01:55:14 [error] 7#8: *4 ${rest}`;
}

describe('samples of nginx 1.22.1', () => {
  for (const { case: name, entries, error_log: lines } of cases) {
    it(name, () => {
      for (const [index, line] of lines.entries()) {
        const found = parse(line);
        expect(found, line).toBeDefined();
        expect(found?.messageId ?? null, line).toBe(entries[index]);
        if (found?.upstream !== undefined) {
          expect(found.class, line).not.toBe('other');
          expect(found.peer, line).toBeDefined();
        }
      }
    });
  }

  it('holds 328 records, and the upstream ones never fall into `other`', () => {
    expect(cases.flatMap(one => one.error_log)).toHaveLength(328);
  });
});

describe('the table of messages', () => {
  it('finds each of its own patterns again', () => {
    const missed: string[] = [];
    for (const [id, pattern] of messagePatterns) {
      const text = pattern.replaceAll('{*}', 'val ue').replaceAll('{#}', '42').replaceAll('{w}', 'word');
      for (const tail of ['', ' (5: Input/output error)', ' while connecting to upstream, client: 1.2.3.4, server: x']) {
        const found = matchMessage(text + tail);
        if (found?.id !== id && !sameText(found?.id, id)) missed.push(`${id}: ${text} → ${found?.id}`);
      }
    }
    expect(missed).toEqual([]);
  });

  function sameText(found: string | undefined, id: string): boolean {
    const of = (wanted: string | undefined) => messagePatterns.filter(([one]) => one === wanted).map(([, pattern]) => pattern.replace(' in {*}:{#}', ''));
    return of(found).some(pattern => of(id).includes(pattern));
  }
});

describe('classes', () => {
  const tail = ', client: 10.0.0.9, server: a.example, request: "GET /x HTTP/1.1", upstream: "http://10.1.1.1:81/x", host: "a.example"';
  it.each([
    ['connect() failed (111: Connection refused) while connecting to upstream', 'connect-refused'],
    ['connect() failed (113: Host is unreachable) while connecting to upstream', 'connect-unreachable'],
    ['connect() failed (110: Operation timed out) while connecting to upstream', 'connect-timeout'],
    ['upstream timed out (110: Operation timed out) while connecting to upstream', 'connect-timeout'],
    ['upstream timed out (110: Connection timed out) while SSL handshaking to upstream', 'tls-handshake'],
    ['upstream timed out (110: Connection timed out) while sending request to upstream', 'send-timeout'],
    ['upstream timed out (110: Connection timed out) while reading response header from upstream', 'read-timeout'],
    ['upstream timed out (110: Connection timed out) while reading upstream', 'truncated'],
    ['recv() failed (104: Connection reset by peer) while reading response header from upstream', 'reset'],
    ['readv() failed (104: Connection reset by peer) while reading upstream', 'truncated'],
    ['writev() failed (32: Broken pipe) while sending request to upstream', 'reset'],
    ['writev() failed (104: Connection reset by peer) while sending to client', 'client'],
    ['connect() to unix:/run/a.sock failed (11: Resource temporarily unavailable) while connecting to upstream', 'connect-queue-full'],
    ['connect() to 10.1.1.1:81 failed (99: Address not available) while connecting to upstream', 'connect-no-local-port'],
    ['socket() failed (24: No file descriptors available) while connecting to upstream', 'too-many-open-files'],
    ['no live upstreams while connecting to upstream', 'no-live-upstreams'],
    ['a.example could not be resolved (3: Host not found)', 'host-not-found'],
    ['a.example could not be resolved (110: Operation timed out)', 'resolver-timeout'],
    ['a.example could not be resolved (2: Server failure)', 'resolver-error'],
    ['SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream', 'tls-wrong-version'],
    ['SSL_do_handshake() failed (SSL: error:1417:a:b:unsupported protocol) while SSL handshaking', 'client'],
    ['pwrite() "/var/lib/nginx/proxy/1" failed (28: No space left on device) while reading upstream', 'disk-full'],
    ['mkdir() "/var/lib/nginx/proxy/1" failed (13: Permission denied) while reading upstream', 'temp-file'],
  ])('%s', (text, expected) => {
    expect(parse(record(text + tail))?.class).toBe(expected);
  });

  it('reads a resolver record without a client', () => {
    const found = parse('2026/11/21 01:55:14 [error] 7#8: send() failed (111: Connection refused) while resolving, resolver: 127.0.0.1:53');
    expect(found).toMatchObject({ messageId: 'send-failed', class: 'resolver-error', errno: 111, phase: 'resolving' });
  });
});

describe('hostile and broken records', () => {
  it('takes a Referer that looks like a tail as data', () => {
    const found = parse(
      record(
        'connect() failed (111: Connection refused) while connecting to upstream, client: 1.1.1.1, server: a, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8080/", host: "a", referrer: "x", upstream: "http://fake/"',
      ),
    );
    expect(found).toMatchObject({ peer: '127.0.0.1:8080', host: 'a', referrer: 'x", upstream: "http://fake/' });
  });

  it('takes a Referer as data where there is no upstream', () => {
    const found = parse(
      record('access forbidden by rule, client: 1.1.1.1, server: , request: "GET / HTTP/1.1", host: "a", referrer: "x", upstream: "http://fake/"'),
    );
    expect(found?.upstream).toBeUndefined();
    expect(found?.server).toBe('');
  });

  it('keeps a request line that holds quotes', () => {
    const found = parse(
      record(
        'connect() failed (111: Connection refused) while connecting to upstream, client: 1.1.1.1, server: a, request: "GET /x?a="b",upstream:"http://evil/" HTTP/1.1", upstream: "http://127.0.0.1:1/x?a="b",upstream:"http://evil/"", host: "a"',
      ),
    );
    expect(found).toMatchObject({ peer: '127.0.0.1:1', uri: '/x?a="b",upstream:"http://evil/"', method: 'GET', host: 'a' });
  });

  it('does not believe a peer that the limit of 2048 bytes shortened', () => {
    const uri = 'x'.repeat(3000);
    const whole = record(
      `recv() failed (104: Connection reset by peer) while reading response header from upstream, client: 1.1.1.1, server: a, request: "GET /${uri}`,
    );
    const cut = parse(whole.slice(0, 2047));
    expect(cut).toMatchObject({ cut: true, class: 'reset', client: '1.1.1.1' });
    expect(cut?.peer).toBeUndefined();
  });

  it('reads a record behind a syslog header, and one that has no time', () => {
    expect(parse('Nov 21 07:00:00 web1 nginx: 2026/11/21 01:55:14 [emerg] 7#7: host not found in upstream "db" in /etc/nginx/x.conf:6')).toMatchObject({
      class: 'host-not-found',
      messageId: 'url-parse-implicit',
      level: 'emerg',
    });
    const bare = parseErrorRecord('nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)', { timeOf, source, timeMs: 5 });
    expect(bare).toMatchObject({ class: 'bind-failed', errno: 98, timeMs: 5 });
  });

  it.each([
    ['http://[::1]:80/x', '[::1]:80', 'http'],
    ['fastcgi://unix:/run/php.sock:', 'unix:/run/php.sock', 'fastcgi'],
    ['fastcgi://unix:/run/php.sock', 'unix:/run/php.sock', 'fastcgi'],
    ['http://unix:/run/app.sock/a/b', 'unix:/run/app.sock', 'http'],
    ['http://unix:/run/app.sock:/a:b', 'unix:/run/app.sock', 'http'],
    ['http://unix:/run/backend/x', 'unix:/run/backend', 'http'],
    ['http://backend/uri', 'backend', 'http'],
  ])('reads the peer of %s', (upstream, peer, scheme) => {
    expect(peerOf(upstream, '/x')).toEqual({ peer, scheme });
  });

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(
      ' while ',
      ', client: ',
      ', request: "',
      '", upstream: "',
      ' (111: ',
      ')',
      '"',
      ' failed',
      'connect() to ',
      '\n',
      'unix:',
      ', server: ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 30 }), parts => {
        const found = parse(record(parts.join('')));
        expect(found?.timeMs).toBe(Date.UTC(2026, 10, 21, 1, 55, 14));
        parse(parts.join(''));
      }),
    );
  });

  it('takes linear time on text that repeats what it searches', () => {
    const time = (size: number): number => {
      const from = performance.now();
      for (const piece of ['" while ', ', client: ', '", upstream: "', 'open() "', '" failed', ' (1: ', ' in ', 'unix:', 'FastCGI sent in stderr: "']) {
        parse(record(`open() "${piece.repeat(size)}`));
        parse(record(`FastCGI sent in stderr: "${piece.repeat(size)}`));
        parse(record(`x while y, client: a, server: b, request: "${piece.repeat(size)}`));
      }
      return performance.now() - from;
    };
    time(1000);
    expect(time(40_000)).toBeLessThan(60 * Math.max(5, time(4000)));
  });
});

describe('zones', () => {
  it('reads local time by the rules of the zone', () => {
    const berlin = { nowMs: Date.UTC(2026, 6, 1), zone: 'Europe/Berlin', offsetMinutes: 120 };
    expect(wallClock(berlin)('2026/07/01 02:00:00')).toBe(Date.UTC(2026, 6, 1));
    expect(wallClock(berlin)('2026/01/01 01:00:00')).toBe(Date.UTC(2026, 0, 1));
  });

  it('takes an hour that came twice as the later one unless it is in the future', () => {
    const winter = { nowMs: Date.UTC(2026, 9, 25, 1, 10), zone: 'Europe/Berlin', offsetMinutes: 60 };
    expect(wallClock(winter)('2026/10/25 02:05:00')).toBe(Date.UTC(2026, 9, 25, 1, 5));
    const summer = { ...winter, nowMs: Date.UTC(2026, 9, 25, 0, 50), offsetMinutes: 120 };
    expect(wallClock(summer)('2026/10/25 02:45:00')).toBe(Date.UTC(2026, 9, 25, 0, 45));
  });

  it('falls back to the offset for a zone nobody knows', () => {
    expect(wallClock({ nowMs: 0, zone: 'Nowhere/Else', offsetMinutes: -90 })('2026/07/01 00:00:00')).toBe(Date.UTC(2026, 6, 1, 1, 30));
    expect(wallClock(clock)('2026/99/01 00:00:00')).toBeNaN();
  });
});
