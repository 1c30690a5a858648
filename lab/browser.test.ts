import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browserOf } from './browser.ts';

const server = createServer((request, response) => {
  setTimeout(() => response.writeHead(request.url === '/gone' ? 410 : 200).end(request.url), request.url === '/slow' ? 300 : 0);
});
let starts = 0;
const browser = browserOf(() => {
  starts++;
  return [[process.execPath, join(import.meta.dirname, 'client-program.mjs'), 'serve'], { PATH: process.env['PATH'] ?? '' }];
});
const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

beforeAll(() => new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  await browser.close();
  server.close();
});

test('one process takes several tasks at once and gives each its own answer', async () => {
  const [slow, gone] = await Promise.all([browser.request({ urls: [url('/slow')] }), browser.request({ urls: [url('/gone')], count: 3 })]);
  expect(slow.responses.map(({ status, body }) => [status, body])).toEqual([[200, '/slow']]);
  expect(gone.counts).toEqual({ 410: 3 });
  expect(starts).toBe(1);
});

test('nothing runs after it was closed, and the next request starts another', async () => {
  browser.open();
  await browser.close();
  const before = starts;
  expect((await browser.request({ urls: [url('/')] })).counts).toEqual({ 200: 1 });
  expect(starts).toBe(before + 1);
});

test('a request that is open when it is closed fails, and says so', async () => {
  const asked = browser.request({ urls: [url('/slow')] });
  await Promise.all([expect(asked).rejects.toThrow(/said nothing/), browser.close()]);
});
