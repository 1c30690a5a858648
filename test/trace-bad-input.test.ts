import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { renderTerminal } from '../src/core/reporters/terminal.ts';
import type { Report } from '../src/core/model/report.ts';
import { schemaProblems } from './report-schema.ts';
import { answering, endServers, listen, nginxPage, page, traced } from './trace-servers.ts';

afterEach(endServers);

const look = { width: 80, colour: false, unicode: true, verbose: true };

/** A trace that must end in time, fit the schema and print without a control character. */
async function bounded(url: string, options: Parameters<typeof traced>[1] = {}): Promise<Report> {
  const report = await traced(url, { timeout: 700, ...options });
  expect(report.durationMs).toBeLessThan(8000);
  expect(schemaProblems(report)).toEqual([]);
  // eslint-disable-next-line no-control-regex
  expect(renderTerminal(report, look)).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(JSON.stringify(report).length).toBeLessThan(200_000);
  return report;
}

async function served(behave: (socket: Socket) => void, options: Parameters<typeof traced>[1] = {}): Promise<Report> {
  const { port } = await listen(behave);
  return bounded(`http://127.0.0.1:${port}/`, options);
}

const fault = (report: Report): string | undefined => report.findings[0]?.fault;
const status = (report: Report): number | undefined => report.trace?.hops[0]?.requests[0]?.status;

