import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatByName, formatNames, formatsByName, knownFormats } from './named.ts';
import { fieldsOf, idsIn, outcomeOf, recogniseText, rollUpOf, seriesOf } from './testing.ts';

function fixture(name: string): readonly string[] {
  return readFileSync(new URL(`products.fixtures/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
}

/** The line of a fixture with this text. */
function lineWith(name: string, text: string): string {
  const found = fixture(name).find(line => line.includes(text));
  if (found === undefined) throw new Error(`no line with ${text}`);
  return found;
}

/** The outcome of a line by the first format of its log that it fits. */
function outcomeIn(name: string, text: string) {
  const line = lineWith(name, text);
  const format = recogniseText(fixture(name).join('\n')).find(each => outcomeOf(each.format, line) !== undefined)?.format;
  return outcomeOf(format, line);
}

describe('HAProxy', () => {
  const http = formatByName('haproxy');
  const of = (text: string) => outcomeIn('haproxy-2.6', text);

  it('reads a request', () => {
    const line = lineWith('haproxy-2.6', '/slow/x');
    expect(fieldsOf(http, line)).toMatchObject({
      client: '127.0.0.1:44524',
      server: 'http-in',
      group: 'slow',
      peer: 's4',
      status: '504',
      flags: 'sH--',
      request: 'GET /slow/x?y=1 HTTP/1.1',
    });
    expect(seriesOf(http, line)).toMatchObject({ at: '2026-11-21T14:01:19.964Z', seconds: 1.002 });
  });

  it.each([
    ['/ok/x', { status: 200, failed: false, madeBy: 'backend', peer: 'ok/s1' }],
    ['/bad/x', { status: 502, failed: true, madeBy: 'backend', peer: 'bad/s2' }],
    ['/close/x', { status: 502, failed: true, madeBy: 'proxy', peer: 'close/s3', class: 'premature-close', message: 'SH--' }],
    ['/slow/x', { status: 504, failed: true, madeBy: 'proxy', peer: 'slow/s4', class: 'read-timeout', message: 'sH--' }],
    ['/garbage/x', { status: 502, failed: true, madeBy: 'proxy', peer: 'garbage/s5', class: 'protocol-error', message: 'PH--' }],
    ['/cut/x', { status: 200, failed: true, madeBy: 'backend', peer: 'cut/s6', class: 'truncated', message: 'SD--' }],
    ['/refused/x', { status: 503, failed: true, madeBy: 'proxy', peer: 'refused/s7', class: 'connect-refused', message: 'SC--' }],
    ['/nosrv/x', { status: 503, failed: true, madeBy: 'proxy', peer: 'nosrv', class: 'no-live-upstreams', message: 'SC--' }],
    ['/redisp/x', { status: 200, failed: true, madeBy: 'backend', peer: 'redisp/r2', hiddenPeers: [] }],
  ])('%s', (text, expected) => {
    expect(of(text)).toEqual({ server: 'http-in', method: 'GET', ...expected });
  });

  it('reads a line with words about TLS, and sessions of TCP', () => {
    expect(of('tls~')).toEqual({ status: 200, failed: false, madeBy: 'backend', peer: 'ok/s1', server: 'tls', method: 'GET' });
    expect(of('tcpb/t1')).toEqual({ status: 0, failed: false, madeBy: 'backend', peer: 'tcpb/t1', server: 'tcpf' });
    expect(of('tcpb2/t2')).toEqual({ status: 0, failed: true, madeBy: 'proxy', peer: 'tcpb2/t2', server: 'tcpf2', class: 'connect-refused', message: 'SC' });
  });

  it('tells a client that left, a retry at the same server, and a request that is cut off', () => {
    const line = (status: string, flags: string, retries: string, request = '"GET /x HTTP/1.1"') =>
      `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/-1/109 ${status} 2750 - - ${flags} 1/1/1/1/${retries} 0/0 {1wt.eu} {} ${request}`;
    expect(outcomeOf(http, line('-1', 'CH--', '0'))).toMatchObject({ status: 0, failed: true, madeBy: 'client' });
    expect(outcomeOf(http, line('400', 'CR--', '0', '"<BADREQ>"'))).toEqual({
      status: 400,
      failed: false,
      madeBy: 'backend',
      peer: 'static/srv1',
      server: 'http-in',
    });
    expect(outcomeOf(http, line('200', '----', '1'))).toMatchObject({ failed: true, hiddenPeers: ['static/srv1'] });
    expect(outcomeOf(http, line('200', '----', '0', `"GET /${'x'.repeat(900)}`))).toMatchObject({ status: 200, method: 'GET' });
  });

  it('is known behind a syslog header', () => {
    const text = fixture('haproxy-2.6').map(line => `Nov 21 14:01:19 web1 haproxy[811]: ${line}`);
    const down =
      'Nov 21 14:01:25 web1 haproxy[811]: Server close/s3 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left.';
    const log = [...text, down].join('\n');
    expect(idsIn(log)).toEqual(['haproxy-http+syslog', 'haproxy-tcp+syslog', 'haproxy-server']);
    const rollUp = rollUpOf(
      log,
      recogniseText(log).map(({ format }) => format),
    );
    expect(rollUp.inputs[0]).toMatchObject({ misfits: 0, lines: 17 });
    expect(rollUp.series.find(({ format }) => format === 'haproxy-server')?.outcome).toMatchObject({ class: 'server-disabled', peer: 'close/s3' });
  });
});

