import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessIndex, accessVariables, type AccessVariable } from '../model/log-line.ts';
import { combinedFormat, compileLogFormat } from './nginx-log-format.ts';
import { accessClock } from './nginx-log-format-time.ts';
import { parseUpstreamList, upstreamTries } from './upstream-lists.ts';

const spans = new Int32Array(2 * accessVariables.length);

function read(format: string, line: string, escape: 'default' | 'json' | 'none' = 'default'): Partial<Record<AccessVariable, string>> | undefined {
  const bytes = new TextEncoder().encode(line);
  if (!compileLogFormat('x', format, escape).match(bytes, 0, bytes.length, spans)) return undefined;
  const values: Partial<Record<AccessVariable, string>> = {};
  for (const name of accessVariables) {
    const start = spans[2 * accessIndex[name]] ?? -1;
    if (start !== -1) values[name] = new TextDecoder().decode(bytes.subarray(start, spans[2 * accessIndex[name] + 1]));
  }
  return values;
}

interface Case {
  readonly case: string;
  readonly access_log: readonly string[];
}
const cases = JSON.parse(readFileSync(new URL('nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly Case[];
const long =
  '$time_iso8601 $remote_addr "$request" status=$status bytes=$body_bytes_sent rt=$request_time completion=$request_completion uaddr="$upstream_addr" ustatus="$upstream_status" uconnect="$upstream_connect_time" uheader="$upstream_header_time" uresponse="$upstream_response_time" ulen="$upstream_response_length" urecv="$upstream_bytes_received" usent="$upstream_bytes_sent"';
const short =
  '$time_iso8601 $remote_addr "$request" status=$status bytes=$body_bytes_sent rt=$request_time uaddr="$upstream_addr" ustatus="$upstream_status" uconnect="$upstream_connect_time" uheader="$upstream_header_time" uresponse="$upstream_response_time"';

describe('samples of nginx 1.22.1', () => {
  it('all fit their formats', () => {
    const lines = cases.flatMap(one => one.access_log);
    expect(lines).toHaveLength(279);
    const unfit = lines.filter(line => {
      const found = read(long, line) ?? read(short, line);
      return found === undefined || !/^\d{3}$/u.test(found.status ?? '') || found.upstream_status === undefined;
    });
    expect(unfit).toEqual([]);
  });
});

describe('formats', () => {
  it('reads combined', () => {
    const line = '10.0.0.1 - a b [21/Nov/2026:01:55:14 +0200] "GET /x?a=\\x22b HTTP/1.1" 502 157 "-" "curl [x] \\x22"';
    expect(read(combinedFormat, line)).toMatchObject({ remote_addr: '10.0.0.1', request: 'GET /x?a=\\x22b HTTP/1.1', status: '502', body_bytes_sent: '157' });
    const bytes = new TextEncoder().encode(line);
    compileLogFormat('x', combinedFormat).match(bytes, 0, bytes.length, spans);
    expect(accessClock()(bytes, spans)).toBe(Date.UTC(2026, 10, 20, 23, 55, 14));
  });

  it('does not take a longer format for combined', () => {
    expect(read(combinedFormat, '1.1.1.1 - - [21/Nov/2026:01:55:14 +0000] "GET / HTTP/1.1" 200 1 "-" "ua" "2.2.2.2"')).toBeUndefined();
    expect(read(combinedFormat, '1.1.1.1 - - [21/Nov/2026:01:55:14 +0000] "GET / HTTP/1.1" 200 1 "-" "ua" 0.1')).toBeUndefined();
  });

  it('reads JSON with escaped quotes, empty values and a nested name', () => {
    const format = '{"t":"$msec","r":"${request}","ua":"$http_user_agent","s":$status,"up":{"a":"$upstream_addr","s":"$upstream_status"}}';
    const line = '{"t":"1795226114.123","r":"GET /a\\"b HTTP/1.1","ua":"x\\\\","s":502,"up":{"a":"","s":""}}';
    expect(read(format, line, 'json')).toMatchObject({
      msec: '1795226114.123',
      request: 'GET /a\\"b HTTP/1.1',
      status: '502',
      upstream_addr: '',
      upstream_status: '',
    });
  });

  it('reads lists that stand without quotes', () => {
    const format = '$status $upstream_addr $upstream_status $upstream_header_time $request_time';
    expect(read(format, '502 [::1]:80, unix:/run/a.sock : 10.0.0.1:80 502, 502 : 200 -, - : 0.001 0.002')).toMatchObject({
      upstream_addr: '[::1]:80, unix:/run/a.sock : 10.0.0.1:80',
      upstream_status: '502, 502 : 200',
      upstream_header_time: '-, - : 0.001',
      request_time: '0.002',
    });
    expect(read(format, '500  - - 0.000')).toMatchObject({ upstream_addr: '', upstream_status: '-' });
    expect(read(format, '502 127.0.0.1:80, backend 502, 502 -, - 0.000')).toMatchObject({ upstream_addr: '127.0.0.1:80, backend' });
    expect(read('$upstream_addr, $upstream_status, $request_time', '127.0.0.1:80, 127.0.0.1:81, 502, 200, 0.1')).toMatchObject({
      upstream_addr: '127.0.0.1:80, 127.0.0.1:81',
      upstream_status: '502, 200',
    });
    expect(read('[$upstream_addr] $status', '[[::1]:80] 200')).toMatchObject({ upstream_addr: '[::1]:80', status: '200' });
  });

  it('reads values that stand side by side', () => {
    expect(read('$scheme://$host$request_uri $status', 'https://a.example/x/y 200')).toMatchObject({ host: 'a.example', request_uri: '/x/y', status: '200' });
    expect(read('$time_iso8601$status$http_x $request_time', '2026-11-21T01:55:14+00:00502abc 0.1')).toMatchObject({ status: '502', request_time: '0.1' });
    expect(read('$host$http_cookie|$status', 'ab|200')).toEqual({ status: '200' });
  });

  it('reads raw values of escape=none and a last value to the end', () => {
    expect(read('"$request" $status $http_x', '"GET /"x" HTTP/1.1" 200 a "b" c', 'none')).toMatchObject({ request: 'GET /"x" HTTP/1.1', status: '200' });
  });

  it('fits no line without variables', () => {
    expect(read('', 'x')).toBeUndefined();
    expect(read('$', '$')).toBeUndefined();
  });

  it('writes and reads back any values of any format', () => {
    const names = fc.constantFrom('remote_addr', 'status', 'request', 'http_x', 'request_time', 'upstream_addr', 'upstream_status', 'time_local');
    const value: Record<string, fc.Arbitrary<string>> = {
      remote_addr: fc.constantFrom('1.2.3.4', '::1', 'unix:'),
      status: fc.constantFrom('200', '502', '009'),
      request: fc.constantFrom('GET / HTTP/1.1', '-', '\\x16\\x03'),
      http_x: fc.constantFrom('-', 'a b', 'ü'),
      request_time: fc.constantFrom('0.000', '12.345'),
      upstream_addr: fc.constantFrom('-', '', '127.0.0.1:80, [::1]:80 : unix:/x', 'backend'),
      upstream_status: fc.constantFrom('-', '502', '502, 502 : 200'),
      time_local: fc.constant('21/Nov/2026:01:55:14 +0000'),
    };
    fc.assert(
      fc.property(
        fc.uniqueArray(names, { minLength: 1 }).chain(list => fc.tuple(fc.constant(list), fc.tuple(...list.map(name => value[name] ?? fc.constant(''))))),
        ([list, values]) => {
          const format = list.map(name => `${name}="$${name}"`).join(' ');
          const line = list.map((name, index) => `${name}="${values[index]}"`).join(' ');
          const found = read(format, line);
          expect(found).toBeDefined();
          for (const [index, name] of list.entries()) if (name !== 'http_x') expect(found?.[name as AccessVariable]).toBe(values[index]);
        },
      ),
    );
  });

  it('never throws and never loops, whatever format and line', () => {
    const piece = fc.oneof(
      fc.constantFrom('$upstream_addr', '$status', '$request', '${host}', '$uri', ', ', ' : ', '"', ' ', '-'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(piece), fc.constantFrom('default' as const, 'json' as const, 'none' as const), (format, line, escape) => {
        const values = read(format.join(''), line.join(''), escape);
        for (const text of Object.values(values ?? {})) parseUpstreamList(text);
      }),
    );
  });
});

describe('upstream lists', () => {
  it.each([
    ['-', []],
    ['', [['']]],
    ['127.0.0.1:1, [::1]:2 : unix:/x : ', [['127.0.0.1:1', '[::1]:2'], ['unix:/x'], ['']]],
    ['502, 502 : 200', [['502', '502'], ['200']]],
  ])('%s', (text, expected) => {
    expect(parseUpstreamList(text)).toEqual(expected);
    expect(upstreamTries(text)).toEqual(expected.flat());
  });
});