describe('a server that', () => {
  it('drips a byte a second ends with the time', async () => {
    const text = page('200 OK', 'hello');
    let timer: NodeJS.Timeout | undefined;
    const report = await served(socket => {
      let at = 0;
      timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(text.charAt(at++))), 100);
    });
    clearInterval(timer);
    expect(fault(report)).toMatch(/^response-(?:stalled|timed-out)|protocol-mismatch$/);
    expect(report.verdict).toBe('failing');
  });

  it('sends its header at once and its body never', async () => {
    const report = await served(socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'));
    expect(fault(report)).toBe('response-stalled');
    expect(status(report)).toBe(200);
  });

  it('streams events for as long as one listens', async () => {
    const report = await served(socket => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n')));
    expect(report.verdict).toBe('healthy');
  });

  it('never answers', async () => {
    expect(fault(await served(() => undefined))).toBe('response-timed-out');
  });

  it('closes without a word, and one that resets', async () => {
    expect(fault(await served(socket => socket.once('data', () => socket.end())))).toBe('connection-closed');
    expect(fault(await served(socket => socket.once('data', () => socket.resetAndDestroy())))).toBe('connection-reset');
  });

  it('sends without end is read no further than needed', async () => {
    let sent = 0;
    const report = await served(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n');
        const more = (): void => {
          while (!socket.destroyed && sent < 1e9) {
            const block = Buffer.alloc(65_536, 0x61);
            sent += block.length;
            if (!socket.write(block)) break;
          }
        };
        socket.on('drain', more);
        more();
      });
    });
    expect(report.verdict).toBe('healthy');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('sends a header without end', async () => {
    const report = await served(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const more = (): void => {
          while (!socket.destroyed && socket.write(`X-Filler: ${'y'.repeat(8000)}\r\n`));
        };
        socket.on('drain', more);
        more();
      });
    });
    expect(fault(report)).toBe('response-header-too-big');
  });

  it('promises 1 GB and sends some', async () => {
    const report = await served(socket => socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n${'a'.repeat(1000)}`)));
    expect(fault(report)).toBe('response-truncated');
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50 * 1024 * 1024))],
    ['br', brotliCompressSync(Buffer.alloc(50 * 1024 * 1024))],
    ['deflate', deflateSync(Buffer.alloc(50 * 1024 * 1024))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50 * 1024 * 1024)))],
  ])(
    'compresses a bomb with %s',
    async (coding, body) => {
      const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`);
      const report = await served(answering(Buffer.concat([head, body])));
      expect(fault(report)).toBe('response-body-broken');
      expect(report.findings[0]?.explanation).toContain('grows to');
    },
    30_000,
  );

  it('compresses its error page', async () => {
    const plain = nginxPage('502 Bad Gateway').split('\r\n\r\n').slice(1).join('\r\n\r\n');
    const body = gzipSync(plain);
    const head = Buffer.from(`HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
    const report = await served(answering(Buffer.concat([head, body])));
    expect(report.trace?.answered?.answeredBy).toBe('nginx');
  });

  it('says gzip and sends none', async () => {
    expect(fault(await served(answering(page('200 OK', 'this is not gzip', ['Content-Encoding: gzip']))))).toBe('response-body-broken');
  });

  it('sends chunks, whole and broken', async () => {
    const chunked = (body: string): string => `HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
    const plain = nginxPage('502 Bad Gateway').split('\r\n\r\n').slice(1).join('\r\n\r\n');
    const whole = await served(answering(chunked(`${plain.length.toString(16)}\r\n${plain}\r\n0\r\n\r\n`)));
    expect(whole.trace?.answered?.answeredBy).toBe('nginx');
    expect(fault(await served(answering(chunked('zz\r\nbody\r\n0\r\n\r\n').replace('502 Bad Gateway', '200 OK'))))).toBe('response-body-broken');
    expect(fault(await served(answering(chunked('ff\r\nbody').replace('502 Bad Gateway', '200 OK'))))).toBe('response-truncated');
  });

  it.each([
    ['garbage', Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919) % 256)), 'protocol-mismatch'],
    ['HTTP/0.9', Buffer.from('<html><body>hello</body></html>'), 'protocol-mismatch'],
    ['a mail server', Buffer.from('220 mail.example ESMTP\r\n'), 'protocol-mismatch'],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n'), 'protocol-mismatch'],
    ['a header name with a space', Buffer.from('HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n'), 'invalid-response-header'],
    ['two lengths', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'), 'invalid-response-header'],
    ['a length and chunks', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 'invalid-response-header'],
    ['a length that is none', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nab'), 'invalid-response-header'],
    ['a status of four digits', Buffer.from('HTTP/1.1 2000 OK\r\n\r\n'), 'protocol-mismatch'],
    ['a NUL in a field', Buffer.from('HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'), 'invalid-response-header'],
  ])('answers with %s', async (_what, bytes, expected) => {
    const report = await served(answering(bytes));
    expect(fault(report)).toBe(expected);
    expect(report.verdict).toBe('failing');
  });

  it('sends control characters and markup in its fields and page', async () => {
    const hostile = '\u001b[2J\u001b]0;owned\u0007<script>alert(1)</script>\u0000\u009b31m';
    const report = await served(
      answering(
        page('502 Bad Gateway', hostile, [
          `Server: ${hostile.replace('\u0000', '')}`,
          `Via: 1.1 ${hostile.replace('\u0000', '')}`,
          `Set-Cookie: a=${'b'.repeat(5000)}`,
        ]),
      ),
    );
    expect(report.verdict).toBe('failing');
  });

  it('answers before it was asked everything', async () => {
    const { port } = await listen(socket => socket.end(page('413 Content Too Large')));
    const report = await bounded(`http://127.0.0.1:${port}/`, { data: 'x'.repeat(5_000_000) });
    expect([413, undefined]).toContain(status(report));
  });

  it('sends interim answers first', async () => {
    const report = await served(answering(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${page('200 OK', 'hello')}`));
    expect(status(report)).toBe(200);
    expect(report.verdict).toBe('healthy');
  });

  it('answers HEAD with a length and no body', async () => {
    const report = await served(answering('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n'), { request: 'HEAD' });
    expect(report.verdict).toBe('healthy');
  });

  it('ends its lines with LF alone', async () => {
    expect(status(await served(answering('HTTP/1.1 200 OK\nContent-Length: 2\n\nok')))).toBe(200);
  });
});

describe('HTTP/2', () => {
  async function http2(onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Promise<{ port: number; close: () => void }> {
    const server = createHttp2Server({ maxSendHeaderBlockLength: 1_000_000 });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      onStream(stream, headers);
    });
    server.on('error', () => undefined);
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    return { port: typeof address === 'object' && address !== null ? address.port : 0, close: () => server.close() };
  }

  it('with prior knowledge is spoken when asked for', async () => {
    const { port, close } = await http2(stream => {
      stream.respond({ ':status': 502, server: 'nginx' });
      stream.end('<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n');
    });
    const report = await bounded(`http://127.0.0.1:${port}/`, { http2: true });
    close();
    expect(report.trace?.hops[0]?.requests[0]).toMatchObject({ status: 502, protocol: 'h2' });
  });

  it('of a stream that is reset, and of one that hangs', async () => {
    const reset = await http2(stream => stream.close(2));
    expect(fault(await bounded(`http://127.0.0.1:${reset.port}/`, { http2: true }))).toMatch(/^(?:connection-closed|protocol-mismatch)$/);
    reset.close();
    const hung = await http2(() => undefined);
    expect(fault(await bounded(`http://127.0.0.1:${hung.port}/`, { http2: true }))).toBe('response-timed-out');
    hung.close();
  });

  it('with more fields and more bytes than are usual is read, and without end no further than needed', async () => {
    const many = await http2(stream => {
      stream.respond({ ':status': 200, ...Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-field-${index}`, 'y'.repeat(300)])) });
      stream.end('hello');
    });
    const report = await bounded(`http://127.0.0.1:${many.port}/`, { http2: true });
    many.close();
    expect(report.verdict).toBe('healthy');
    let sent = 0;
    const endless = await http2(stream => {
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (!stream.destroyed && sent < 1e9) {
          sent += 65_536;
          if (!stream.write(Buffer.alloc(65_536, 0x61))) break;
        }
      };
      stream.on('drain', more);
      more();
    });
    expect((await bounded(`http://127.0.0.1:${endless.port}/`, { http2: true })).verdict).toBe('healthy');
    endless.close();
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('of a server that does not speak it', async () => {
    const report = await served(answering(page('400 Bad Request')), { http2: true });
    expect(report.verdict).toBe('failing');
  });

  it('carries gRPC, and tells an answer that is none', async () => {
    const { port, close } = await http2(stream => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14', 'grpc-message': 'upstream connect error' }));
      stream.end();
    });
    const report = await bounded(`http://127.0.0.1:${port}/pkg.Service/Method`, { grpc: true });
    close();
    expect(fault(report)).toBe('grpc-error');
    const plain = await http2(stream => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('hello');
    });
    expect(fault(await bounded(`http://127.0.0.1:${plain.port}/pkg.Service/Method`, { grpc: true }))).toBe('grpc-not-spoken');
    plain.close();
    const unknown = await http2(stream => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
    });
    expect((await bounded(`http://127.0.0.1:${unknown.port}/pkg.Service/Method`, { grpc: true })).verdict).toBe('healthy');
    unknown.close();
  });
});

describe('a WebSocket', () => {
  const taking = answering(request => {
    const key = /sec-websocket-key: (.+)\r/i.exec(request)?.[1] ?? '';
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  });

  it('that is taken is well', async () => {
    const { port } = await listen(taking);
    const report = await bounded(`ws://127.0.0.1:${port}/socket`);
    expect(report.verdict).toBe('healthy');
    expect(status(report)).toBe(101);
  });

  it.each([
    ['a page', page('200 OK', 'hello'), 'websocket-refused'],
    ['426', page('426 Upgrade Required'), 'websocket-refused'],
    [
      'a wrong key',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: nonsense\r\n\r\n',
      'websocket-refused',
    ],
    ['502', nginxPage('502 Bad Gateway'), 'error-answer'],
  ])('that is answered with %s', async (_what, answer, expected) => {
    const { port } = await listen(answering(answer));
    expect(fault(await bounded(`ws://127.0.0.1:${port}/socket`))).toBe(expected);
  });
});

describe('the limits of size', () => {
  it('are found by bisection', async () => {
    const { port, count } = await listen(answering(request => (request.length > 9000 ? page('431 Request Header Fields Too Large') : page('200 OK'))));
    const report = await bounded(`http://127.0.0.1:${port}/`, { headerSizeProbe: true });
    const [size] = report.trace?.sizes ?? [];
    expect(size).toMatchObject({ part: 'header', refusedWith: '431' });
    expect(size?.takenBytes).toBeLessThan(9000);
    expect(size?.refusedBytes).toBeGreaterThan(8500);
    expect((size?.refusedBytes ?? 0) - (size?.takenBytes ?? 0)).toBeLessThan(400);
    expect(count()).toBeLessThan(30);
  });

  it('of the body are looked for when asked alone', async () => {
    const methods: string[] = [];
    const { port } = await listen(socket => {
      socket.once('data', head => {
        const length = Number(/content-length: (\d+)/i.exec(head.toString('latin1'))?.[1] ?? 0);
        methods.push(head.toString('latin1').split(' ')[0] ?? '');
        socket.end(length > 100_000 ? page('413 Content Too Large') : page('200 OK'));
        socket.resume();
      });
    });
    await bounded(`http://127.0.0.1:${port}/`);
    expect(methods).toEqual(['GET']);
    const report = await bounded(`http://127.0.0.1:${port}/`, { bodySizeProbe: true });
    expect(report.trace?.sizes[0]).toMatchObject({ part: 'body' });
    expect(report.trace?.sizes[0]?.takenBytes).toBeLessThan(100_001);
  });

  it('are not guessed where nothing answers', async () => {
    const report = await bounded('http://127.0.0.1:1/', { headerSizeProbe: true });
    expect(report.trace?.sizes[0]?.because).toBeDefined();
  });
});

describe('a resolver', () => {
  it('that answers with anything but DNS is no resolver, and nothing breaks', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (query, peer) => {
      const loop = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1])]);
      const other = Buffer.from(query);
      other[0] = ((other[0] ?? 0) + 1) & 255;
      other[2] = 0x81;
      const many = Buffer.concat([
        query.subarray(0, 2),
        Buffer.from([0x81, 0x80, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        query.subarray(12),
        Buffer.alloc(1200, 0xc0),
      ]);
      for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(600, 0xff), loop, other]) socket.send(bytes, peer.port, peer.address);
      if (query.at(-3) === 28) socket.send(many, peer.port, peer.address);
    });
    await new Promise<void>(resolve => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    const report = await bounded('http://shop.example/', { resolver: [`127.0.0.1:${socket.address().port}`] });
    socket.close();
    expect(report.verdict).toBe('failing');
    expect(fault(report)).toMatch(/^dns-/);
  }, 20_000);
});

describe('any bytes', () => {
  it('give a report', async () => {
    let next = Buffer.alloc(0);
    const { port } = await listen(socket => {
      socket.once('data', () => socket.end(next));
    });
    const start = fc.constantFrom(
      '',
      'HTTP/1.1 ',
      'HTTP/1.1 502 Bad Gateway\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 400 }), async (head, bytes) => {
        next = Buffer.concat([Buffer.from(head), bytes]);
        const report = await traced(`http://127.0.0.1:${port}/`, { timeout: 1000 });
        expect(schemaProblems(report)).toEqual([]);
        // eslint-disable-next-line no-control-regex
        expect(renderTerminal(report, look)).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
      }),
      { numRuns: 60 },
    );
  });
});
