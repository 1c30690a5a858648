import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { absent, known, type Known } from '../model/fact.ts';
import type { NginxAccessLog, NginxErrorLog } from '../model/facts/logs.ts';
import type { NginxLayout } from '../model/facts/topology.ts';
import accessLog from './nginx-access-log.ts';
import errorLog from './nginx-error-log.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';

const errorPath = '/var/log/nginx/error.log';
const accessPath = '/var/log/nginx/access.log';
const origin = { kind: 'file', path: '/etc/nginx/nginx.conf', line: 7 } as const;
const timed = '$remote_addr [$time_iso8601] "$request" $status $request_time $host "$upstream_addr" "$upstream_status" "$upstream_header_time"';

function layout(logs: { readonly access?: readonly (readonly [path: string, format: string])[]; readonly error?: readonly string[] }): NginxLayout {
  return {
    servers: [
      {
        id: 'server-1',
        instanceId: 'nginx',
        names: ['a.example'],
        listens: [],
        origin: { path: origin.path, line: 1 },
        accessLogs: (logs.access ?? []).map(([path, format]) => ({ path, format, origin })),
        errorLogs: (logs.error ?? []).map(path => ({ path, level: 'error', origin })),
      },
    ],
    routes: [],
    groups: [],
    logFormats: [{ instanceId: 'nginx', name: 'timed', format: timed, escape: 'default', origin }],
    mainErrorLogs: [],
    fixedAnswers: [],
    hostNames: [],
  };
}

function hostOf(files: Readonly<Record<string, string | Known<unknown>>>, journal?: string) {
  return (request: Request): Known<unknown> | undefined => {
    if (request.kind === 'exec')
      return journal === undefined ? absent('journalctl: no such program') : known({ stdout: journal, stderr: '', code: 0, truncated: false });
    if (request.kind === 'list') return known(Object.keys(files).map(path => path.slice(request.path.length + 1)));
    if (request.kind !== 'read' && request.kind !== 'stat') return undefined;
    const file = files[request.path];
    if (file === undefined) return absent(`${request.path}: no such file`);
    if (typeof file !== 'string') return file;
    const bytes = new TextEncoder().encode(file);
    if (request.kind === 'stat') return known({ kind: 'file', size: bytes.length, modifiedMs: TEST_CONTEXT.nowMs });
    const { offset: from = 0, limit = 1 << 20 } = request.options ?? {};
    const offset = from < 0 ? Math.max(0, bytes.length + from) : from;
    const part = bytes.subarray(offset, offset + limit);
    return known({ bytes: part, size: bytes.length, atEnd: offset + limit >= bytes.length });
  };
}

const noInstances = { 'nginx-instances': absent('none'), 'host-identity': absent('none') } as const;

function errorsOf(files: Readonly<Record<string, string | Known<unknown>>>, error: readonly string[] = [errorPath], journal?: string) {
  const { fact, asked } = runCollector(errorLog, { 'nginx-layout': known(layout({ error })), ...noInstances }, { answer: hostOf(files, journal) });
  if (fact.state !== 'known') throw new Error(fact.why);
  const value: NginxErrorLog = fact.value;
  return { value, problems: fact.problems ?? [], asked };
}

function accessOf(text: string | Known<unknown>, format = 'timed', path = accessPath, journal?: string) {
  const { fact, asked } = runCollector(
    accessLog,
    { 'nginx-layout': known(layout({ access: [[path, format]] })), ...noInstances },
    { answer: hostOf({ [path]: text }, journal) },
  );
  if (fact.state !== 'known') throw new Error(fact.why);
  const value: NginxAccessLog = fact.value;
  return { value, problems: fact.problems ?? [], asked };
}

const wall = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
const { nowMs, sinceMs } = TEST_CONTEXT;

function refused(ms: number, uri = '/x', peer = '127.0.0.1:8080'): string {
  return `${wall(ms)} [error] 7#7: *4 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: a.example, request: "GET ${uri} HTTP/1.1", upstream: "http://${peer}${uri}", host: "a.example"`;
}