describe('Apache', () => {
  const of = (text: string) => outcomeIn('apache-error-2.4', text);

  it.each([
    ['AH00957: http', { class: 'connect-refused', failed: true, peer: '127.0.0.1:28199', message: '(111)Connection refused: AH00957: http:' }],
    ['AH02454', { class: 'connect-no-file', failed: true, peer: 'unix:/run/none.sock', message: '(2)No such file or directory: AH02454: FCGI:' }],
    [
      '(20014)',
      {
        class: 'premature-close',
        failed: true,
        peer: '127.0.0.1:28103',
        message: '(20014)Internal error (specific information not available): AH01102: error reading',
      },
    ],
    ['(70007)', { class: 'read-timeout', failed: true, peer: '127.0.0.1:28104', message: '(70007)The timeout specified has expired: AH01102: error reading' }],
    [
      'AH01110',
      { class: 'truncated', failed: true, message: '(70008)Partial results are valid but processing is incomplete: AH01110: error reading response' },
    ],
    ['(EAI 2)', { class: 'host-not-found', failed: true, message: '(EAI 2)Name or service not known: AH00898: DNS lookup failure for' }],
    ['AH00898: Error reading', { class: 'notice', failed: false, message: 'AH00898: Error reading from remote server' }],
    ['AH01114', { class: 'notice', failed: false, message: 'AH01114: HTTP' }],
    ['AH00959', { class: 'server-disabled', failed: false, message: 'AH00959: ap_proxy_connect_backend disabling worker for (127.N.N.N' }],
  ])('%s', (text, expected) => {
    expect(of(text)).toEqual({ status: 0, madeBy: 'proxy', level: 'error', ...expected });
  });

  it('reads other messages', () => {
    expect(of('AH00491')).toEqual({
      status: 0,
      failed: false,
      madeBy: 'proxy',
      class: 'notice',
      level: 'notice',
      message: 'AH00491: caught SIGTERM, shutting down',
    });
    expect(of('AH01630')).toMatchObject({ class: 'client', failed: false, madeBy: 'client' });
    const log = [
      '[Sat Nov 21 14:02:08.903385 2026] [php:error] [pid 1] [client 10.0.0.1:5] PHP Fatal error:  Uncaught Exception',
      '[Sat Nov 21 14:02:09.903385 2026] [ssl:error] [pid 1:tid 2] [remote 10.0.0.7:443] AH02039: Certificate Verification: Error (10): certificate has expired',
      '[Sat Nov 21 14:02:10.903385 2026] [mpm_event:error] [pid 1:tid 1] AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting',
    ].join('\n');
    expect(idsIn(log)).toEqual(['apache-error-remote', 'apache-error', 'apache-error-plain-client']);
    const { series } = rollUpOf(
      log,
      recogniseText(log).map(({ format }) => format),
    );
    expect(series.map(({ outcome }) => String(outcome?.class)).toSorted()).toEqual(['other', 'other', 'pool-full']);
    expect(series.map(({ outcome }) => outcome?.peer)).toContain('10.0.0.7:443');
  });

  it('reads access logs, with quotes in their words', () => {
    expect(idsIn(fixture('apache-vhost-combined-2.4').join('\n'))).toEqual(['vhost-combined']);
    expect(idsIn(fixture('apache-common-2.4').join('\n'))).toEqual(['common']);
    expect(fieldsOf(formatByName('vhost_combined'), fixture('apache-vhost-combined-2.4')[2] ?? '')).toEqual({
      server: 'www.example.com:80',
      client: '127.0.0.1',
      request: 'GET /close?y=1 HTTP/1.1',
      status: '502',
      sent: '544',
      referer: 'http://ref.example/a b',
      'user-agent': 'curl/7.88 "q" \\x',
    });
    expect(outcomeOf(formatByName('vhost-combined'), fixture('apache-vhost-combined-2.4')[2] ?? '')).toEqual({
      status: 502,
      failed: true,
      madeBy: 'unknown',
      because: 'the log format says nothing of the backend',
      server: 'www.example.com:80',
      method: 'GET',
    });
  });

  it('reads %D where it is named', () => {
    const line = lineWith('apache-combined-d-2.4', '/slow');
    expect(seriesOf(formatByName('apache-combined-d'), line)).toMatchObject({ seconds: 1.001981, outcome: { status: 502 } });
    expect(outcomeOf(formatByName('combined'), line)).toBeUndefined();
  });
});

