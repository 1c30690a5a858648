import { readFileSync, readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDnsAnswer, encodeDnsQuery } from './dns-message.ts';
import { outcomeOfAjp } from './ajp.ts';
import { outcomeOfFastcgi } from './fastcgi.ts';
import { decodeFastcgi, encodeFastcgiRequest } from './fastcgi-records.ts';
import { readCgiAnswer, readHttpAnswer } from './http-answer.ts';
import { isHttpEnough, outcomeOfHttp } from './http.ts';
import { sniff } from './sniff.ts';
import { asksForCertificate } from './tls-records.ts';
import { outcomeOfUwsgi } from './uwsgi.ts';

const folder = new URL('wire.fixtures/', import.meta.url);
const captures = readdirSync(folder).map(name => ({ name, bytes: readFileSync(new URL(name, folder)) }));

/** Real answers with some bytes changed, cut and joined, beside any bytes at all. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
  fc.tuple(fc.constantFrom(...captures), fc.nat(2000), fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 5 })).map(([capture, cut, changes]) => {
    const bytes = Buffer.from(capture.bytes.subarray(0, Math.max(1, cut)));
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  }),
);

describe('any bytes are read without a throw', () => {
  const ended = fc.constantFrom('enough', 'end', 'reset', 'timeout', 'limit');
  test('as each protocol', () => {
    fc.assert(
      fc.property(hostile, ended, (bytes, how) => {
        const received = { bytes, ended: how };
        for (const read of [outcomeOfHttp, outcomeOfFastcgi, outcomeOfUwsgi, outcomeOfAjp]) {
          const outcome = read(received);
          expect(bytes.length === 0 ? ['closed', 'no-answer'] : ['answered']).toContain(outcome.state);
        }
        sniff(bytes);
        isHttpEnough(bytes);
        readCgiAnswer(bytes);
        decodeDnsAnswer(bytes);
        asksForCertificate(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['header lines', Buffer.from(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(100_000)}`)],
    ['interim answers', Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'.repeat(20_000))],
    ['chunks', Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(80_000)}`)],
    ['empty records', Buffer.from('0106000100000000'.repeat(60_000), 'hex')],
    ['one byte', Buffer.alloc(500_000, 0x16)],
  ])('in linear time: %s', (_name, bytes) => {
    const started = performance.now();
    readHttpAnswer(bytes);
    decodeFastcgi(bytes);
    asksForCertificate(bytes);
    sniff(bytes);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

test('what is encoded is what the other side decodes', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ maxLength: 300 }), { maxKeys: 200 }), params => {
      const bytes = Buffer.from(encodeFastcgiRequest(params));
      let at = 0;
      const kinds: number[] = [];
      const content: Buffer[] = [];
      while (at < bytes.length) {
        const length = bytes.readUInt16BE(at + 4);
        kinds.push(bytes[at + 1] ?? 0);
        if (bytes[at + 1] === 4) content.push(bytes.subarray(at + 8, at + 8 + length));
        at += 8 + length + (bytes[at + 6] ?? 0);
      }
      expect(at).toBe(bytes.length);
      expect([kinds[0], kinds.at(-2), kinds.at(-1)]).toEqual([1, 4, 5]);
      expect(decodePairs(Buffer.concat(content))).toEqual(Object.entries(params));
    }),
    { numRuns: 50 },
  );
});

function decodePairs(bytes: Buffer): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  let at = 0;
  const length = (): number => {
    const first = bytes[at] ?? 0;
    at += first < 128 ? 1 : 4;
    return first < 128 ? first : bytes.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    pairs.push([bytes.toString('utf8', at, at + name), bytes.toString('utf8', at + name, at + name + value)]);
    at += name + value;
  }
  return pairs;
}

describe('AJP', () => {
  test('knows the answer to its ping, and takes nothing else for one', () => {
    const answer = (bytes: Buffer): unknown => outcomeOfAjp({ bytes, ended: 'enough' });
    expect(answer(Buffer.from('4142000109', 'hex'))).toMatchObject({ state: 'answered', speaks: 'ajp', answer: { complete: true } });
    expect(answer(Buffer.from('HTTP/1.1 400 \r\n\r\n'))).toMatchObject({ state: 'answered', speaks: 'http', answer: { complete: false } });
    expect(outcomeOfAjp({ bytes: Buffer.alloc(0), ended: 'reset' })).toEqual({ state: 'closed', how: 'reset' });
  });
});

describe('sniff', () => {
  test.each(captures.map(({ name, bytes }) => [name, bytes] as const))('%s', (name, bytes) => {
    const expected = name.startsWith('php-fpm') ? 'fastcgi' : name.includes('-h2-') ? 'http2' : name.includes('tls-hello') ? 'tls' : 'http';
    expect(sniff(bytes)).toBe(expected);
  });

  test.each([
    ['tls', '15030300020228'],
    ['ajp', '4142000109'],
    ['other', Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian\r\n').toString('hex')],
    ['other', Buffer.from('-ERR wrong number of arguments\r\n').toString('hex')],
    ['other', '4a0000000a382e302e3336'],
    ['other', Buffer.from('ABBA ist kein AJP').toString('hex')],
    ['other', ''],
  ])('%s: %s', (protocol, hex) => {
    expect(sniff(Buffer.from(hex, 'hex'))).toBe(protocol);
  });
});

describe('dns', () => {
  test('pointers that loop or lead forward end the reading', () => {
    const query = Buffer.from(encodeDnsQuery(7, 'a.test', 'A') ?? []);
    query.writeUInt16BE(0x8180, 2);
    query.writeUInt16BE(3, 6);
    for (const pointer of [
      [0xc0, query.length],
      [0xc0, 0xff],
      [0xff, 0xff],
    ]) {
      const bytes = Buffer.concat([query, Buffer.from([...pointer, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4])]);
      expect(decodeDnsAnswer(bytes)).toMatchObject({ name: 'a.test', addresses: [] });
    }
  });

  test('IPv6 addresses are written in their short form', () => {
    const forms = {
      '00000000000000000000000000000001': '::1',
      '20010db8000000000000000000000001': '2001:db8::1',
      fe800000000000000000000000000000: 'fe80::',
      '00010002000300040005000600070008': '1:2:3:4:5:6:7:8',
      '20010000000100000000000000010000': '2001:0:1::1:0',
    };
    for (const [hex, text] of Object.entries(forms)) {
      const query = Buffer.from(encodeDnsQuery(1, 'a', 'AAAA') ?? []);
      query.writeUInt16BE(0x8180, 2);
      query.writeUInt16BE(1, 6);
      const bytes = Buffer.concat([query, Buffer.from('c00c001c00010000003c0010', 'hex'), Buffer.from(hex, 'hex')]);
      expect(decodeDnsAnswer(bytes)?.addresses).toEqual([text]);
    }
  });
});
