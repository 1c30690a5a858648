import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import type { PassedHandshake, ProbeOutcome } from '../../core/model/probe.ts';
import { createLocalHost } from '../hosts/local.ts';
import { createProber } from './prober.ts';

const probe = createProber(createLocalHost(), { version: '1' });
const closing: Server[] = [];
afterAll(() => closing.forEach(server => server.close()));

interface Seen {
  readonly outcome: ProbeOutcome;
  readonly request: string;
  readonly after: Buffer;
}

/** What a server that answers so gets of the question, and what the question makes of it. */
async function askAt(
  answer: (request: string, socket: Socket) => void,
  change: { path?: string; hostHeader?: string; as?: PassedHandshake } = {},
): Promise<Seen> {
  let request = '';
  const after: Buffer[] = [];
  const ended = new Promise<void>(resolve => {
    const server = createServer(socket => {
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.once('data', data => {
        request = data.toString('latin1');
        socket.on('data', more => after.push(more));
        answer(request, socket);
      });
    });
    closing.push(server);
    server.listen(0, '127.0.0.1');
  });
  const server = closing.at(-1);
  await new Promise<void>(resolve => (server?.listening === true ? resolve() : server?.once('listening', () => resolve())));
  const bound = server?.address() as AddressInfo | undefined;
  const address = { kind: 'tcp', host: '127.0.0.1', port: bound?.port ?? 0 } as const;
  const { outcome } = await probe({ kind: 'upgrade', address, path: '/ws', hostHeader: 'a.example', timeoutMs: 1000, ...change });
  await ended;
  return { outcome, request, after: Buffer.concat(after) };
}

const accept = (request: string): string => {
  const key = /^Sec-WebSocket-Key: (.+)\r$/m.exec(request)?.[1] ?? '';
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
};
const taken = (request: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n\r\n`;

describe('the handshake of a WebSocket', () => {
  test('that is taken ends at once, with a word of it', async () => {
    const { outcome, request, after } = await askAt((text, socket) => socket.write(`${taken(text)}\x81\x02hi`));
    expect(outcome).toMatchObject({ state: 'answered', speaks: 'http', answer: { status: 101, upgraded: true } });
    expect(request).toMatch(
      /^GET \/ws HTTP\/1\.1\r\nHost: a\.example\r\nUser-Agent: badhop\/1 \(\+diagnosis\)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/,
    );
    expect(request).toMatch(/Sec-WebSocket-Version: 13\r\n\r\n$/);
    expect([after[0], after[1], (after[6] ?? 0) ^ (after[2] ?? 0), (after[7] ?? 0) ^ (after[3] ?? 0)]).toEqual([0x88, 0x82, 0x03, 0xe8]);
  });

  test('as a proxy passes it on holds what the proxy left of it', async () => {
    const { outcome, request } = await askAt((_text, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n'), {
      as: { version: '1.0', connection: 'close' },
    });
    expect(outcome).toMatchObject({ answer: { status: 426 } });
    expect(request).toMatch(/^GET \/ws HTTP\/1\.0\r\n/);
    expect(request).toContain('Connection: close\r\n');
    expect(request).not.toMatch(/^Upgrade:/m);
  });

  test.each([
    ['with the answer to no key', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n'],
    ['to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'],
  ])('that is answered with 101 %s is not taken', async (_name, text) => {
    const { outcome } = await askAt((_request, socket) => socket.write(text));
    expect(outcome).toMatchObject({ state: 'answered', answer: { status: 101 } });
    expect(outcome.state === 'answered' && outcome.answer.upgraded).toBeFalsy();
  });

  test('that meets silence or a close says so', async () => {
    expect((await askAt((_text, socket) => socket.end())).outcome).toEqual({ state: 'closed', how: 'end' });
    expect((await askAt(() => undefined)).outcome).toEqual({ state: 'no-answer' });
  });

  test('is asked inside of TLS where nginx speaks TLS', async () => {
    const certificate = (name: string): Buffer => readFileSync(new URL(`tls.fixtures/${name}.pem`, import.meta.url));
    const options = { cert: certificate('shop.test-certificate'), key: certificate('shop.test-key-for-tests') };
    const server = createTlsServer(options, socket => {
      socket.on('error', () => undefined);
      socket.once('data', (data: Buffer) => socket.write(taken(data.toString('latin1'))));
    });
    closing.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port } as const;
    const request = { kind: 'upgrade', address, path: '/ws', hostHeader: 'a', timeoutMs: 1500 } as const;
    expect((await probe({ ...request, tls: { serverName: 'shop.test' } })).outcome).toMatchObject({ answer: { status: 101, upgraded: true } });
    expect((await probe({ ...request, tls: {} })).outcome).toMatchObject({ answer: { upgraded: true } });
    expect((await probe(request)).outcome).not.toMatchObject({ answer: { upgraded: true } });
  });

  test('lets no path or name end a line', async () => {
    const { request } = await askAt((_text, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), {
      path: '/a b\r\nX-Evil: 1',
      hostHeader: 'a\r\nX-Evil: 2',
    });
    expect(request).not.toMatch(/^X-Evil/m);
    expect(request.split('\r\n')[0]).toBe('GET /a%20bX-Evil:%201 HTTP/1.1');
  });
});