describe('Apache 2.2', () => {
  const at = '[Tue Mar 08 10:34:21 2011]';
  const log = [
    `${at} [error] (111)Connection refused: proxy: HTTP: attempt to connect to 127.0.0.1:8080 (localhost) failed`,
    `${at} [error] ap_proxy_connect_backend disabling worker for (localhost)`,
    `${at} [error] [client 10.1.2.3] (70007)The timeout specified has expired: proxy: error reading status line from remote server app1`,
    `${at} [error] [client 10.1.2.3] proxy: Error reading from remote server returned by /app/7, referer: http://ref.example/`,
    `${at} [error] [client 10.1.2.3] proxy: DNS lookup failure for: nosuch.invalid returned by /x`,
    `${at} [error] proxy: BALANCER: (balancer://mycluster). All workers are in error state`,
    `${at} [error] server reached MaxClients setting, consider raising the MaxClients setting`,
    `${at} [notice] child pid 1234 exit signal Segmentation fault (11)`,
    `${at} [error] [client 10.1.2.3] File does not exist: /var/www/favicon.ico`,
    `${at} [error] [client 10.1.2.3] PHP Fatal error:  Uncaught Exception in /srv/x.php`,
    `${at} [crit] (24)Too many open files: [client 10.1.2.3] /srv/.htaccess pcfg_openfile: unable to check htaccess file`,
    `${at} [notice] Apache/2.2.22 (Debian) configured -- resuming normal operations`,
  ];

  it('is told from 2.4, and every line of it is read', () => {
    const ids = idsIn(log.join('\n'));
    expect(ids.length).toBeGreaterThan(4);
    expect(ids.every(id => id.startsWith('apache22-'))).toBe(true);
    expect(rollUpOf(log.join('\n'), formatsByName('apache-error')).inputs[0]).toMatchObject({ misfits: 0, continued: 0, lines: log.length });
    expect(rollUpOf(fixture('apache-error-2.4').join('\n'), formatsByName('apache-error')).inputs[0]).toMatchObject({ misfits: 0, continued: 0 });
  });

  it.each([
    ['attempt to connect', { class: 'connect-refused', failed: true, peer: '127.0.0.1:8080' }],
    ['disabling worker', { class: 'server-disabled', failed: false }],
    ['status line', { class: 'read-timeout', failed: true, peer: 'app1' }],
    ['returned by /app', { class: 'notice', failed: false }],
    ['DNS lookup', { class: 'host-not-found', failed: true }],
    ['BALANCER', { class: 'no-live-upstreams', failed: true }],
    ['MaxClients', { class: 'pool-full', failed: true }],
    ['child pid', { class: 'worker-died', failed: true }],
    ['favicon', { class: 'client', failed: false, madeBy: 'client' }],
    ['PHP Fatal', { class: 'app-error', failed: true }],
    ['Too many', { class: 'too-many-open-files', failed: true }],
    ['resuming', { class: 'notice', failed: false }],
  ])('%s', (text, expected) => {
    const line = log.find(one => one.includes(text)) ?? '';
    const format = recogniseText(log.join('\n')).find(each => outcomeOf(each.format, line) !== undefined)?.format;
    expect(seriesOf(format, line)).toMatchObject({ at: '2011-03-08T10:34:21.000Z', outcome: expected });
  });
});

