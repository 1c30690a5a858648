import { accessIndex, accessVariables, type AccessVariable } from '../../model/log-line.ts';
import { compileLogFormat } from '../../parsers/nginx-log-format.ts';
import { fieldText } from '../scan/field-text.ts';
import { encodeUtf8 } from '../scan/text.ts';
import type { FieldRole } from '../scan/plan.ts';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nginxFormat } from './nginx-format.ts';
import { fieldsOf, outcomeOf, rollUpOf, seriesOf } from './testing.ts';

const combined = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
const hop = '"$upstream_addr" "$upstream_status" "$upstream_connect_time" "$upstream_header_time" "$upstream_response_time"';
const head = '10.1.2.3 - a b [21/Nov/2026:01:55:14 +0200] "GET /x?a=\\x22b HTTP/1.1"';
const tail = '157 "-" "curl [x] \\x22"';

describe('fields', () => {
  it('reads combined', () => {
    expect(fieldsOf(nginxFormat('c', combined), `${head} 502 ${tail}`)).toEqual({
      client: '10.1.2.3',
      request: 'GET /x?a="b HTTP/1.1',
      status: '502',
      sent: '157',
      referer: '-',
      'user-agent': 'curl [x] "',
    });
    expect(seriesOf(nginxFormat('c', combined), `${head} 502 ${tail}`)?.at).toBe('2026-11-20T23:55:14.000Z');
  });

  it('does not take a longer line for combined', () => {
    expect(outcomeOf(nginxFormat('c', combined), `${head} 200 ${tail} 0.1`)).toBeUndefined();
    expect(outcomeOf(nginxFormat('c', combined), `${head} 200 ${tail} "2.2.2.2"`)).toBeUndefined();
  });

  it.each([
    [
      '$status $upstream_addr $upstream_status $upstream_header_time $request_time',
      '502 [::1]:80, unix:/run/a.sock : 10.0.0.1:80 502, 502 : 200 -, - : 0.001 0.002',
    ],
    [
      '$status,$upstream_addr,$upstream_status,$upstream_header_time,$request_time',
      '502,[::1]:80, unix:/run/a.sock : 10.0.0.1:80,502, 502 : 200,-, - : 0.001,0.002',
    ],
    [
      '$status|$upstream_addr|$upstream_status|$upstream_header_time|$request_time',
      '502|[::1]:80, unix:/run/a.sock : 10.0.0.1:80|502, 502 : 200|-, - : 0.001|0.002',
    ],
    [
      '$status [$upstream_addr] <$upstream_status> ($upstream_header_time) rt=$request_time',
      '502 [[::1]:80, unix:/run/a.sock : 10.0.0.1:80] <502, 502 : 200> (-, - : 0.001) rt=0.002',
    ],
  ])('reads lists of %s', (text, line) => {
    expect(fieldsOf(nginxFormat('x', text), line)).toEqual({
      status: '502',
      peer: '[::1]:80, unix:/run/a.sock : 10.0.0.1:80',
      'upstream-status': '502, 502 : 200',
      'header-time': '-, - : 0.001',
      'request-time': '0.002',
    });
  });

  it('reads addresses that were forwarded', () => {
    expect(fieldsOf(nginxFormat('x', '$http_x_forwarded_for $status $request_time'), '203.0.113.9, 10.0.0.1 502 0.010')).toEqual({
      status: '502',
      'request-time': '0.010',
    });
  });

  it('reads an empty address', () => {
    expect(fieldsOf(nginxFormat('x', '$status $upstream_addr $upstream_status $request_time'), '500  - 0.000')).toMatchObject({
      peer: '',
      'upstream-status': '-',
    });
  });

  it.each([
    ['$time_local $status', '21/Nov/2026:01:55:14 +0200 502', '2026-11-20T23:55:14.000Z'],
    ['$status $time_local', '502 21/Nov/2026:01:55:14 -0330', '2026-11-21T05:25:14.000Z'],
    ['$time_local|$status', '21/Nov/2026:01:55:14 +0000|502', '2026-11-21T01:55:14.000Z'],
    ['$time_iso8601 $status', '2026-11-21T01:55:14+02:00 502', '2026-11-20T23:55:14.000Z'],
    ['$msec $status', '1795226114.123 502', '2026-11-21T01:55:14.123Z'],
    ['[$msec] $time_local $status', '[1795226114.123] 21/Nov/2026:09:09:09 +0000 502', '2026-11-21T01:55:14.123Z'],
  ])('reads the time of %s', (text, line, at) => {
    expect(seriesOf(nginxFormat('x', text), line)).toMatchObject({ at, outcome: { status: 502 } });
  });

  it('reads a request line that stands without quotes', () => {
    const format = nginxFormat('x', '$request $status $request_time');
    expect(fieldsOf(format, 'POST /x HTTP/2.0 502 0.002')).toEqual({ method: 'POST', uri: '/x', protocol: 'HTTP/2.0', status: '502', 'request-time': '0.002' });
    expect(outcomeOf(format, 'POST /x HTTP/2.0 502 0.002')).toMatchObject({ status: 502, method: 'POST' });
  });

  it('reads variables that stand side by side', () => {
    expect(fieldsOf(nginxFormat('x', '$scheme://$host$request_uri $status'), 'https://a.example/x/y 200')).toEqual({
      host: 'a.example',
      uri: '/x/y',
      status: '200',
    });
    expect(fieldsOf(nginxFormat('x', '"$uri$is_args$args" $status'), '"/x?y=1" 200')).toEqual({ uri: '/x?y=1', status: '200' });
    expect(fieldsOf(nginxFormat('x', '$host$http_cookie|$status'), 'ab|200')).toEqual({ status: '200' });
  });

  it('reads JSON with escaped quotes, missing values and numbers', () => {
    const text = '{"t":"$msec","r":"${request}","ua":"$http_user_agent","s":$status,"up":{"a":"$upstream_addr","s":"$upstream_status"},"rt":$request_time}';
    const format = nginxFormat('j', text, 'json');
    const line = '{"t":"1795226114.123","r":"GET /a\\"b HTTP/1.1","ua":"x\\\\","s":502,"up":{"a":"","s":""},"rt":0.010}';
    expect(fieldsOf(format, line)).toMatchObject({ request: 'GET /a"b HTTP/1.1', 'user-agent': 'x\\', status: '502', peer: '', 'request-time': '0.010' });
    expect(seriesOf(format, line)).toMatchObject({
      at: '2026-11-21T01:55:14.123Z',
      seconds: 0.01,
      outcome: { status: 502, failed: true, madeBy: 'nginx', method: 'GET' },
    });
  });

  it('reads raw values of escape=none', () => {
    const line = '"GET /"x" HTTP/1.1" 200 "a "b" c"';
    const expected = { request: 'GET /"x"', protocol: '1.1', status: '200' };
    expect(fieldsOf(nginxFormat('n', '"$request" $status "$http_user_agent"', 'none'), line)).toMatchObject(expected);
    expect(fieldsOf(nginxFormat('n', '"$request" $status $http_x', 'none'), line)).toMatchObject(expected);
  });

  it('takes a host for samples only, and the name of a server for its own', () => {
    const format = nginxFormat('x', '$host $server_name $status');
    expect(fieldsOf(format, 'any.thing shop.example 200')).toMatchObject({ host: 'any.thing', server: 'shop.example' });
    expect(outcomeOf(format, 'any.thing shop.example 200')).toEqual({ status: 200, failed: false, madeBy: 'unknown', server: 'shop.example' });
  });
});