describe('nginx-error-log', () => {
  it('is read in the zone that the access log of the same nginx shows', () => {
    const at = nowMs - 60_000;
    const hour = 3_600_000;
    const stamp = (ms: number, zone: string): string => `[${iso(ms).slice(0, 19)}${zone}]`;
    const line = (ms: number, zone: string): string => `10.0.0.1 ${stamp(ms, zone)} "GET / HTTP/1.1" 502 0.001 h "-" "-" "-"\n`;
    const firstMs = (access: string, clock = TEST_CONTEXT.clock): number | undefined => {
      const wallMs = clock === TEST_CONTEXT.clock ? at - 5 * hour : at;
      const files = { [errorPath]: `${refused(wallMs)}\n`, [accessPath]: access };
      const known_ = known(layout({ error: [errorPath], access: [[accessPath, 'timed']] }));
      const { fact } = runCollector(errorLog, { 'nginx-layout': known_, ...noInstances }, { answer: hostOf(files) }, { ...TEST_CONTEXT, clock });
      return fact.state === 'known' ? fact.value.groups[0]?.firstMs : undefined;
    };
    const there = line(at - 5 * hour, '-05:00');
    expect(firstMs(`${there}${there}`)).toBe(Math.floor(at / 1000) * 1000);
    // One line may be from before a change, and a client may have written the other one into its request.
    expect(firstMs(`${there}${there}${line(at, '+00:00')}`)).toBeUndefined();
    expect(firstMs(`${there}10.0.0.1 ${stamp(at, '+00:00')} "GET /${stamp(at - 5 * hour, '-05:00')} HTTP/1.1" 502\n`)).toBeUndefined();
    expect(firstMs(`${there}${line(at - 48 * hour, '-05:00')}`)).toBeUndefined();
    expect(firstMs('')).toBeUndefined();
    // UTC on a host that has another zone, as in many containers.
    const india = { ...TEST_CONTEXT.clock, zone: 'Asia/Kolkata', offsetMinutes: 330 };
    expect(firstMs(`${line(at, '+00:00')}${line(at, '+00:00')}`, india)).toBe(Math.floor(at / 1000) * 1000);
    expect(firstMs('', india)).toBeUndefined();
  });

  it('folds the records of the window, with sources by line', () => {
    const lines = [refused(sinceMs - 1000), refused(sinceMs + 1000, '/item/1'), refused(sinceMs + 2000, '/item/2'), refused(sinceMs + 3000, '/item/3')];
    const { value, problems } = errorsOf({ [errorPath]: `${lines.join('\n')}\n` });
    expect(value.groups).toHaveLength(1);
    expect(value.groups[0]).toMatchObject({
      class: 'connect-refused',
      errno: 111,
      peer: '127.0.0.1:8080',
      urlTemplate: '/item/{n}',
      count: 3,
      firstMs: sinceMs + 1000,
      lastMs: sinceMs + 3000,
    });
    expect(value.groups[0]?.samples.map(sample => sample.source.line)).toEqual([2, 3, 4]);
    expect(value.coverage[0]).toMatchObject({ lines: 3, unparsedLines: 0, wholeWindow: true, firstMs: sinceMs + 1000 });
    expect(problems).toEqual([]);
  });

  it('puts a record together that spans lines, and does not add lines to one that is too old', () => {
    const stderr = (ms: number): string =>
      `${wall(ms)} [error] 7#7: *4 FastCGI sent in stderr: "PHP message: one\nPHP message: two" while reading response header from upstream, client: 10.0.0.1, server: a, request: "GET /i.php HTTP/1.1", upstream: "fastcgi://unix:/run/php/php.sock:", host: "a"`;
    const { value } = errorsOf({ [errorPath]: `${stderr(sinceMs - 5000)}\n${stderr(sinceMs + 5000)}\n${refused(sinceMs + 6000)}\n` });
    expect(value.groups.find(group => group.class === 'app-stderr')).toMatchObject({ count: 1, peer: 'unix:/run/php/php.sock', scheme: 'fastcgi' });
    expect(value.coverage[0]).toMatchObject({ lines: 3, unparsedLines: 0 });
  });

  it('accounts for every line of any file', () => {
    const line = fc.oneof(
      fc.constant(refused(sinceMs + 1000)),
      fc.string({ unit: 'binary-ascii', maxLength: 60 }).map(text => text.replaceAll(/[\r\n]/gu, '')),
      fc.constant('PHP message: x'),
      fc.constant('z'.repeat(3000)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), lines => {
        const { value } = errorsOf({ [errorPath]: lines.map(one => `${one}\n`).join('') });
        const records = lines.findIndex(one => one.startsWith(wall(sinceMs + 1000)));
        const parsed = value.groups.reduce((sum, group) => sum + group.count, 0);
        expect(parsed).toBe(lines.filter(one => one.startsWith(wall(sinceMs + 1000))).length);
        // Blank lines before the first record, or where none can be added to one, count for nothing.
        const least = lines.filter(one => one !== '').length;
        const { lines: counted = 0, unparsedLines = 0 } = value.coverage[0] ?? {};
        expect(counted).toBeGreaterThanOrEqual(least);
        expect(counted).toBeLessThanOrEqual(lines.length);
        if (records === -1) expect(unparsedLines).toBe(counted);
      }),
      { numRuns: 60 },
    );
  });

  it('says what could not be read and why', () => {
    const { value } = errorsOf({ '/log/denied': { state: 'denied', why: 'permission denied', how: 'run as root' } }, [
      '/log/denied',
      '/log/none',
      'syslog:server=10.9.9.9:514',
      'memory:32m',
      '/log/$host.log',
      'stderr',
    ]);
    expect(value.coverage).toEqual([]);
    expect(value.unread.map(({ path, why }) => `${path}: ${why}`).sort()).toEqual([
      '/log/$host.log: /log/$host.log: no such file',
      '/log/denied: permission denied (run as root)',
      '/log/none: /log/none: no such file',
      'memory:32m: it is kept in the memory of nginx, where only a debugger reads it',
      "stderr: it goes to the journal or the container's log, which could not be read: journalctl: no such program",
      'syslog:server=10.9.9.9:514: it is sent to the syslog server 10.9.9.9:514, so it is not on this host',
    ]);
  });

  it('reads the journal where nginx writes to stderr, and only nginx records in it', () => {
    const entry = (message: string, ms: number): string =>
      JSON.stringify({ MESSAGE: message, __REALTIME_TIMESTAMP: String(ms * 1000), SYSLOG_IDENTIFIER: 'nginx', _PID: '7' });
    const journal = [
      entry(refused(sinceMs + 7_201_000), sinceMs + 1000),
      entry('nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)', sinceMs + 2000),
      entry('Started nginx.service', sinceMs + 3000),
    ].join('\n');
    const { value, asked } = errorsOf({}, ['stderr'], journal);
    expect(value.groups.map(group => [group.class, group.firstMs, group.samples[0]?.source.path])).toEqual([
      ['connect-refused', sinceMs + 1000, 'journal:nginx.service'],
      ['bind-failed', sinceMs + 2000, 'journal:nginx.service'],
    ]);
    expect(asked.find(request => request.kind === 'exec')).toMatchObject({
      argv: expect.arrayContaining(['journalctl', '_COMM=nginx', '+', '_SYSTEMD_UNIT=nginx.service']),
    });
  });

  it('counts a record once that is written to two logs', () => {
    const text = `${refused(nowMs - 2000)}\n${refused(nowMs - 1000)}\n`;
    expect(errorsOf({ '/log/a': text, '/log/b': text }, ['/log/a', '/log/b']).value.groups).toMatchObject([{ count: 2 }]);
    expect(errorsOf({ [errorPath]: `${refused(nowMs)}\n${refused(nowMs)}\n` }).value.groups).toMatchObject([{ count: 2 }]);
  });

  it('leaves out records of the future and says so', () => {
    const { value, problems } = errorsOf({ [errorPath]: `${refused(nowMs + 3_600_000)}\n${refused(nowMs - 1000)}\n` });
    expect(value.groups[0]?.count).toBe(1);
    expect(problems).toEqual([expect.stringContaining('1 records carry a time in the future')]);
  });

  it('keeps the count where there are more groups than it holds', () => {
    const lines: string[] = [];
    for (let index = 0; index < 2500; index += 1)
      lines.push(
        refused(
          nowMs - 1000,
          `/p${'abcdefghij'[index % 10]}${'abcdefghij'[Math.floor(index / 10) % 10]}`,
          `10.0.${index % 250}.1:${Math.floor(index / 25) + 1000}`,
        ),
      );
    const { value } = errorsOf({ [errorPath]: lines.join('\n') });
    expect(value.groups.reduce((sum, group) => sum + group.count, 0)).toBe(2500);
    expect(value.groups.length).toBeLessThanOrEqual(2044);
  });

  it('is absent where there is no nginx, and reads the built-in path where the config could not be read', () => {
    const none = runCollector(errorLog, { 'nginx-layout': absent('no config'), 'nginx-instances': known([]), 'host-identity': absent('none') }, {});
    expect(none.fact.state).toBe('absent');
    const instance = {
      id: 'nginx',
      running: true,
      binary: '/usr/sbin/nginx',
      prefix: '/usr/share/nginx',
      configPath: '',
      globalDirectives: '',
      flavour: 'nginx',
      configureArguments: `--x=1 --error-log-path=${errorPath}`,
      workers: [],
    };
    const facts = { 'nginx-layout': absent('no config'), 'nginx-instances': known([instance]), 'host-identity': absent('none') } as const;
    const { fact } = runCollector(errorLog, facts, { answer: hostOf({ [errorPath]: refused(nowMs - 1000) }) });
    expect(fact).toMatchObject({ state: 'known', value: { groups: [{ count: 1 }] }, problems: [expect.stringContaining('built with')] });
  });
});