describe('Tomcat, gunicorn, uWSGI and php-fpm', () => {
  it('makes its own answers', () => {
    expect(outcomeOf(formatByName('gunicorn-access'), lineWith('gunicorn-access-20.1', '/502'))).toEqual({
      status: 502,
      failed: true,
      madeBy: 'backend',
      method: 'GET',
    });
    expect(outcomeOf(formatByName('tomcat'), fixture('tomcat-access-10.1')[0] ?? '')).toEqual({ status: 404, failed: false, madeBy: 'backend', method: 'GET' });
    expect(seriesOf(formatByName('tomcat10-access-d'), fixture('tomcat-access-d-10.1')[0] ?? '')).toMatchObject({ seconds: 0.057268 });
    expect(seriesOf(formatByName('tomcat-access-d'), fixture('tomcat-access-d-10.1')[0] ?? '')).toMatchObject({ seconds: 57.268 });
  });

  it('looks like a combined log where nobody names it', () => {
    expect(idsIn(fixture('gunicorn-access-20.1').join('\n'))).toEqual(['combined']);
    expect(idsIn(fixture('tomcat-access-10.1').join('\n'))).toEqual(['common']);
  });

  it('reads the messages of gunicorn', () => {
    const log = fixture('gunicorn-error-20.1').join('\n');
    expect(idsIn(log)).toEqual(['gunicorn-error']);
    const of = (text: string) => outcomeOf(formatByName('gunicorn-error'), text);
    expect(of(lineWith('gunicorn-error-20.1', '/boom'))).toEqual({
      status: 0,
      failed: true,
      madeBy: 'backend',
      class: 'app-error',
      level: 'error',
      message: 'Error handling request',
    });
    expect(of('[2026-11-21 07:31:32 +0000] [18166] [CRITICAL] WORKER TIMEOUT (pid:18212)')).toMatchObject({
      class: 'request-killed',
      failed: true,
      level: 'critical',
    });
    expect(of('[2026-11-21 07:31:34 +0000] [18166] [WARNING] Worker with pid 18214 was terminated due to signal 9')).toMatchObject({
      class: 'worker-died',
      failed: true,
    });
    expect(rollUpOf(log, [formatByName('gunicorn-error') ?? expect.fail()]).inputs[0]).toMatchObject({ misfits: 0, continued: 10 });
  });

  it('reads the requests and messages of uWSGI', () => {
    const format = formatByName('uwsgi');
    expect(seriesOf(format, lineWith('uwsgi-2.0.21', '/slow'))).toEqual({
      at: '2026-11-21T14:02:10.000Z',
      seconds: 1,
      outcome: { status: 200, failed: false, madeBy: 'backend', method: 'GET' },
    });
    expect(outcomeOf(format, lineWith('uwsgi-2.0.21', '/502'))).toEqual({ status: 502, failed: true, madeBy: 'backend', method: 'GET' });
    const messages = [
      'Sat Nov 21 07:31:44 2026 - *** uWSGI listen queue of socket "127.0.0.1:9301" (fd: 3) full !!! (5/4) ***',
      'DAMN ! worker 1 (pid: 19152) died, killed by signal 9 :( trying respawn ...',
      '*** HARAKIRI ON WORKER 2 (pid: 19153, try: 1) ***',
    ];
    const log = [...fixture('uwsgi-2.0.21'), ...messages].join('\n');
    expect(idsIn(log)).toEqual(['uwsgi', 'uwsgi-log', 'uwsgi-log-died', 'uwsgi-log-harakiri', 'uwsgi-log-spawned', 'uwsgi-log-traceback']);
    const { series, inputs } = rollUpOf(
      log,
      recogniseText(log).map(({ format: each }) => each),
    );
    // `...brutally killing workers...` stands behind a request.
    expect(inputs[0]).toMatchObject({ continued: 4, misfits: 1 });
    expect(series.flatMap(({ outcome }) => outcome?.class ?? []).toSorted()).toEqual([
      'app-error',
      'notice',
      'notice',
      'pool-full',
      'request-killed',
      'worker-died',
    ]);
  });

  it('takes no log for one of uWSGI for a traceback in it', () => {
    const log = [
      'Traceback (most recent call last):',
      '  File "x.py", line 3, in run',
      'ValueError: boom',
      'starting up',
      'Traceback (most recent call last):',
    ];
    expect(recogniseText(log.join('\n'))).toEqual([]);
  });

  it('reads requests of uWSGI in microseconds, and files that are sent', () => {
    const line = lineWith('uwsgi-2.0.21', '/slow').replace('in 1000 msecs', 'in 1234 micros via sendfile()');
    expect(idsIn(line)).toEqual(['uwsgi-micros']);
    expect(seriesOf(formatByName('uwsgi-micros'), line)).toMatchObject({ seconds: 0.001234, outcome: { status: 200 } });
  });

  it('reads the messages of php-fpm', () => {
    const of = (text: string) => outcomeOf(formatByName('php-fpm'), text);
    expect(of('[21-Nov-2026 07:29:57] WARNING: [pool www2] server reached pm.max_children setting (3), consider raising it')).toEqual({
      status: 0,
      failed: true,
      madeBy: 'backend',
      class: 'pool-full',
      level: 'warning',
      server: 'www2',
      message: 'server reached pm.max_children setting (3), consider raising it',
    });
    const killed = `[21-Nov-2026 07:29:59] WARNING: [pool www] child 15294, script '/srv/app/slow.php' (request: "GET /slow.php?s=10") execution timed out (4.002761 sec), terminating`;
    expect(of(killed)).toMatchObject({ class: 'request-killed', server: 'www', message: 'execution timed out (4.N sec), terminating' });
    expect(of('[21-Nov-2026 07:30:01] WARNING: [pool www] child 15370 exited on signal 11 (SIGSEGV) after 1.082077 seconds from start')).toMatchObject({
      class: 'worker-died',
      failed: true,
    });
    expect(of('[21-Nov-2026 07:29:59] WARNING: [pool www] child 15202 exited on signal 15 (SIGTERM) after 5.006246 seconds from start')).toMatchObject({
      class: 'notice',
      failed: false,
    });
    expect(
      of('[21-Nov-2026 07:30:01] WARNING: [pool www] child 15454 said into stderr: "NOTICE: PHP message: [pool x] server reached pm.max_children"'),
    ).toMatchObject({ class: 'app-stderr', failed: false });
    expect(of('[21-Nov-2026 14:02:02] NOTICE: fpm is running, pid 24326')).toEqual({
      status: 0,
      failed: false,
      madeBy: 'backend',
      class: 'notice',
      level: 'notice',
      message: 'fpm is running, pid N',
    });
  });

  it('reads the requests of php-fpm', () => {
    expect(idsIn(fixture('php-fpm-access-8.2').join('\n'))).toEqual(['php-fpm-access']);
    expect(idsIn(fixture('php-fpm-access-long-8.2').join('\n'))).toEqual(['php-fpm-access-long']);
    expect(seriesOf(formatByName('php-fpm-access-long'), fixture('php-fpm-access-long-8.2')[0] ?? '')).toEqual({
      at: '2026-11-21T14:02:11.000Z',
      seconds: 0.000319,
      outcome: { status: 200, failed: false, madeBy: 'backend', method: 'GET' },
    });
    expect(seriesOf(formatByName('php-fpm-access'), fixture('php-fpm-access-8.2')[1] ?? '')).toMatchObject({ outcome: { status: 404 } });
  });
});