describe('outcomes', () => {
  const format = nginxFormat('up', `${combined} $request_time ${hop}`);
  const of = (status: number, values: string) => outcomeOf(format, `${head} ${status} ${tail} 0.002 ${values}`);
  const peer = '10.0.0.1:80';

  it.each([
    ['made by nginx, never connected', 502, `"${peer}" "502" "-" "-" "0.001"`, { failed: true, madeBy: 'nginx', peer }],
    ['answered by the backend', 502, `"${peer}" "502" "0.000" "0.012" "0.012"`, { failed: true, madeBy: 'backend', peer }],
    ['an error of the application', 500, `"${peer}" "500" "0.000" "0.012" "0.012"`, { failed: true, madeBy: 'backend', peer }],
    ['a timeout', 504, `"${peer}" "504" "0.000" "-" "60.001"`, { failed: true, madeBy: 'nginx', peer }],
    ['no live upstream', 502, '"backend" "502" "-" "-" "0.000"', { failed: true, madeBy: 'nginx', peer: 'backend', class: 'no-live-upstreams' }],
    ['no resolver', 502, '"-" "-" "-" "-" "-"', { failed: true, madeBy: 'nginx' }],
    ['no descriptor', 500, '"" "-" "-" "-" "0.000"', { failed: true, madeBy: 'nginx' }],
    ['a client that left', 499, '"-" "-" "-" "-" "-"', { failed: true, madeBy: 'client' }],
    ['no header', 9, `"${peer}" "200" "0.000" "-" "0.000"`, { failed: true, madeBy: 'backend', peer, class: 'no-valid-header' }],
    ['all tries failed', 502, '"10.0.0.1:80, 10.0.0.2:80" "502, 502" "-, -" "-, -" "0.001, 0.001"', { failed: true, madeBy: 'nginx', peer: '10.0.0.2:80' }],
    ['a good answer', 200, `"${peer}" "200" "0.000" "0.012" "0.012"`, { failed: false, madeBy: 'backend', peer }],
    ['an own answer', 301, '"-" "-" "-" "-" "-"', { failed: false, madeBy: 'nginx' }],
    ['a body over the limit', 413, '"-" "-" "-" "-" "-"', { failed: false, madeBy: 'nginx' }],
  ])('%s', (_, status, values, expected) => {
    expect(of(status, values)).toEqual({ status, method: 'GET', ...expected });
  });

  it('tells a retry that a good answer hides', () => {
    expect(of(200, '"10.0.0.1:80, 10.0.0.2:80" "502, 200" "-, 0.000" "-, 0.010" "0.001, 0.010"')).toEqual({
      status: 200,
      failed: true,
      madeBy: 'nginx',
      peer: '10.0.0.2:80',
      hiddenPeers: ['10.0.0.1:80'],
      method: 'GET',
    });
  });

  it('counts lines together that differ in times, sizes and words', () => {
    const lines = [1, 2, 3].map(
      n =>
        `10.1.2.${n} - - [21/Nov/2026:01:55:1${n} +0000] "GET /${n} HTTP/1.1" 502 ${n} "-" "u${n}" 0.00${n} "${peer}" "502" "0.00${n}" "0.01${n}" "0.02${n}"`,
    );
    const rollUp = rollUpOf(lines.join('\n'), [format]);
    expect(rollUp.series.map(({ count }) => count)).toEqual([3]);
    expect(rollUp.series[0]).toMatchObject({ requestTime: { sum: 6000 }, upstreamTime: { sum: 66_000 } });
  });

  it('says what the format lacks', () => {
    expect(outcomeOf(nginxFormat('c', combined), `${head} 502 ${tail}`)).toMatchObject({ madeBy: 'unknown', because: 'the log format lacks $upstream_status' });
    const without = nginxFormat('s', '$status $upstream_addr $upstream_status');
    expect(outcomeOf(without, '502 10.0.0.1:80 502')).toMatchObject({ madeBy: 'unknown', because: 'the log format lacks $upstream_header_time' });
  });

  it('tells only methods in use apart', () => {
    expect(outcomeOf(nginxFormat('m', '"$request" $status'), '"EVIL123 / HTTP/1.1" 400')).toEqual({ status: 400, failed: false, madeBy: 'unknown' });
    expect(outcomeOf(nginxFormat('m', '"$request" $status'), '"\\x16\\x03\\x01" 400')).toEqual({ status: 400, failed: false, madeBy: 'unknown' });
  });
});

