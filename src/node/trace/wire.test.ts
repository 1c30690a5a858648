import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody } from './decode-body.ts';
import { addressesInHosts } from './hosts-file.ts';
import { encodeRequest } from './http1.ts';
import { hideOwnSecrets } from './own-secrets.ts';
import { parseTarget } from './parse-target.ts';
import { describeAnswer } from './read-answer.ts';

const { target } = parseTarget('https://shop.example:8443/cart');

describe('a request', () => {
  const encode = (extra: Partial<Parameters<typeof encodeRequest>[0]> = {}): string =>
    Buffer.from(encodeRequest({ method: 'GET', target, headers: [], body: undefined, userAgent: 'badhop/0', ...extra }, undefined)).toString('latin1');

  it('has the fields of its own, the host first', () => {
    expect(encode()).toBe('GET /cart HTTP/1.1\r\nHost: shop.example:8443\r\nUser-Agent: badhop/0\r\nAccept: */*\r\nConnection: close\r\n\r\n');
  });

  it('takes what was given instead, and keeps its order', () => {
    const text = encode({
      method: 'POST',
      headers: [
        ['accept', 'text/html'],
        ['HOST', 'other.example'],
        ['Content-Type', 'text/plain'],
      ],
      body: Buffer.from('hello'),
    });
    expect(text).toBe(
      'POST /cart HTTP/1.1\r\nHOST: other.example\r\nUser-Agent: badhop/0\r\nContent-Length: 5\r\nConnection: close\r\naccept: text/html\r\nContent-Type: text/plain\r\n\r\nhello',
    );
  });
});

describe('an answer', () => {
  const read = (text: string): ReturnType<typeof describeAnswer> => describeAnswer({ bytes: Buffer.from(text, 'latin1'), ended: 'end' }, { method: 'GET' });

  it('keeps the order and case of its fields, and repeats what is repeated', async () => {
    const { response } = await read('HTTP/1.1 200 OK\r\nsErVer: x\r\nSet-Cookie: a=1\r\nset-cookie:  b=2 \r\n\r\nbody');
    expect(response?.headers).toEqual([
      ['sErVer', 'x'],
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    expect(response).toMatchObject({ status: 200, reason: 'OK', protocol: 'http/1.1', bodyBytes: 4 });
  });

  it('of any bytes is described', async () => {
    const start = fc.constantFrom(
      '',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.0 500\r\nContent-Encoding: br, gzip\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(start, fc.string({ unit: 'binary', maxLength: 300 }), async (head, text) => {
        const answer = await read(head + text);
        expect(answer.state === 'silent').toBe(head + text === '');
      }),
      { numRuns: 300 },
    );
  });
});

describe('a coding', () => {
  it('is undone, as often as it was done', async () => {
    const body = gzipSync(gzipSync('hello'));
    expect(await decodeBody(body, 'gzip, GZIP')).toMatchObject({ state: 'whole', bytes: Buffer.from('hello') });
    expect(await decodeBody(Buffer.from('hello'), '')).toMatchObject({ state: 'whole', bytes: Buffer.from('hello') });
  });

  it('that is unknown leaves the body as it is', async () => {
    expect(await decodeBody(Buffer.from('hello'), 'compress')).toMatchObject({ state: 'unknown', bytes: Buffer.from('hello') });
    expect((await decodeBody(Buffer.from('hello'), 'gzip,gzip,gzip,gzip')).state).toBe('unknown');
  });

  it('makes of a bomb no more than is kept', async () => {
    const { bytes, grownTo } = await decodeBody(gzipSync(Buffer.alloc(40 * 1024 * 1024)), 'gzip');
    expect(bytes.length).toBeLessThanOrEqual(1024 * 1024);
    expect(grownTo).toBeLessThan(34 * 1024 * 1024);
  });
});

describe('/etc/hosts', () => {
  it('gives every address of a name', () => {
    const text =
      '127.0.0.1 localhost\n# 192.0.2.1 shop.example\n192.0.2.7\twww.shop.example shop.example # the shop\n::1 localhost\n2001:db8::1 Shop.Example\nnonsense shop.example\n';
    expect(addressesInHosts(text, 'shop.example')).toEqual(['192.0.2.7', '2001:db8::1']);
    expect(addressesInHosts(text, 'example')).toEqual([]);
    expect(addressesInHosts(text, 'the')).toEqual([]);
  });
});

describe('secrets of the caller', () => {
  it('are taken out wherever they come back', () => {
    const basic = Buffer.from('user:open-sesame').toString('base64');
    const request = {
      target: parseTarget('https://shop.example/?access_token=abcd%2B1234').target,
      body: undefined,
      headers: [
        ['Authorization', `Basic ${basic}`],
        ['Cookie', 'id=cookie-value; x=1'],
        ['Accept', 'text/html'],
      ],
    } as const;
    const told = hideOwnSecrets({ a: [`open-sesame ${basic} cookie-value`, 'abcd+1234 and abcd%2B1234'], b: 'text/html' }, request);
    expect(JSON.stringify(told)).not.toMatch(/sesame|cookie-value|abcd/);
    expect(told.b).toBe('text/html');
    expect(told.a[0]).not.toContain(basic);
  });

  it('of a form and of JSON too', () => {
    const hide = (body: string, text: string): string => hideOwnSecrets(text, { target, headers: [], body: Buffer.from(body) });
    expect(hide('user=jo&password=hunt%20er22&x=1', 'no: hunt er22 hunt%20er22 jo')).not.toMatch(/hunt/);
    expect(hide('{"user":"jo","password":"hunter22"}', 'no: hunter22')).not.toMatch(/hunter/);
    expect(hide('user=jo&colour=blue', 'blue')).toBe('blue');
  });
});