describe('AWS', () => {
  const end =
    '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z';
  const line = (target: string, times: string, statuses: string, actions = 'forward', reason = '-', more = ' "10.0.0.1:80" "200" "-" "-"') =>
    `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 ${target} ${times} ${statuses} 34 366 ${end} "${actions}" "-" "${reason}"${more}`;
  const alb = formatByName('aws-alb');
  const of = (...parts: Parameters<typeof line>) => outcomeOf(alb, line(...parts));
  const same = { server: 'my-loadbalancer', method: 'GET' };

  it.each([
    ['a good answer', ['10.0.0.1:80', '0.000 0.001 0.000', '200 200'], { status: 200, failed: false, madeBy: 'backend', peer: '10.0.0.1:80' }],
    ['an answer of the target', ['10.0.0.1:80', '0.000 0.001 0.000', '502 502'], { status: 502, failed: true, madeBy: 'backend', peer: '10.0.0.1:80' }],
    ['no connection', ['10.0.0.1:80', '-1 -1 -1', '502 -'], { status: 502, failed: true, madeBy: 'proxy', peer: '10.0.0.1:80' }],
    ['no target', ['-', '-1 -1 -1', '503 -'], { status: 503, failed: true, madeBy: 'proxy', peer: 'my-targets', class: 'no-live-upstreams' }],
    ['a slow target', ['10.0.0.1:80', '0.001 -1 -1', '504 -'], { status: 504, failed: true, madeBy: 'proxy', peer: '10.0.0.1:80', class: 'read-timeout' }],
    ['a timeout of the connection', ['10.0.0.1:80', '-1 -1 -1', '504 -'], { status: 504, failed: true, madeBy: 'proxy', peer: '10.0.0.1:80' }],
    [
      'a function',
      ['-', '0.000 0.001 0.000', '502 -', 'forward', 'LambdaInvalidResponse'],
      { status: 502, failed: true, madeBy: 'proxy', peer: 'my-targets', message: 'LambdaInvalidResponse' },
    ],
    ['a client that left', ['10.0.0.1:80', '-1 -1 -1', '460 -'], { status: 460, failed: true, madeBy: 'client', peer: '10.0.0.1:80' }],
    [
      'a sign-in that failed',
      ['-', '-1 -1 -1', '561 -', 'authenticate', 'AuthInvalidCookie'],
      { status: 561, failed: true, madeBy: 'proxy', peer: 'my-targets', class: 'auth-request', message: 'AuthInvalidCookie' },
    ],
    ['an answer on purpose', ['-', '-1 -1 -1', '503 -', 'fixed-response'], { status: 503, failed: false, madeBy: 'proxy', peer: 'my-targets' }],
  ] as const)('%s', (_, parts, expected) => {
    expect(outcomeOf(alb, line(...(parts as unknown as Parameters<typeof line>)))).toEqual({ ...same, ...expected });
  });

  it('reads lines with more fields, and with fewer', () => {
    const more = ' "10.0.1.20:3000" "-" "-" "-" TID_dc57cf3ed6f0e84c8e1d9f1d0a1b2c3d "-" "-" "-" 10.9.9.9';
    expect(of('10.0.0.1:80', '0.000 0.012 0.000', '200 200', 'waf,forward', '-', more)).toMatchObject({ status: 200, failed: false });
    expect(seriesOf(alb, line('10.0.0.1:80', '0.000 0.012 0.000', '200 200', 'forward', '-', ''))).toMatchObject({
      at: '2018-07-02T22:23:00.186Z',
      seconds: 0.012,
    });
    const old = line('10.0.0.1:80', '0.000 0.012 0.000', '502 502').split(' "Root=')[0] ?? '';
    expect(outcomeOf(alb, `${old} "Root=1-58337262-36d228ad5d99923122bbe354"`)).toBeUndefined();
    expect(idsIn(`${old} "Root=1-58337262-36d228ad5d99923122bbe354"\n`)).toEqual(['aws-alb-2016']);
  });

  it('reads lines of classic load balancers', () => {
    const classic =
      '2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -';
    expect(idsIn(classic)).toEqual(['aws-clb']);
    expect(seriesOf(formatByName('aws-clb'), classic)).toEqual({
      at: '2015-05-13T23:39:43.945Z',
      seconds: 0.001048,
      outcome: { status: 200, failed: false, madeBy: 'backend', peer: '10.0.0.1:80', server: 'my-loadbalancer', method: 'GET' },
    });
    expect(idsIn(line('10.0.0.1:80', '0.000 0.012 0.000', '200 200'))).toEqual(['aws-alb']);
  });
});