interface Case {
  readonly access_log: readonly string[];
}

describe('lines of nginx 1.22.1', () => {
  const start = '$time_iso8601 $remote_addr "$request" status=$status bytes=$body_bytes_sent rt=$request_time';
  const times =
    'uaddr="$upstream_addr" ustatus="$upstream_status" uconnect="$upstream_connect_time" uheader="$upstream_header_time" uresponse="$upstream_response_time"';
  const long = nginxFormat(
    'long',
    `${start} completion=$request_completion ${times} ulen="$upstream_response_length" urecv="$upstream_bytes_received" usent="$upstream_bytes_sent"`,
  );
  const short = nginxFormat('short', `${start} ${times}`);
  const cases = JSON.parse(readFileSync(new URL('../../parsers/nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly Case[];
  const lines = cases.flatMap(one => one.access_log);

  it('all fit, and all failing ones say who made them', () => {
    const rollUp = rollUpOf(lines.join('\n'), [long, short]);
    expect(rollUp.inputs[0]).toMatchObject({ lines: 279, misfits: 0 });
    const failed = rollUp.series.filter(({ outcome }) => outcome?.failed === true);
    expect(failed.length).toBeGreaterThan(30);
    expect(failed.filter(({ outcome }) => outcome?.madeBy === 'unknown')).toEqual([]);
  });
});

describe('any format', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '$upstream_addr',
      '$status',
      '$request',
      '${host}',
      '$uri',
      '$time_local',
      '$msec',
      '$args',
      ', ',
      ' : ',
      '"',
      ' ',
      '-',
      '[',
      ']',
      '{"a":"',
      '$',
    ),
    fc.string({ unit: 'binary' }),
  );

  it('compiles and reads any line without throwing', () => {
    fc.assert(
      fc.property(fc.array(piece), fc.array(piece), fc.constantFrom('default' as const, 'json' as const, 'none' as const), (text, line, escape) => {
        const format = nginxFormat('x', text.join(''), escape);
        rollUpOf(line.join(''), [format]);
        fieldsOf(format, line.join(''));
        format.outcome({ status: line.join(''), peer: line.join(''), 'upstream-status': text.join('') });
      }),
      { numRuns: 100 },
    );
  });

  it('reads back what it writes', () => {
    const value: Readonly<Record<string, fc.Arbitrary<string>>> = {
      remote_addr: fc.constantFrom('1.2.3.4', '::1', 'unix:'),
      status: fc.constantFrom('200', '502', '009'),
      request: fc.constantFrom('GET / HTTP/1.1', '-', '\\x16\\x03'),
      request_time: fc.constantFrom('0.000', '12.345'),
      upstream_addr: fc.constantFrom('-', '', '127.0.0.1:80, [::1]:80 : unix:/x', 'backend'),
      upstream_status: fc.constantFrom('-', '502', '502, 502 : 200'),
      time_local: fc.constant('21/Nov/2026:01:55:14 +0000'),
    };
    const roles: Readonly<Record<string, 'client' | 'status' | 'request-time' | 'peer' | 'upstream-status'>> = {
      remote_addr: 'client',
      status: 'status',
      request_time: 'request-time',
      upstream_addr: 'peer',
      upstream_status: 'upstream-status',
    };
    const names = fc.uniqueArray(fc.constantFrom(...Object.keys(value)), { minLength: 1 });
    fc.assert(
      fc.property(
        names.chain(list => fc.tuple(fc.constant(list), fc.tuple(...list.map(name => value[name] ?? fc.constant(''))))),
        fc.constantFrom(' ', '"', '|'),
        ([list, values], between) => {
          const write = (of: (name: string, index: number) => string): string =>
            between === '"' ? list.map((name, index) => `${name}="${of(name, index)}"`).join(' ') : list.map(of).join(between);
          const found = fieldsOf(
            nginxFormat(
              'x',
              write(name => `$${name}`),
            ),
            write((_, index) => values[index] ?? ''),
          );
          // A request line between spaces has three words.
          if (between === ' ' && list.some((name, index) => name === 'request' && values[index] !== 'GET / HTTP/1.1')) return;
          for (const [index, name] of list.entries()) if (roles[name] !== undefined) expect(found?.[roles[name]]).toBe(values[index]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a diagnosis', () => {
  const spans = new Int32Array(2 * accessVariables.length);
  const roleOf: Readonly<Partial<Record<AccessVariable, FieldRole>>> = {
    remote_addr: 'client',
    request: 'request',
    status: 'status',
    body_bytes_sent: 'sent',
    request_time: 'request-time',
    upstream_addr: 'peer',
    upstream_status: 'upstream-status',
    upstream_connect_time: 'connect-time',
    upstream_header_time: 'header-time',
    upstream_response_time: 'upstream-time',
  };

  /** What the reader of a diagnosis makes of a line, by role. */
  function readByDiagnosis(text: string, line: string): Partial<Record<FieldRole, string>> | undefined {
    const bytes = encodeUtf8(line);
    if (!compileLogFormat('x', text).match(bytes, 0, bytes.length, spans)) return undefined;
    const values: Partial<Record<FieldRole, string>> = {};
    for (const [name, role] of Object.entries(roleOf) as [AccessVariable, FieldRole][]) {
      const start = spans[2 * accessIndex[name]] ?? -1;
      if (start !== -1) values[role] = fieldText(bytes.subarray(start, spans[2 * accessIndex[name] + 1]), 'hex');
    }
    return values;
  }

  function readByLogs(text: string, line: string): Partial<Record<FieldRole, string>> | undefined {
    const all = fieldsOf(nginxFormat('x', text), line);
    return all === undefined ? undefined : Object.fromEntries(Object.entries(all).filter(([role]) => Object.values(roleOf).includes(role as FieldRole)));
  }

  it('reads every captured line as it is read here', () => {
    const start = '$time_iso8601 $remote_addr "$request" status=$status bytes=$body_bytes_sent rt=$request_time';
    const more = 'uconnect="$upstream_connect_time" uheader="$upstream_header_time" uresponse="$upstream_response_time"';
    const long = `${start} completion=$request_completion uaddr="$upstream_addr" ustatus="$upstream_status" ${more} ulen="$upstream_response_length" urecv="$upstream_bytes_received" usent="$upstream_bytes_sent"`;
    const short = `${start} uaddr="$upstream_addr" ustatus="$upstream_status" ${more}`;
    const samples = JSON.parse(readFileSync(new URL('../../parsers/nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly {
      readonly access_log: readonly string[];
    }[];
    const lines = samples.flatMap(({ access_log: own }) => own);
    expect(lines.length).toBeGreaterThan(200);
    for (const text of [long, short]) for (const line of lines) expect(readByLogs(text, line)).toEqual(readByDiagnosis(text, line));
  });

  it('reads lines of any format with values between words as they are read here', () => {
    const value: Readonly<Record<string, fc.Arbitrary<string>>> = {
      remote_addr: fc.constantFrom('1.2.3.4', '::1', 'unix:'),
      status: fc.constantFrom('200', '502', '009'),
      request: fc.constantFrom('GET / HTTP/1.1', '-', '\\x16\\x03', 'GET /a?b="c HTTP/1.0'.replace('"', '\\x22')),
      body_bytes_sent: fc.constantFrom('0', '157'),
      request_time: fc.constantFrom('0.000', '12.345'),
      upstream_addr: fc.constantFrom('-', '127.0.0.1:80, [::1]:80 : unix:/x', 'backend'),
      upstream_status: fc.constantFrom('-', '502', '502, 502 : 200'),
      upstream_connect_time: fc.constantFrom('-', '0.001', '-, 0.001'),
    };
    const names = fc.uniqueArray(fc.constantFrom(...Object.keys(value)), { minLength: 1 });
    fc.assert(
      fc.property(
        names.chain(list => fc.tuple(fc.constant(list), fc.tuple(...list.map(name => value[name] ?? fc.constant(''))))),
        fc.constantFrom('"', '|'),
        ([list, values], mark) => {
          const text = list.map(name => `${name}=${mark}$${name}${mark}`).join(' ');
          const line = list.map((name, index) => `${name}=${mark}${values[index]}${mark}`).join(' ');
          expect(readByLogs(text, line)).toEqual(readByDiagnosis(text, line));
        },
      ),
    );
  });
});