describe('nginx-access-log', () => {
  const line = (ms: number, status: number, upstream: string, uri = '/a/1'): string =>
    `10.0.0.1 [${iso(ms)}] "GET ${uri}?q=1 HTTP/1.1" ${status} 0.100 a.example ${upstream}`;

  it('counts all and folds the failing ones by who made them', () => {
    const text = [
      line(sinceMs - 5000, 502, '"127.0.0.1:1" "502" "-"'),
      line(sinceMs + 1000, 200, '"127.0.0.1:1" "200" "0.1"'),
      line(sinceMs + 2000, 502, '"127.0.0.1:1" "502" "-"'),
      line(sinceMs + 3000, 502, '"127.0.0.1:1" "502" "-"', '/a/22'),
      line(sinceMs + 4000, 502, '"127.0.0.1:1, 127.0.0.1:2" "502, 502" "-, 0.200"'),
      line(sinceMs + 5000, 200, '"127.0.0.1:1, [::1]:2" "502, 200" "-, 0.001"'),
      line(sinceMs + 6000, 404, '"-" "-" "-"'),
      line(sinceMs + 7000, 500, '"" "-" "-"'),
      line(sinceMs + 8000, 499, '"127.0.0.1:1" "-" "-"'),
      'rubbish',
    ].join('\n');
    const { value, problems } = accessOf(`${text}\n`);
    expect(value.total).toBe(8);
    expect(value.byStatus).toEqual({ '200': 2, '404': 1, '499': 1, '500': 1, '502': 3 });
    expect(value.failing.map(group => [group.status, group.count, group.madeBy, group.peer, group.tries])).toEqual([
      [502, 2, 'nginx', '127.0.0.1:1', 1],
      [502, 1, 'backend', '127.0.0.1:2', 2],
      [200, 1, 'nginx', '[::1]:2', 2],
      [500, 1, 'nginx', undefined, 1],
      [499, 1, 'client', '127.0.0.1:1', 1],
    ]);
    expect(value.byTemplate).toEqual([{ key: '/a/{n}', total: 8, failed: 6 }]);
    expect(value.byServer).toEqual([{ key: 'a.example', total: 8, failed: 6 }]);
    expect(value.byMethod).toEqual([{ key: 'GET', total: 8, failed: 6 }]);
    expect(value.byPeer.find(peer => peer.key === '127.0.0.1:1')).toEqual({ key: '127.0.0.1:1', total: 4, failed: 3 });
    expect(value.failing[0]).toMatchObject({
      requestTime: { count: 2, median: 0.1 },
      samples: [{ source: { path: accessPath, line: 3 } }, { source: { line: 4 } }],
    });
    expect(value.coverage[0]).toMatchObject({ lines: 9, unparsedLines: 1, unparsedSamples: ['rubbish'] });
    expect(value.formats).toEqual([
      {
        path: accessPath,
        format: timed,
        variables: expect.arrayContaining(['upstream_status']),
        origin: { path: origin.path, line: 7 },
        servers: ['server-1'],
      },
    ]);
    expect(problems).toEqual([expect.stringContaining('1 of 9 lines do not fit')]);
  });

  it('keeps GETs that may have been upgrades apart from the failing ones', () => {
    const at = (ms: number, status: number, uri: string, upstream: string, method = 'GET'): string =>
      `10.0.0.1 [${iso(sinceMs + ms)}] "${method} ${uri} HTTP/1.1" ${status} 0.100 a.example ${upstream}`;
    const by = (status: number): string => `"127.0.0.1:1" "${status}" "0.1"`;
    const { value } = accessOf(
      [
        at(1000, 426, '/live/7?token=x', by(426)),
        at(2000, 426, '/live/8', by(426)),
        at(3000, 400, '/live/9', by(400)),
        at(4000, 404, '/app/ws', by(404)),
        // None of these can have been one, or none was refused by a backend.
        at(5000, 404, '/wp-login.php', by(404)),
        at(6000, 400, '/orders', by(400), 'POST'),
        at(7000, 400, '/x', '"-" "-" "-"'),
        at(8000, 400, '', '"-" "-" "-"'),
        at(9000, 101, '/live/1', by(101)),
        at(9500, 200, '/', by(200)),
      ].join('\n'),
    );
    expect(value.failing).toEqual([]);
    expect(value.refused?.map(group => [group.status, group.urlTemplate, group.count, group.peer])).toEqual([
      [426, '/live/{n}', 2, '127.0.0.1:1'],
      [400, '/live/{n}', 1, '127.0.0.1:1'],
      [404, '/app/ws', 1, '127.0.0.1:1'],
    ]);
    expect(value.refused?.[0]?.samples[0]).toMatchObject({ uri: '/live/7?token=x', source: { line: 1 } });
    expect(value.switched).toEqual([{ key: '/live/{n}', total: 1 }]);
  });

  it('takes the word of a log that has the Upgrade header, and holds no more groups than it may', () => {
    const withUpgrade = '$remote_addr [$time_iso8601] "$request" $status $http_upgrade "$upstream_addr" "$upstream_status"';
    const files = (lines: readonly string[]) => {
      const logs = layout({ access: [[accessPath, 'u']] });
      const formats = [{ instanceId: 'nginx', name: 'u', format: withUpgrade, escape: 'default', origin } as const];
      const { fact } = runCollector(
        accessLog,
        { 'nginx-layout': known({ ...logs, logFormats: formats }), ...noInstances },
        { answer: hostOf({ [accessPath]: lines.map(each => `${each}\n`).join('') }) },
      );
      if (fact.state !== 'known') throw new Error(fact.why);
      return fact.value.refused ?? [];
    };
    const at = (uri: string, status: number, upgrade: string): string =>
      `10.0.0.1 [${iso(nowMs - 1000)}] "GET ${uri} HTTP/1.1" ${status} ${upgrade} "127.0.0.1:1" "${status}"`;
    expect(files([at('/a', 200, 'websocket'), at('/b', 101, 'websocket'), at('/c', 404, 'h2c'), at('/d', 200, '-')])).toMatchObject([
      { status: 200, urlTemplate: '/a', upgrade: true },
    ]);
    const many = files(
      Array.from({ length: 2000 }, (_, index) =>
        at(
          `/x${'abcdefghij'[index % 10] ?? ''}${String.fromCodePoint(97 + (index % 26))}/y${'klmnopqrst'[Math.floor(index / 26) % 10] ?? ''}${String.fromCodePoint(97 + (Math.floor(index / 260) % 26))}`,
          400,
          '-',
        ),
      ),
    );
    expect(many.length).toBeLessThanOrEqual(301);
    expect(many.reduce((sum, group) => sum + group.count, 0)).toBe(2000);
  });

  it('falls back to combined, and says what that cannot tell', () => {
    const at = new Date(nowMs - 1000);
    const time = `21/Nov/2026:${at.toISOString().slice(11, 19)} +0000`;
    const { value } = accessOf(`1.1.1.1 - - [${time}] "POST /pay HTTP/1.1" 502 157 "-" "curl"\n`);
    expect(value.failing).toMatchObject([
      { status: 502, method: 'POST', urlTemplate: '/pay', madeBy: 'unknown', because: 'the log format lacks $upstream_status' },
    ]);
  });

  it('counts a request once that is written to two logs, by the log that tells more', () => {
    const at = new Date(nowMs - 1000).toISOString().slice(11, 19);
    const files = {
      '/log/b.log': `10.0.0.1 - - [21/Nov/2026:${at} +0000] "GET /a/1?q=1 HTTP/1.1" 502 157 "-" "curl"\n`,
      '/log/a.log': `${line(nowMs - 1000, 502, '"127.0.0.1:1" "502" "-"')}\n`,
    };
    const both = layout({
      access: [
        ['/log/b.log', 'combined'],
        ['/log/a.log', 'timed'],
      ],
    });
    const { fact } = runCollector(accessLog, { 'nginx-layout': known(both), ...noInstances }, { answer: hostOf(files) });
    expect(fact).toMatchObject({ value: { total: 1, failing: [{ path: '/log/a.log', madeBy: 'nginx' }], coverage: [{ lines: 1 }, { lines: 1 }] } });
    expect(fact).toMatchObject({ problems: ['/log/b.log holds the same requests as /log/a.log and was not counted again'] });
  });

  it('reads access lines from the journal', () => {
    const entry = JSON.stringify({
      MESSAGE: line(nowMs - 1000, 502, '"127.0.0.1:1" "502" "-"'),
      __REALTIME_TIMESTAMP: String((nowMs - 1000) * 1000),
      SYSLOG_IDENTIFIER: 'web',
    });
    const { value, asked } = accessOf(absent('x'), 'timed', 'syslog:server=unix:/dev/log,tag=web,severity=info', entry);
    expect(value.failing).toMatchObject([{ status: 502, count: 1 }]);
    expect(asked.find(request => request.kind === 'exec')).toMatchObject({ argv: expect.arrayContaining(['SYSLOG_IDENTIFIER=web']) });
  });

  it('classifies the samples of nginx 1.22.1 without losing one', () => {
    const cases = JSON.parse(readFileSync(new URL('../parsers/nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly {
      readonly access_log: readonly string[];
      readonly error_log: readonly string[];
    }[];
    const { value } = errorsOf({
      [errorPath]: cases
        .flatMap(one => one.error_log)
        .map(one => one.replace(/^\S+ \S+/u, wall(nowMs - 1000)))
        .join('\n'),
    });
    expect(value.groups.reduce((sum, group) => sum + group.count, 0)).toBe(328);
    expect(value.coverage[0]?.unparsedLines).toBe(0);
  });

  it('accounts for every line, whatever the bytes', () => {
    const piece = fc.oneof(
      fc.constant(line(nowMs - 1000, 200, '"-" "-" "-"')),
      fc.string({ unit: 'binary', maxLength: 80 }).map(text => text.replaceAll(/[\r\n]/gu, '.')),
    );
    fc.assert(
      fc.property(fc.array(piece), lines => {
        const { value } = accessOf(lines.map(one => `${one}\n`).join(''));
        const coverage = value.coverage[0];
        expect((coverage?.lines ?? 0) - (coverage?.unparsedLines ?? 0)).toBe(value.total);
        expect(coverage?.lines).toBe(lines.filter(one => one !== '').length);
      }),
    );
  });
});