describe('Azure', () => {
  const v2 = (properties: object) =>
    JSON.stringify({
      timeStamp: '2021-10-14T22:17:11+00:00',
      listenerName: 'HTTP-Listener',
      backendPoolName: 'app',
      category: 'ApplicationGatewayAccessLog',
      properties: {
        instanceId: 'appgw_2',
        httpMethod: 'GET',
        originalRequestUriWithArgs: '/',
        timeTaken: 0.034,
        serverResponseLatency: '0.028',
        ...properties,
      },
    });
  const of = (status: number, serverRouted: string, serverStatus: string, error_info?: string) =>
    outcomeOf(formatByName('azure'), v2({ httpStatus: status, serverRouted, serverStatus, ...(error_info === undefined ? {} : { error_info }) }));
  const same = { server: 'HTTP-Listener', method: 'GET' };
  const peer = '52.239.221.65:443';

  it.each([
    [[200, peer, '200', 'ERRORINFO_NO_ERROR'], { status: 200, failed: false, madeBy: 'backend', peer }],
    [[502, peer, '502', 'ERRORINFO_NO_ERROR'], { status: 502, failed: true, madeBy: 'backend', peer }],
    [
      [502, peer, '502', 'ERRORINFO_UPSTREAM_CLOSED_CONNECTION'],
      { status: 502, failed: true, madeBy: 'proxy', peer, class: 'premature-close', message: 'ERRORINFO_UPSTREAM_CLOSED_CONNECTION' },
    ],
    [
      [502, '', '', 'ERRORINFO_UPSTREAM_NO_LIVE'],
      { status: 502, failed: true, madeBy: 'proxy', peer: 'app', class: 'no-live-upstreams', message: 'ERRORINFO_UPSTREAM_NO_LIVE' },
    ],
    [
      [504, peer, '504', 'ERRORINFO_UPSTREAM_TIMED_OUT'],
      { status: 504, failed: true, madeBy: 'proxy', peer, class: 'read-timeout', message: 'ERRORINFO_UPSTREAM_TIMED_OUT' },
    ],
    [[499, peer, '', 'ERRORINFO_CLIENT_CLOSED_REQUEST'], { status: 499, failed: true, madeBy: 'client', peer, message: 'ERRORINFO_CLIENT_CLOSED_REQUEST' }],
    [[502, peer, '502'], { status: 502, failed: true, madeBy: 'unknown', because: 'the record has no error_info', peer }],
    [
      [200, '10.0.0.1:80, 10.0.0.2:80', '504, 200', 'ERRORINFO_NO_ERROR'],
      { status: 200, failed: true, madeBy: 'backend', peer: '10.0.0.2:80', hiddenPeers: ['10.0.0.1:80'] },
    ],
  ] as const)('%j', (parts, expected) => {
    expect(of(...(parts as unknown as Parameters<typeof of>))).toEqual({ ...same, ...expected });
  });

  it('tells v1, tables and other records apart', () => {
    const good = { httpStatus: 502, serverRouted: peer, serverStatus: '502' };
    expect(seriesOf(formatByName('azure'), v2(good))).toMatchObject({ at: '2021-10-14T22:17:11.000Z', seconds: 0.034 });
    expect(idsIn(v2(good))).toEqual(['azure-application-gateway']);
    const v1 = JSON.stringify({
      time: '2017-04-26T19:27:38Z',
      category: 'ApplicationGatewayAccessLog',
      properties: {
        instanceId: 'ApplicationGatewayRole_IN_0',
        httpStatus: 502,
        httpMethod: 'GET',
        requestQuery: 'SERVER-ROUTED=10.4.0.4&SERVER-STATUS=404',
        timeTaken: 83,
      },
    });
    expect(idsIn(v1)).toEqual(['azure-application-gateway-v1']);
    expect(seriesOf(formatByName('azure-v1'), v1)).toMatchObject({ seconds: 0.083, outcome: { status: 502, madeBy: 'unknown' } });
    const table = JSON.stringify({
      TimeGenerated: '2026-01-10T10:00:00.000Z',
      HttpStatus: 502,
      ServerRouted: peer,
      ServerStatus: '502',
      ErrorInfo: 'ERRORINFO_NO_ERROR',
      TimeTaken: 1.5,
    });
    expect(idsIn(table)).toEqual(['azure-agw-table']);
    const diagnostics = JSON.stringify({
      TimeGenerated: '2026-01-10T10:00:00Z',
      httpStatus_d: 502,
      serverRouted_s: peer,
      serverStatus_s: '502',
      error_info_s: 'ERRORINFO_NO_ERROR',
      timeTaken_d: 1.5,
    });
    expect(seriesOf(formatByName('azure-diagnostics'), diagnostics)).toMatchObject({ seconds: 1.5, outcome: { status: 502, madeBy: 'backend', peer } });
    const firewall = JSON.stringify({
      timeStamp: '2021-10-14T22:17:11+00:00',
      category: 'ApplicationGatewayFirewallLog',
      properties: { instanceId: 'appgw_2', ruleId: '942130', action: 'Blocked' },
    });
    expect(idsIn(firewall)).toEqual([]);
  });
});

