import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { nodeHttp } from './node.ts';
import { startUnit } from './unit.ts';

export interface SocketOptions {
  /** The path on which it takes WebSockets; any where there is none. */
  readonly path?: string;
  /** What becomes of plain requests; the body of `(request, response) => {…}`. */
  readonly handler?: string;
  /** What it asks of a handshake beyond the RFC: a condition over `request`, and the answer where it does not hold. */
  readonly only?: { readonly when: string; readonly otherwise: string };
  /** How long it leaves a WebSocket open, in milliseconds; until the client leaves it where there is none. */
  readonly closesAfterMs?: number;
}

/** A program of Node that takes WebSockets as RFC 6455 says, says `hello` and echoes nothing. */
export function nodeSocket({ path, handler, only, closesAfterMs }: SocketOptions = {}): string {
  const plain = handler ?? "response.writeHead(426, { 'content-type': 'text/plain' }); response.end('Upgrade Required\\n');";
  const isHere = path === undefined ? 'true' : `request.url.split('?')[0] === '${path}'`;
  return nodeHttp(
    plain,
    `const { createHash } = require('node:crypto');
server.on('upgrade', (request, socket) => {
  socket.on('error', () => {});
  const key = request.headers['sec-websocket-key'];
  const refuse = line => socket.end('HTTP/1.1 ' + line + '\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n');
  if (!(${isHere})) return refuse('404 Not Found');
  if (request.headers.upgrade.toLowerCase() !== 'websocket' || key === undefined) return refuse('400 Bad Request');
  if (request.headers['sec-websocket-version'] !== '13') return refuse('400 Bad Request');
  if (!(${only?.when ?? 'true'})) return refuse('${only?.otherwise ?? ''}');
  const accept = createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.write(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]));
  socket.on('data', data => { if ((data[0] & 15) === 8) socket.end(Buffer.from([0x88, 0])); });
  socket.on('end', () => socket.end());
  ${closesAfterMs === undefined ? '' : `setTimeout(() => socket.end(Buffer.from([0x88, 0])), ${closesAfterMs});`}
});`,
  );
}

/** A program of Python under uvicorn that takes WebSockets on one path; wsproto does the handshake. */
export async function uvicornSocket(host: LabHost, options: { readonly name: string; readonly port: number; readonly path: string }): Promise<void> {
  const { name, port, path } = options;
  await host.write(
    `/srv/${name}/app.py`,
    `async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        if scope["path"] != "${path}":
            await send({"type": "websocket.close", "code": 1000})
            return
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    elif scope["type"] == "http":
        status = 200 if scope["path"] == "/" else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ok" if status == 200 else b"Not Found"})
`,
  );
  const exec = `/usr/bin/python3 -m uvicorn --host 127.0.0.1 --port ${port} --ws wsproto --lifespan off app:app`;
  await startUnit(host, { unit: `${name}.service`, description: `${name} (uvicorn)`, exec, user: 'www-data', workdir: `/srv/${name}` });
  await waitForListener(host, `127.0.0.1:${port}`);
}

/** Headers of the request with which a browser opens a WebSocket. */
export const openingHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
} as const;

/** Throws unless a WebSocket opens at this URL. */
export async function expectSocket(host: LabHost, url: string): Promise<void> {
  const { responses } = await host.request({ urls: [url], headers: openingHeaders, timeoutMs: 5000 });
  const [first] = responses;
  if (first?.status !== 101) throw new Error(`${url} did not open: ${first?.status ?? 0} ${first?.error ?? ''} ${first?.body ?? ''}`);
}
