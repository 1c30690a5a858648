import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContainerLines, isContainerLog } from './container-lines.ts';
import { readFully, type ByteSource } from './source.ts';

function sourceOf(bytes: Uint8Array, piece: number): ByteSource {
  let at = 0;
  return {
    problems: [],
    get consumed() {
      return at;
    },
    read(into) {
      const length = Math.min(into.length, bytes.length - at, piece);
      into.set(bytes.subarray(at, at + length));
      at += length;
      return length;
    },
    close: () => undefined,
  };
}

async function linesOf(text: string, piece = 7, room = 5): Promise<string> {
  const lines = new ContainerLines(sourceOf(Buffer.from(text), piece));
  const chunks: Uint8Array[] = [];
  for (;;) {
    const into = new Uint8Array(room);
    const length = await readFully(lines, into);
    chunks.push(into.subarray(0, length));
    if (length < room) return Buffer.concat(chunks).toString();
  }
}

/** As Go's encoder writes it. */
const record = (log: string, stream = 'stdout'): string =>
  `${JSON.stringify({ log, stream, time: '2026-11-21T01:55:14.123456789Z' }).replaceAll(/[<>&]/gu, sign => `\\u00${sign.charCodeAt(0).toString(16)}`)}\n`;

describe('ContainerLines', () => {
  it('gives what the program printed', async () => {
    const lines = ['192.0.2.7 - - [21/Nov/2026:01:55:14 +0000] "GET /?a=1&b=<2> HTTP/1.1" 502 157 "-" "a\\x22b\ttab/ü/\u{1f6d2}"\n', '\n', 'second\r\n'];
    expect(await linesOf(lines.map(line => record(line)).join(''))).toBe(lines.join(''));
  });

  it('joins a line that was written in several records', async () => {
    expect(await linesOf(record('a'.repeat(40)) + record('b\n') + record('c\n', 'stderr'))).toBe(`${'a'.repeat(40)}b\nc\n`);
  });

  it('takes blanks and half a character as they come', async () => {
    expect(await linesOf('{ "log" : "a\\/b\\ud83d!\\ud83d\\uded2\\uZZZZ\\n", "stream": "stdout"}\n')).toBe('a/b!\u{1f6d2}\ufffd\n');
  });

  it('gives lines that are no records as they are', async () => {
    expect(await linesOf(`nginx: oops\n${record('x\n')}{"lo\n\n{"log":5}\n{"log":"cut`)).toBe('nginx: oops\nx\n{"lo\n\n{"log":5}\ncut');
    expect(await linesOf('{"lo')).toBe('{"lo');
    expect(await linesOf('')).toBe('');
  });

  it('gives any text that is written so, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' })),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        async (texts, piece, room) => {
          expect(await linesOf(texts.map(text => record(text)).join(''), piece, room)).toBe(texts.join(''));
        },
      ),
    );
  });

  it('takes any bytes, and becomes no longer by it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('{"log":"', '"', '\\', '\\u', 'd83d', '\n', '{', 'x', ' '), { maxLength: 60 }), async parts => {
        const text = parts.join('');
        expect(Buffer.byteLength(await linesOf(text, 3, 4))).toBeLessThanOrEqual(Buffer.byteLength(text));
      }),
    );
  });
});

describe('isContainerLog', () => {
  it.each([
    [record('x\n'), true],
    [`{"log": "x", "stream": "stderr", "time": "2026-11-21T01:55:14Z"}\nmore`, true],
    [record('x'.repeat(40_000)).slice(0, 2000), true],
    ['{"log":"access","status":502,"time":"2026-11-21T01:55:14Z"}\n', false],
    ['{"log":"cut\n', false],
    ['{"time":"2026-11-21T01:55:14Z"}\n', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(isContainerLog(Buffer.from(text))).toBe(expected);
  });
});