describe('Cloudflare', () => {
  const line = (values: object, at: string | number = '2026-11-21T01:55:14Z') =>
    JSON.stringify({ EdgeStartTimestamp: at, ClientRequestMethod: 'GET', OriginIP: '203.0.113.9', ...values });
  const of = (values: object) => outcomeOf(formatByName('cloudflare'), line(values));

  it.each([
    [200, 200, { failed: false, madeBy: 'backend' }],
    [502, 502, { failed: true, madeBy: 'backend' }],
    [502, 0, { failed: true, madeBy: 'proxy' }],
    [520, 0, { failed: true, madeBy: 'proxy' }],
    [521, 0, { failed: true, madeBy: 'proxy', class: 'connect-refused' }],
    [522, 0, { failed: true, madeBy: 'proxy', class: 'connect-timeout' }],
    [523, 0, { failed: true, madeBy: 'proxy', class: 'connect-unreachable' }],
    [524, 0, { failed: true, madeBy: 'proxy', class: 'read-timeout' }],
    [525, 0, { failed: true, madeBy: 'proxy', class: 'tls-handshake' }],
    [526, 0, { failed: true, madeBy: 'proxy', class: 'tls-verify' }],
    [530, 0, { failed: true, madeBy: 'proxy' }],
    [499, 0, { failed: true, madeBy: 'client' }],
    [502, 500, { failed: true, madeBy: 'backend' }],
  ])('%d of %d', (status, origin, expected) => {
    expect(of({ EdgeResponseStatus: status, OriginResponseStatus: origin })).toEqual({ status, peer: '203.0.113.9', method: 'GET', ...expected });
  });

  it('says what the records lack', () => {
    expect(of({ EdgeResponseStatus: 502 })).toMatchObject({ madeBy: 'unknown', because: 'the records lack OriginResponseStatus' });
    expect(of({ EdgeResponseStatus: 522 })).toMatchObject({ madeBy: 'proxy' });
  });

  it('does not count an early hint that nobody sees', () => {
    expect(of({ EdgeResponseStatus: 504, OriginResponseStatus: 0, ClientRequestSource: 'earlyHintsCache' })).toMatchObject({ failed: false });
  });

  it.each([
    ['cloudflare', '2026-11-21T01:55:14Z', '2026-11-21T01:55:14.000Z'],
    ['cloudflare', '2026-11-21T01:55:14.123456789Z', '2026-11-21T01:55:14.123Z'],
    ['cloudflare-unix', 1_795_226_114, '2026-11-21T01:55:14.000Z'],
    ['cloudflare-unixnano', '1795226114123000000', '2026-11-21T01:55:14.123Z'],
  ])('%s: %s', (id, at, expected) => {
    const text = line({ EdgeResponseStatus: 502, OriginResponseStatus: 502, EdgeTimeToFirstByteMs: 12 }, at);
    expect(idsIn(text)).toEqual([id]);
    expect(seriesOf(recogniseText(text)[0]?.format, text)).toMatchObject({ at: expected, seconds: 0.012 });
  });
});

