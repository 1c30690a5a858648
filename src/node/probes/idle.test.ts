import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import type { ProbeAnswer } from '../../core/model/probe.ts';
import { createLocalHost } from '../hosts/local.ts';
import { createProber } from './prober.ts';

const probe = createProber(createLocalHost(), { version: '1' });
const closing: Server[] = [];
afterAll(() => closing.forEach(server => server.close()));

const page = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What became of a connection to a backend that answers so and then does that. */
async function idleAt(text: string, then: (socket: Socket) => void, idleMs = 1000): Promise<ProbeAnswer['idle']> {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(text);
      then(socket);
    });
  });
  closing.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port } as const;
  const { outcome } = await probe({ kind: 'idle', address, path: '/', hostHeader: 'a', idleMs });
  return outcome.state === 'answered' ? outcome.answer.idle : undefined;
}

describe('an idle connection', () => {
  test('that is closed, and when', async () => {
    const idle = await idleAt(page, socket => setTimeout(() => socket.end(), 300));
    expect(idle?.ended).toBe('closed');
    expect(idle?.ms).toBeGreaterThan(200);
    expect(idle?.ms).toBeLessThan(600);
  });

  test('that is reset', async () => {
    expect(await idleAt(page, socket => setTimeout(() => socket.resetAndDestroy(), 200))).toMatchObject({ ended: 'reset' });
  });

  test('that a word comes on before its end', async () => {
    const late = (socket: Socket): void => void setTimeout(() => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'), 200);
    expect(await idleAt(page, late)).toMatchObject({ ended: 'closed' });
  });

  test('that stays open for as long as is watched', async () => {
    expect(await idleAt(page, socket => setTimeout(() => socket.destroy(), 900), 300)).toMatchObject({ ended: 'open' });
  });

  test.each([
    ['says close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['ends its answer by closing', 'HTTP/1.1 200 OK\r\n\r\nok'],
  ])('of a backend that %s is none', async (_name, text) => {
    expect(await idleAt(text, socket => setTimeout(() => socket.end(), 50))).toEqual({ ended: 'not-kept', ms: 0 });
  });

  test('of what speaks no HTTP is not watched', async () => {
    expect(await idleAt('SSH-2.0-OpenSSH_9.2\r\n', () => undefined)).toBeUndefined();
  });
});
