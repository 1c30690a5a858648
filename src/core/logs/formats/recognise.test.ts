import { readFileSync, readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../scan/text.ts';
import { knownFormats } from './named.ts';
import { nginxFormat } from './nginx-format.ts';
import { headBytes } from './head-lines.ts';
import { recognise } from './recognise.ts';
import { idsIn, recogniseText, rollUpOf } from './testing.ts';

const combinedLine = (n: number, status = 200) =>
  `10.0.0.${n} - - [21/Nov/2026:01:55:1${n} +0000] "GET /a/${n} HTTP/1.1" ${status} 157 "-" "Mozilla/5.0 (X11)"`;
const errorLine = (n: number) =>
  `2026/11/21 01:55:1${n} [error] 27537#27537: *${n} connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1`;
const many = (make: (n: number) => string): string => Array.from({ length: 9 }, (_, n) => make(n)).join('\n');

describe('a head of a log', () => {
  it('may begin with rubbish, a mark of byte order, blank lines and half a line', () => {
    expect(idsIn(`\u{feff}${many(combinedLine)}`)).toEqual(['combined']);
    expect(idsIn(`"GET /half HTTP/1.1" 200 1 "-"\n\n\r\n${many(combinedLine)}\n`)).toEqual(['combined']);
    expect(idsIn(`\0\0\0\0\n${many(combinedLine)}`)).toEqual(['combined']);
    expect(idsIn(many(combinedLine).replaceAll('\n', '\r\n'))).toEqual(['combined']);
  });

  it('counts its last line only where it is whole', () => {
    const line = encodeUtf8(`${combinedLine(1)}\n`);
    const head = new Uint8Array(headBytes);
    for (let at = 0; at < head.length; at += line.length) head.set(line.subarray(0, Math.min(line.length, head.length - at)), at);
    expect(recognise(head, knownFormats()).map(({ share }) => share)).toEqual([1]);
  });

  it('says nothing of what no line tells', () => {
    expect(recogniseText('')).toEqual([]);
    expect(recogniseText('\n\n \n')).toEqual([]);
    expect(recogniseText('hello\nworld\n')).toEqual([]);
    expect(recogniseText('{"a":1}\n{"a":2}\n')).toEqual([]);
    expect(recogniseText(readFileSync(new URL(import.meta.url), 'utf8'))).toEqual([]);
  });

  it('may hold lines of several formats, the commonest first', () => {
    const found = recogniseText(`${many(combinedLine)}\n${errorLine(1)}\n${errorLine(2)}\n`);
    expect(found.map(({ format, share }) => [format.id, Math.round(share * 100)])).toEqual([
      ['combined', 82],
      ['nginx-error', 18],
      // It may yet come.
      ['nginx-error-cut', 0],
    ]);
  });

  it('knows the messages of an error log that reach over several lines', () => {
    const text = `${errorLine(1)}\n#0 main\n  thrown in x\n${errorLine(2)}\n`;
    expect(idsIn(text)).toEqual(['nginx-error']);
  });

  const jsonLine = (n: number, status = 200) =>
    `{"t":"2026-11-21T01:55:1${n}+00:00","req":"GET /a/${n}?q=\\"status\\":1 HTTP/1.1","status":${status},"rt":0.0${n}4,"upstream_addr":"10.0.0.${n}:80","upstream_status":"${status}"}`;
  const headed = [
    (n: number) => `Nov 21 01:55:1${n} web1 nginx: `,
    (n: number) => `<190>Nov 21 01:55:1${n} web1 nginx: `,
    (n: number) => `2026-11-21T01:55:1${n}+0000 web1 nginx[80]: `,
    (n: number) => `2026-11-21T01:55:1${n}.123456789Z stdout F `,
  ];

  it.each(headed)('may be JSON behind a header', header => {
    const text = many(n => header(n) + jsonLine(n, n === 3 ? 500 : 200));
    const found = recogniseText(text);
    expect(found).toMatchObject([
      { share: 1, format: { id: expect.stringMatching(/^guessed-[0-9a-f]{8}\+(?:syslog(?:-iso|-bsd)?|cri)-[0-9a-f]{8}$/u) as string } },
    ]);
    const rollUp = rollUpOf(
      `${text}\n${header(1)}{"t":"2026-11-21T01:55:11+00:00","other":1}\n`,
      found.map(({ format }) => format),
    );
    expect(rollUp.inputs[0]).toMatchObject({ lines: 10, misfits: 1 });
    const failed = rollUp.series.find(({ outcome }) => outcome?.failed === true);
    expect(failed?.outcome).toMatchObject({ status: 500, madeBy: 'backend', peer: '10.0.0.3:80', method: 'GET' });
    expect(failed?.firstMs).toBe(Date.UTC(2026, 10, 21, 1, 55, 13));
  });

  it('may be JSON of a product behind a header, with keys that are missing now and then', () => {
    const record = (n: number) =>
      `{"time":"2021-10-14T22:17:1${n}+00:00","properties":{"httpStatus":${n === 3 ? 502 : 200},"timeTaken":0.03,${n % 2 === 0 ? '"userAgent":"curl",' : ''}"serverRouted":"52.239.221.65:443","serverStatus":"${n === 3 ? '502' : '200'}","error_info":"ERRORINFO_${n === 3 ? 'UPSTREAM_TIMED_OUT' : 'NO_ERROR'}"}}`;
    const text = many(n => `Oct 14 22:17:1${n} relay azure: ${record(n)}`);
    const [found] = recogniseText(text);
    expect(found).toMatchObject({ share: 1, format: { id: expect.stringMatching(/^azure-application-gateway\+syslog/u) as string } });
    expect(rollUpOf(text, found === undefined ? [] : [found.format]).series.find(({ outcome }) => outcome?.failed === true)?.outcome).toMatchObject({
      status: 502,
      madeBy: 'proxy',
      class: 'read-timeout',
      peer: '52.239.221.65:443',
    });
  });

  it('gives messages without a time that of the header before them', () => {
    const died = (n: number, time: string) => `${time} web1 uwsgi[59]: DAMN ! worker ${n} (pid: 6${n}) died, killed by signal 9 :( trying respawn ...`;
    for (const text of [many(n => died(n, `2026-11-21T01:55:1${n}+0000`)), many(n => died(n, `Nov 21 01:55:1${n}`))]) {
      const found = recogniseText(text).map(({ format }) => format);
      expect(rollUpOf(text, found).series[0]).toMatchObject({ firstMs: Date.UTC(2026, 10, 21, 1, 55, 10), outcome: { class: 'worker-died' } });
    }
  });

  it('may stand behind a header', () => {
    expect(idsIn(many(n => `Nov 21 01:55:1${n} web1 nginx: ${combinedLine(n)}`))).toEqual(['combined+syslog']);
    expect(idsIn(many(n => `<190>Nov 21 01:55:1${n} web1 nginx: ${combinedLine(n)}`))).toEqual(['combined+syslog']);
    expect(idsIn(many(n => `2026-11-21T01:55:1${n}.123456+00:00 web1 nginx[3]: ${errorLine(n)}`))).toEqual(['nginx-error+syslog']);
    expect(idsIn(many(n => `2026-11-21T01:55:1${n}.123456789Z stdout F ${combinedLine(n)}`))).toEqual(['combined+cri']);
  });

  it('is of a format that was told, where it is one', () => {
    const told = nginxFormat(
      'mine',
      '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time',
    );
    const text = many(n => `${combinedLine(n)} 0.00${n}`);
    expect(idsIn(text, [...knownFormats(), told])).toEqual(['nginx:mine']);
    expect(idsIn(many(combinedLine), [...knownFormats(), told])).toEqual(['combined']);
  });
});

it('takes of formats that explain all lines the one that says most, whatever their order', () => {
  const short = nginxFormat('short', '$remote_addr - $remote_user [$time_local] "$request" $status $http_x_rest');
  const long = nginxFormat('long', '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"');
  const chosen = (...formats: readonly (typeof short)[]) => recognise(encodeUtf8(many(combinedLine)), formats).map(({ format }) => format.id);
  expect(chosen(short)).toEqual([short.id]);
  expect(chosen(short, long)).toEqual([long.id]);
  expect(chosen(long, short)).toEqual([long.id]);
});

it('tries formats of JSON with what begins like an object, blanks before it or none', () => {
  const record = (n: number) => `{"time":"2026-11-21T01:55:1${n}+00:00","request":"GET /a/${n} HTTP/1.1","status":"200","remote_addr":"10.0.0.${n}"}`;
  const formats = recogniseText(many(record)).map(({ format }) => format);
  expect(formats.map(({ plan }) => plan.kind)).toEqual(['json']);
  const shares = (make: (n: number) => string) => recognise(encodeUtf8(many(make)), formats).map(({ share }) => share);
  expect(shares(n => `\t ${record(n)}`)).toEqual([1]);
  expect(shares(n => `x${record(n)}`)).toEqual([]);
});

describe('formats that look alike', () => {
  const base = combinedLine(1);
  const rest = '12 0.010 [default-app-80] [] 10.0.0.1:80 157 0.010 502 0a1b';

  it.each([
    [base, 'combined'],
    [base.replace(' - - ', ' - a b '), 'combined'],
    [`${base} "203.0.113.9"`, 'combined-forwarded'],
    [`shop.example:443 ${base}`, 'vhost-combined'],
    [base.split(' "-"')[0] ?? '', 'common'],
    [`${base} us=502 ua=10.0.0.1:80 uht=- uct=- ub=0`, 'nginx-upstream'],
    [`${base} rt=0.010 uct="0.001" uht="0.010" urt="0.010"`, 'nginx-upstream-time'],
    [`${base} ${rest}`, 'ingress-nginx'],
    [`${base.replace(' - - ', ' - [203.0.113.9] - - ')} ${rest.replace(' []', '')}`, 'ingress-nginx-0.21'],
  ])('%s', (line, id) => {
    expect(idsIn(`${line}\n`)).toEqual([id]);
  });

  it('are each known by their captured lines', () => {
    const folder = new URL('products.fixtures/', import.meta.url);
    for (const file of readdirSync(folder)) {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const formats = recogniseText(text).map(({ format }) => format);
      const product = new Set(formats.filter(({ id }) => !id.startsWith('guessed')).map(({ product: one }) => one));
      expect(product.size, file).toBeLessThanOrEqual(1);
      const [input] = rollUpOf(text, formats).inputs;
      // uWSGI's own words at its start, and tracebacks behind its requests.
      if (!file.startsWith('uwsgi')) expect(input?.misfits, file).toBe(0);
    }
  });
});

describe('a guess', () => {
  const hop = (n: number): string =>
    n === 3
      ? '"10.0.0.1:80" "502" "-" "-" "0.001"'
      : n === 5
        ? '"10.0.0.1:80, 10.0.0.2:80" "502, 200" "-, 0.001" "-, 0.020" "0.001, 0.021"'
        : `"10.0.0.${(n % 3) + 1}:80" "200" "0.00${n % 4}" "0.01${n}" "0.02${n}"`;
  const status = (n: number): number => (n === 3 ? 502 : 200);

  it('tells the fields of a request, its tries and their times', () => {
    const text = many(n => `${combinedLine(n, status(n))} 0.03${n} ${hop(n)}`);
    const [found] = recogniseText(text);
    expect(found?.format.title).toBe(
      'access log of an unknown format (guessed: status, time of the request, upstream address, upstream status, upstream connect time, upstream header time, upstream time)',
    );
    const { series } = rollUpOf(text, found === undefined ? [] : [found.format]);
    expect(series.filter(({ outcome }) => outcome?.failed === true).map(({ outcome }) => outcome)).toEqual([
      { status: 200, failed: true, madeBy: 'nginx', peer: '10.0.0.2:80', hiddenPeers: ['10.0.0.1:80'], method: 'GET' },
      { status: 502, failed: true, madeBy: 'nginx', peer: '10.0.0.1:80', method: 'GET' },
    ]);
  });

  it('goes by labels where there are some', () => {
    const text = many(
      n =>
        `[2026-11-21T01:55:1${n}+00:00] status=${status(n)} method=GET ip=10.1.1.1 rt=0.03${n} ${hop(n).replace(/^/u, 'upstream_addr=').replace(' "', ' upstream_status="').split(' "')[0]}`,
    );
    const [found] = recogniseText(text);
    expect(found?.format.roles).toEqual(expect.arrayContaining(['status', 'request-time', 'peer', 'upstream-status']));
  });

  it('takes addresses with ports for peers where there are few, and another column is the client', () => {
    const lines = (address: (n: number) => string): string =>
      Array.from({ length: 80 }, (_, n) => `${combinedLine(n % 9, status(n % 9))} 0.01${n % 9} ${address(n)}`).join('\n');
    const rolesOf = (address: (n: number) => string) => recogniseText(lines(address))[0]?.format.roles;
    expect(rolesOf(n => `10.0.0.${(n % 5) + 1}:8080`)).toContain('peer');
    expect(rolesOf(n => `[2001:db8::${(n % 5) + 1}]:8080`)).toContain('peer');
    // A client's own ports, and the server's own address.
    expect(rolesOf(n => `10.0.0.${(n % 5) + 1}:${40_000 + n}`)).not.toContain('peer');
    expect(rolesOf(n => `10.0.0.1:${n % 2 === 0 ? 80 : 443}`)).not.toContain('peer');
  });

  it('is the same for the same layout, whichever lines it is seen in', () => {
    const of = (from: number) => recogniseText(Array.from({ length: 5 }, (_, n) => `${combinedLine(n + from)} 0.01${n}`).join('\n'))[0]?.format.id;
    expect(of(0)).toBe(of(4));
    expect(of(0)).toMatch(/^guessed-[0-9a-f]{8}$/u);
  });

  it.each([
    ['no status', (n: number) => `10.0.0.${n} [21/Nov/2026:01:55:1${n} +0000] "GET /${n} HTTP/1.1" ${n} ms`],
    ['no time', (n: number) => `10.0.0.${n} "GET /${n} HTTP/1.1" 200 12 a b`],
    ['numbers beyond a status', (n: number) => `10.0.0.${n} [21/Nov/2026:01:55:1${n} +0000] "GET /${n} HTTP/1.1" ${n * 100} 12 x`],
    ['an application', (n: number) => `[21/Nov/2026:01:55:1${n} +0000] INFO worker ${n} took 200 jobs of 502`],
    ['JSON without a status', (n: number) => `{"@timestamp":"2026-11-21T01:55:1${n}Z","level":"info","message":"${n}"}`],
    ['JSON whose status is a word', (n: number) => `{"@timestamp":"2026-11-21T01:55:1${n}Z","status":"ok","request_time":0.01}`],
  ])('is none where there is %s', (_, make) => {
    expect(recogniseText(many(make))).toEqual([]);
  });

  it('gives no role to what may be two things', () => {
    // Whole numbers without a label are milliseconds or microseconds; an address without a port is no upstream.
    const roles = recogniseText(many(n => `${combinedLine(n)} ${n} 10.9.9.${n}`))[0]?.format.roles ?? [];
    expect(roles).toContain('status');
    expect(roles).not.toContain('request-time');
    expect(roles).not.toContain('peer');
    // A client with its port is none either.
    const first = recogniseText(many(n => `10.0.0.${n}:5000 [21/Nov/2026:01:55:1${n} +0000] "GET / HTTP/1.1" 200 1 x`))[0]?.format.roles ?? [];
    expect(first).not.toContain('peer');
  });

  it('finds the status before the request, and none where two columns may be it', () => {
    const line = (n: number, more: number) => `[21/Nov/2026:01:55:1${n} +0000] ${n === 3 ? 502 : 200} "GET / HTTP/1.1" ${more} x`;
    const of = (more: number) => recogniseText(many(n => line(n, more)))[0];
    const found = of(157);
    const { series } = rollUpOf(
      many(n => line(n, 157)),
      found === undefined ? [] : [found.format],
    );
    expect(series.map(({ outcome }) => outcome?.status)).toEqual([200, 502]);
    expect(of(404)).toBeUndefined();
  });

  it('takes a number for microseconds where none is small', () => {
    const of = (least: number) => recogniseText(Array.from({ length: 60 }, (_, n) => `${combinedLine(n % 9)} ${least + n * 37}`).join('\n'))[0]?.format;
    expect(of(400)?.roles).toContain('request-time');
    expect(of(3)?.roles).not.toContain('request-time');
  });

  it('stands behind a header, and beside messages', () => {
    const line = (n: number) => `${combinedLine(n, status(n))} 0.03${n} ${hop(n)}`;
    const [behind] = recogniseText(many(n => `Nov 21 01:55:1${n} web1 nginx: ${line(n)}`));
    expect(behind).toMatchObject({ share: 1, format: { id: expect.stringMatching(/^guessed-[0-9a-f]{8}\+syslog$/u) as string } });
    expect(behind?.format.roles).toEqual(expect.arrayContaining(['status', 'peer', 'upstream-status', 'header-time']));
    const beside = recogniseText(`${many(line)}\n${errorLine(1)}`);
    expect(beside.filter(({ share }) => share > 0).map(({ format }) => format.kind)).toEqual(['error', 'access']);
  });

  it('reads JSON by the names of its keys', () => {
    const text = many(n =>
      JSON.stringify({
        '@timestamp': `2026-11-21T01:55:1${n}+00:00`,
        http: { request: { method: 'POST' } },
        status: status(n),
        request_time: 0.011,
        upstream_addr: '10.0.0.1:80',
        upstream_status: String(status(n)),
        upstream_header_time: n === 3 ? '-' : '0.010',
        userAgent: 'x',
      }),
    );
    const [found] = recogniseText(text);
    expect(found?.format.title).toBe(
      'access log of JSON lines (guessed: status, upstream address, upstream status, time of the request, upstream header time)',
    );
    const { series } = rollUpOf(text, found === undefined ? [] : [found.format]);
    expect(series.map(({ count, outcome }) => [count, outcome?.status, outcome?.madeBy, outcome?.peer, outcome?.method])).toEqual([
      [8, 200, 'backend', '10.0.0.1:80', 'POST'],
      [1, 502, 'nginx', '10.0.0.1:80', 'POST'],
    ]);
  });

  it('does not take a user agent for an upstream', () => {
    const text = many(n => `{"ts":1795226114.${n},"status":200,"ua":"curl/7.88.1","method":"GET"}`);
    expect(recogniseText(text)[0]?.format.roles).not.toContain('peer');
  });

  it('reads nothing of keys that stand twice', () => {
    const text = many(n => `{"ts":1795226114.${n},"request":{"status":${n}},"response":{"status":200}}`);
    expect(recogniseText(text)).toEqual([]);
  });
});

it('recognises any bytes without throwing', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      combinedLine(1),
      errorLine(1),
      '{"status":200,"ts":"',
      '[',
      '"',
      '\\',
      '\n',
      ' 502',
      '\u{feff}',
      '10.0.0.1:80, ',
      '|',
      '\t',
      '2026-11-21T01:55:14Z',
    ),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(piece), parts => {
      for (const { format, share } of recogniseText(parts.join(''))) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
        rollUpOf(parts.join(''), [format]);
      }
    }),
    { numRuns: 40 },
  );
});