describe('names', () => {
  it('are those of formats, each once', () => {
    const ids = knownFormats().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of formatNames()) expect(formatsByName(name).length, name).toBeGreaterThan(0);
    expect(formatNames()).toEqual(formatNames().toSorted());
  });

  it('may be called otherwise', () => {
    expect(formatByName('nginx-combined')?.id).toBe('combined');
    expect(formatByName(' AWS-ALB ')?.id).toBe('aws-alb');
    expect(formatsByName('haproxy').map(({ id }) => id)).toEqual(['haproxy-http', 'haproxy-tcp']);
    expect(formatsByName('apache-error').length).toBe(21);
    expect(formatsByName('haproxy+syslog').map(({ id }) => id)).toEqual(['haproxy-http+syslog', 'haproxy-tcp+syslog']);
    expect(formatByName('combined+syslog+cri')).toBeUndefined();
    expect(formatByName('combined+tar')).toBeUndefined();
    expect(formatByName('nobody')).toBeUndefined();
    expect(formatByName('__proto__')).toBeUndefined();
    expect(formatByName('constructor')).toBeUndefined();
  });

  it('name only roles that their plans have', () => {
    for (const format of knownFormats()) {
      const named = new Set((format.plan.kind === 'steps' ? format.plan.steps : format.plan.keys).flatMap(step => ('role' in step ? (step.role ?? []) : [])));
      expect(new Set(format.roles), format.id).toEqual(named);
    }
  });
});

it('gives an outcome for any values', () => {
  const text = fc.oneof(fc.constantFrom('502', '-', '', '502, 200', '-1', 'SH--', '10.0.0.1:80', '*0 x', '(111'), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      for (const format of knownFormats()) {
        const outcome = format.outcome({
          status: a,
          'upstream-status': b,
          peer: c,
          flags: d,
          reason: a,
          message: b,
          level: c,
          group: d,
          server: a,
          request: b,
          method: c,
        });
        expect(Number.isInteger(outcome.status)).toBe(true);
        expect(Object.values(outcome)).not.toContain(undefined);
      }
    }),
    { numRuns: 60 },
  );
});
