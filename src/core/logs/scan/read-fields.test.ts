import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFields } from './read-fields.ts';
import { sampleBytes } from './samples.ts';
import { accessFormat, anyLog, errorFormat, jsonFormat, scanBytes, testFormats } from './testing.ts';

describe('readFields', () => {
  it('gives what each field says, without escapes', () => {
    const line = String.raw`192.0.2.1 - - [21/Nov/2026:01:00:00 +0000] "GET /a\"b\\\xc3\xa9 HTTP/1.1" 502 157 "\x22" "curl" 1.000 10.0.0.1:80, 10.0.0.2:80 0.5, 0.25`;
    expect(readFields(accessFormat, line)).toEqual({
      client: '192.0.2.1',
      request: 'GET /a"b\\é HTTP/1.1',
      status: '502',
      sent: '157',
      referer: '"',
      'user-agent': 'curl',
      'request-time': '1.000',
      peer: '10.0.0.1:80, 10.0.0.2:80',
      'upstream-time': '0.5, 0.25',
    });
    expect(readFields(jsonFormat, String.raw`{"at":"2026-11-21T01:00:00Z","status":502,"uri":"\/a\u00e9\ud83d\ude00\n","peer":null}`)).toEqual({
      status: '502',
      uri: '/aé😀\n',
    });
    expect(readFields(errorFormat, '2026/11/21 01:00:00 [error] 7#8: *9 failed 12, client: 1.2.3.4, upstream: "http://h/x"')).toEqual({
      level: 'error',
      message: '*9 failed 12',
      client: '1.2.3.4',
      peer: 'http://h/x',
    });
  });

  it('gives nothing of a line that is another', () => {
    expect(readFields(accessFormat, 'x')).toBeUndefined();
    expect(readFields(jsonFormat, '')).toBeUndefined();
  });

  it('gives of a line that was cut what stands before the cut', () => {
    const cut = (line: string) => line.slice(0, sampleBytes);
    const line = `192.0.2.1 - - [21/Nov/2026:01:00:00 +0000] "GET /a HTTP/1.1" 502 157 "-" "${'x'.repeat(5000)}`;
    expect(readFields(accessFormat, cut(line))).toEqual({ client: '192.0.2.1', request: 'GET /a HTTP/1.1', status: '502', sent: '157', referer: '-' });
    expect(readFields(jsonFormat, cut(`{"time":5,"status":502,"uri":"${'x'.repeat(5000)}`))).toEqual({ status: '502', uri: 'x'.repeat(sampleBytes - 30) });
  });

  it('reads every line that was sampled', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anyLog, bytes => {
        const { failed, good } = scanBytes(bytes);
        for (const { format, text } of [...failed.lines, ...good.lines]) {
          // What was no UTF-8 is another text, and need not fit.
          if (text.includes('\u{fffd}')) continue;
          const one = testFormats.find(({ id }) => id === format) ?? accessFormat;
          expect(readFields(one, text), text).toBeDefined();
        }
      }),
    );
  });
});
