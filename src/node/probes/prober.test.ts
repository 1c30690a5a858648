import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { known } from '../../core/model/fact.ts';
import type { Address, Host } from '../../core/model/host.ts';
import type { ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import { createLocalHost } from '../hosts/local.ts';
import { encodeDnsQuery } from './dns-message.ts';
import { createProber } from './prober.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`wire.fixtures/${name}.bin`, import.meta.url));
const certificate = readFileSync(new URL('tls.fixtures/shop.test-certificate.pem', import.meta.url));
const key = readFileSync(new URL('tls.fixtures/shop.test-key-for-tests.pem', import.meta.url));
// The test's own certificate stands in for the host's authorities.
const host: Host = { ...createLocalHost(), read: () => Promise.resolve(known({ bytes: certificate, size: certificate.length, atEnd: true })) };
const probe = createProber(host, { version: '9.9.9' });
const closing: { close: () => unknown }[] = [];
afterAll(() => closing.forEach(server => server.close()));

async function listen(server: Server): Promise<Address> {
  closing.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** A backend that runs `act` once it was sent something. */
function backend(act: (socket: Socket, data: Buffer) => void): Promise<Address> {
  return listen(
    createServer(socket => {
      socket.on('error', () => undefined);
      socket.once('data', data => act(socket, data));
    }),
  );
}

const replays = (name: string): Promise<Address> => backend(socket => socket.end(fixture(name)));
const ask = async (request: ProbeRequest): Promise<ProbeOutcome> => (await probe(request)).outcome;
const get = (address: Address, timeoutMs = 1000): ProbeRequest => ({ kind: 'http', address, path: '/x', hostHeader: 'shop.test', timeoutMs });
const params = { SCRIPT_NAME: '/fpm-status', SCRIPT_FILENAME: '/fpm-status', REQUEST_METHOD: 'GET', LONG: 'x'.repeat(300) };
const fastcgi = (address: Address, timeoutMs = 1000): ProbeRequest => ({ kind: 'fastcgi', address, params, timeoutMs });
const uwsgi = (address: Address, timeoutMs = 1000): ProbeRequest => ({ kind: 'uwsgi', address, params: { REQUEST_METHOD: 'GET', PATH_INFO: '/' }, timeoutMs });
const tls = (address: Address, more: object = {}): ProbeRequest => ({ kind: 'tls', address, timeoutMs: 1500, ...more });

describe('connecting', () => {
  test('made, refused, missing', async () => {
    expect(await ask({ kind: 'connect', address: await backend(() => undefined) })).toEqual({ state: 'connected' });
    expect(await ask({ kind: 'connect', address: { kind: 'tcp', host: '127.0.0.1', port: 1 } })).toEqual({ state: 'connect-failed', code: 'ECONNREFUSED' });
    expect(await ask(get({ kind: 'unix', path: '/run/badhop-none.sock' }))).toEqual({ state: 'connect-failed', code: 'ENOENT' });
  });
});

describe('http', () => {
  test('a server of Node, with what it was sent', async () => {
    let seen = '';
    const address = await listen(
      createHttpServer((request, response) => {
        seen = `${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''} ${request.headers['user-agent'] ?? ''} ${request.headers.connection ?? ''}`;
        response.setHeader('Set-Cookie', 'sid=s3cret');
        response.end('hello');
      }),
    );
    const outcome = await ask(get(address));
    expect(seen).toBe('GET /x shop.test badhop/9.9.9 (+diagnosis) close');
    expect(outcome).toMatchObject({ state: 'answered', speaks: 'http', answer: { status: 200, complete: true } });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
    if (outcome.state === 'answered') expect(outcome.answer.cut).toBeUndefined();
  });

  test('of exactly so many bytes, and no padding where the request is as long already', async () => {
    const seen: Buffer[] = [];
    const address = await backend((socket, data) => {
      seen.push(data);
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    });
    for (const padToBytes of [1448, 40]) await ask({ kind: 'http', address, path: '/x', hostHeader: 'shop.test', padToBytes });
    expect(seen.map(data => data.length === 1448)).toEqual([true, false]);
    expect(seen[0]?.toString().endsWith('xxx\r\n\r\n')).toBe(true);
    expect(seen[1]?.includes('X-Padding')).toBe(false);
  });

  test('nginx 1.22.1 as recorded', async () => {
    expect(await ask(get(await replays('nginx-1.22.1-http-502')))).toMatchObject({
      state: 'answered',
      speaks: 'http',
      answer: { status: 502, headerBytes: 152, complete: true },
    });
    expect(await ask(get(await replays('nginx-1.22.1-tls-asked-http')))).toMatchObject({
      answer: { status: 400, head: expect.stringContaining('plain HTTP request was sent to HTTPS port') },
    });
    expect(await ask(get(await replays('nginx-1.22.1-h2-asked-http1')))).toMatchObject({ state: 'answered', speaks: 'http2', answer: { complete: false } });
  });

  test('closed and reset without a byte, and silence', async () => {
    expect(await ask(get(await backend(socket => socket.end())))).toEqual({ state: 'closed', how: 'end' });
    expect(await ask(get(await backend(socket => socket.resetAndDestroy())))).toEqual({ state: 'closed', how: 'reset' });
    const started = performance.now();
    expect(await ask(get(await backend(() => undefined), 200))).toEqual({ state: 'no-answer' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('cut answers', async () => {
    const short = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabcde';
    expect(await ask(get(await backend(socket => socket.end(short))))).toMatchObject({ answer: { status: 200, complete: false, cut: 'end' } });
    expect(await ask(get(await backend(socket => socket.write(short, () => setTimeout(() => socket.resetAndDestroy(), 30)))))).toMatchObject({
      answer: { complete: false, cut: 'reset' },
    });
    expect(await ask(get(await backend(socket => socket.write(short)), 200))).toMatchObject({ answer: { complete: false, cut: 'timeout' } });
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await ask(get(await backend(socket => socket.write(`${chunked}3\r\nabc\r\n0\r\n\r\n`))))).toMatchObject({ answer: { complete: true } });
    expect(await ask(get(await backend(socket => socket.end(`${chunked}zz\r\nabc`))))).toMatchObject({ answer: { complete: false } });
    expect(await ask(get(await backend(socket => socket.end('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\nx'))))).toMatchObject({ answer: { complete: false } });
  });

  test('an answer without end is stopped', async () => {
    const flood = (head: string): Promise<Address> =>
      backend(socket => {
        socket.write(head);
        const pour = (): void => {
          while (!socket.destroyed && socket.write('x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(100)));
          if (!socket.destroyed) socket.once('drain', pour);
        };
        pour();
      });
    const started = performance.now();
    expect(await ask(get(await flood('HTTP/1.1 200 OK\r\n')))).toMatchObject({ answer: { complete: false, cut: 'limit', headerBytes: 131_072 } });
    expect(await ask(get(await flood('HTTP/1.1 200 OK\r\n\r\n')))).toMatchObject({ answer: { status: 200, complete: false, cut: 'limit' } });
    expect(await ask(get(await flood('garbage ')))).toMatchObject({ speaks: 'other' });
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test('one byte now and then does not hold it up', async () => {
    const drips = await backend(socket => {
      const timer = setInterval(() => socket.write('H'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const started = performance.now();
    expect(await ask(get(drips, 400))).toMatchObject({ state: 'answered', speaks: 'other' });
    expect(performance.now() - started).toBeLessThan(1200);
  });

  test('a path cannot end the request line', async () => {
    let seen = '';
    const address = await backend((socket, data) => {
      seen = data.toString();
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
    await ask({ kind: 'http', address, path: '/a b\r\nX: 1', hostHeader: 'h\r\nY: 2', timeoutMs: 1000 });
    expect(seen.split('\r\n').slice(0, 2)).toEqual(['GET /a%20bX:%201 HTTP/1.1', 'Host: hY:2']);
  });
});

describe('fastcgi', () => {
  test('php-fpm 8.2 as recorded', async () => {
    expect(await ask(fastcgi(await replays('php-fpm-8.2-status')))).toMatchObject({
      state: 'answered',
      speaks: 'fastcgi',
      answer: { status: 200, complete: true, body: expect.stringMatching(/^pool: +www\n/) },
    });
    expect(await ask(fastcgi(await replays('php-fpm-8.2-ping')))).toMatchObject({ answer: { body: 'pong', complete: true } });
    expect(await ask(fastcgi(await replays('php-fpm-8.2-missing')))).toMatchObject({
      answer: { status: 404, stderr: 'Primary script unknown', complete: true },
    });
    expect(await ask(fastcgi(await replays('php-fpm-8.2-denied-ext')))).toMatchObject({
      answer: { status: 403, stderr: expect.stringContaining('security.limit_extensions') },
    });
    expect(await ask(fastcgi(await replays('php-fpm-8.2-err')))).toMatchObject({ answer: { status: 500, complete: true } });
    expect(await ask(fastcgi(await replays('php-fpm-8.2-bighead')))).toMatchObject({ answer: { status: 200, headerBytes: 8512, complete: true } });
    const ok = await ask(fastcgi(await replays('php-fpm-8.2-ok')));
    expect(ok).toMatchObject({
      answer: {
        headers: [
          ['x-app', 'shop'],
          ['set-cookie', '[redacted]'],
          ['content-type', 'text/html; charset=UTF-8'],
        ],
      },
    });
  });

  test('cut within the answer', async () => {
    const part = fixture('php-fpm-8.2-bighead').subarray(0, 5000);
    expect(await ask(fastcgi(await backend(socket => socket.end(part))))).toMatchObject({ speaks: 'fastcgi', answer: { complete: false, cut: 'end' } });
    expect(await ask(fastcgi(await backend(socket => socket.write(part)), 200))).toMatchObject({
      speaks: 'fastcgi',
      answer: { complete: false, cut: 'timeout' },
    });
  });

  test('others that are asked in it', async () => {
    expect(await ask(fastcgi(await replays('nginx-1.22.1-asked-fastcgi')))).toMatchObject({ speaks: 'http', answer: { status: 400 } });
    expect(await ask(fastcgi(await replays('nginx-1.22.1-h2-asked-fastcgi')))).toMatchObject({ speaks: 'http2' });
    expect(await ask(fastcgi(await listen(createHttpServer((_, response) => response.end()))))).toMatchObject({ speaks: 'http', answer: { status: 400 } });
    expect(await ask(fastcgi(await backend(socket => socket.end())))).toEqual({ state: 'closed', how: 'end' });
  });

  test('the request is what a responder reads', async () => {
    let seen: Buffer = Buffer.alloc(0);
    const address = await backend((socket, data) => {
      seen = data;
      socket.end(fixture('php-fpm-8.2-ping'));
    });
    await ask(fastcgi(address));
    expect(seen.subarray(0, 16).toString('hex')).toBe('01010001000800000001000000000000');
    expect(seen.toString('latin1')).toContain('\x0b\x0bSCRIPT_NAME/fpm-status');
    expect(seen.toString('hex')).toContain(`048000012c${Buffer.from('LONGx').toString('hex')}`);
    expect(seen.subarray(-16).toString('hex')).toBe('01040001000000000105000100000000');
  });
});

describe('uwsgi', () => {
  test('uWSGI 2.0.21 as recorded', async () => {
    expect(await ask(uwsgi(await replays('uwsgi-2.0.21-ok')))).toMatchObject({ state: 'answered', speaks: 'uwsgi', answer: { status: 200, complete: true } });
    expect(await ask(uwsgi(await replays('uwsgi-2.0.21-err')))).toMatchObject({ speaks: 'uwsgi', answer: { status: 500 } });
    expect(await ask(uwsgi(await replays('uwsgi-2.0.21-big')))).toMatchObject({ speaks: 'uwsgi', answer: { headerBytes: 5028 } });
  });

  test("an application's own 400 is uwsgi, an HTTP server's is not", async () => {
    expect(await ask(uwsgi(await backend(socket => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\nDisallowedHost'))))).toMatchObject({
      speaks: 'uwsgi',
    });
    expect(await ask(uwsgi(await replays('nginx-1.22.1-asked-uwsgi')))).toMatchObject({ speaks: 'http', answer: { status: 400 } });
    expect(await ask(uwsgi(await listen(createHttpServer((_, response) => response.end()))))).toMatchObject({ speaks: 'http' });
  });

  test('the packet is what uWSGI reads; one too long is not sent', async () => {
    let seen: Buffer = Buffer.alloc(0);
    const address = await backend((socket, data) => {
      seen = data;
      socket.end();
    });
    expect(await ask(uwsgi(address))).toEqual({ state: 'closed', how: 'end' });
    const word = (text: string): string => `${text.length.toString(16).padStart(2, '0')}00${Buffer.from(text).toString('hex')}`;
    expect(seen.toString('hex')).toBe(`00230000${['REQUEST_METHOD', 'GET', 'PATH_INFO', '/'].map(word).join('')}`);
    expect(await ask({ kind: 'uwsgi', address, params: { A: 'x'.repeat(70_000) } })).toMatchObject({ state: 'not-asked' });
  });
});

describe('tls', () => {
  const secure = (options: object = {}): Promise<Address> =>
    listen(
      createTlsServer({ cert: certificate, key, ...options }, socket => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      }).on('tlsClientError', () => undefined),
    );

  test('a handshake with its verdict', async () => {
    const address = await secure();
    expect(await ask(tls(address, { serverName: 'shop.test' }))).toMatchObject({
      state: 'answered',
      speaks: 'tls',
      answer: { complete: true, tls: { handshake: 'done', protocol: 'TLSv1.3', verify: 'OK', subject: 'CN=shop.test', names: ['shop.test', 'www.shop.test'] } },
    });
    expect(await ask(tls(address, { serverName: 'other.test' }))).toMatchObject({ answer: { tls: { verify: 'HOSTNAME_MISMATCH' } } });
    expect(await ask(tls(address))).toMatchObject({ answer: { tls: { verify: 'OK' } } });
    const stranger = createProber(createLocalHost(), { version: '1' });
    expect((await stranger(tls(address))).outcome).toMatchObject({ answer: { tls: { verify: 'DEPTH_ZERO_SELF_SIGNED_CERT' } } });
  });

  test('a GET inside', async () => {
    expect(await ask(tls(await secure(), { path: '/x', hostHeader: 'shop.test' }))).toMatchObject({
      speaks: 'tls',
      answer: { status: 200, complete: true, tls: { handshake: 'done' } },
    });
  });

  test('a version that the peer does not speak', async () => {
    const address = await secure({ maxVersion: 'TLSv1.2' });
    expect(await ask(tls(address, { version: 'TLSv1.3' }))).toMatchObject({
      speaks: 'tls',
      answer: { complete: false, tls: { handshake: 'failed', error: expect.stringContaining('PROTOCOL_VERSION') } },
    });
    expect(await ask(tls(address, { version: 'TLSv1.2' }))).toMatchObject({
      answer: { tls: { handshake: 'done', protocol: 'TLSv1.2', clientCertificateRequested: false } },
    });
  });

  test('a peer that wants a certificate of ours', async () => {
    const wants = { requestCert: true, rejectUnauthorized: true };
    expect(await ask(tls(await secure({ ...wants, maxVersion: 'TLSv1.2' })))).toMatchObject({ answer: { tls: { clientCertificateRequested: true } } });
    // In TLS 1.3 the refusal comes behind the handshake, seen here as OpenSSL 3.0 words it.
    expect(await ask(tls(await secure({ ...wants, minVersion: 'TLSv1.3' }), { path: '/' }))).toMatchObject({
      answer: { complete: false, tls: { handshake: 'done' } },
    });
  });

  test('plaintext peers', async () => {
    expect(await ask(tls(await replays('nginx-1.22.1-asked-tls')))).toMatchObject({
      speaks: 'http',
      answer: { status: 400, tls: { handshake: 'failed', error: 'ERR_SSL_WRONG_VERSION_NUMBER' } },
    });
    expect(await ask(tls(await listen(createHttpServer())))).toMatchObject({ speaks: 'http', answer: { tls: { handshake: 'failed' } } });
    expect(await ask(tls(await replays('nginx-1.22.1-h2-asked-tls')))).toMatchObject({ speaks: 'http2', answer: { tls: { handshake: 'failed' } } });
    expect(await ask(tls(await backend(socket => socket.resetAndDestroy())))).toEqual({ state: 'closed', how: 'reset' });
    expect(await ask(tls(await backend(socket => socket.end())))).toEqual({ state: 'closed', how: 'end' });
    expect(await ask(tls(await backend(() => undefined), { timeoutMs: 200 }))).toEqual({ state: 'no-answer' });
    expect(await ask(get(await secure()))).not.toMatchObject({ speaks: 'http' });
  });

  test('a handshake that stops half-way', async () => {
    expect(await ask(tls(await backend(socket => socket.write(fixture('nginx-1.22.1-tls-hello').subarray(0, 200)))))).toMatchObject({
      speaks: 'tls',
      answer: { complete: false, tls: { handshake: 'failed', error: 'ERR_SSL_UNSOLICITED_EXTENSION' } },
    });
    const half = await backend(socket => socket.write(fixture('nginx-1.22.1-tls-hello').subarray(0, 40)));
    expect(await ask(tls(half, { timeoutMs: 300 }))).toMatchObject({
      speaks: 'tls',
      answer: { complete: false, cut: 'timeout', tls: { handshake: 'failed', error: 'ETIMEDOUT' } },
    });
  });
});

describe('dns', () => {
  /** A resolver that answers each question by `answer`, given the question's type. */
  async function resolver(answer: (query: Buffer, type: number) => Buffer | undefined): Promise<Address> {
    const socket = createSocket('udp4');
    closing.push(socket);
    socket.on('message', (query, peer) => {
      const response = answer(query, query.readUInt16BE(query.length - 4));
      if (response !== undefined) socket.send(response, peer.port, peer.address);
    });
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
    return { kind: 'udp', host: '127.0.0.1', port: socket.address().port };
  }
  function reply(query: Buffer, rcode: number, records: readonly (readonly [type: number, data: Buffer])[] = []): Buffer {
    const head = Buffer.from(query);
    head.writeUInt16BE(0x8180 | rcode, 2);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, ...records.map(([type, data]) => Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data]))]);
  }
  const dns = (address: Address, name = 'Shop.test', timeoutMs = 1000): ProbeRequest => ({ kind: 'dns', resolver: address, name, timeoutMs });

  test('both families, through a CNAME', async () => {
    const v6 = Buffer.from('20010db8000000000000000000000001', 'hex');
    const address = await resolver((query, type) =>
      reply(
        query,
        0,
        type === 1
          ? [
              [5, Buffer.from([1, 120, 0])],
              [1, Buffer.from([10, 0, 0, 7])],
            ]
          : [[28, v6]],
      ),
    );
    const outcome = await ask(dns(address));
    expect(outcome).toMatchObject({ state: 'answered', speaks: 'dns', answer: { complete: true, dns: { rcode: 'NOERROR' } } });
    expect(outcome.state === 'answered' && [...(outcome.answer.dns?.addresses ?? [])].sort()).toEqual(['10.0.0.7', '2001:db8::1']);
  });

  test('no such name, refusal, failure', async () => {
    expect(await ask(dns(await resolver(query => reply(query, 3))))).toMatchObject({ answer: { dns: { rcode: 'NXDOMAIN', addresses: [] }, complete: true } });
    expect(await ask(dns(await resolver(query => reply(query, 5))))).toMatchObject({ answer: { dns: { rcode: 'REFUSED' } } });
    expect(await ask(dns({ kind: 'udp', host: '127.0.0.1', port: 1 }))).toEqual({ state: 'connect-failed', code: 'ECONNREFUSED' });
    expect(await ask(dns(await resolver(() => undefined), 'a.test', 200))).toEqual({ state: 'no-answer' });
    expect(
      await ask(dns(await resolver((query, type) => (type === 1 ? reply(query, 0, [[1, Buffer.from([1, 2, 3, 4])]]) : undefined)), 'a.test', 300)),
    ).toMatchObject({ answer: { complete: false, cut: 'timeout', dns: { addresses: ['1.2.3.4'] } } });
  });

  test('a lost datagram is sent once more', async () => {
    let seen = 0;
    expect(await ask(dns(await resolver(query => (++seen <= 2 ? undefined : reply(query, 0))), 'a.test', 2500))).toMatchObject({
      answer: { dns: { rcode: 'NOERROR' } },
    });
    expect(seen).toBe(4);
  });

  test('forged answers and impossible names', async () => {
    const forged = await resolver(query => {
      const other = Buffer.from(encodeDnsQuery(query.readUInt16BE(0), 'evil.test', 'A') ?? []);
      return reply(other, 0, [[1, Buffer.from([6, 6, 6, 6])]]);
    });
    expect(await ask(dns(forged, 'a.test', 200))).toMatchObject({ state: 'answered', speaks: 'other' });
    for (const name of ['', 'a..b', 'x'.repeat(64), `${'abc.'.repeat(80)}d`]) expect(await ask(dns(forged, name, 200))).toMatchObject({ state: 'not-asked' });
  });
});
