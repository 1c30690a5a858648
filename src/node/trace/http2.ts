import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TraceAnswer } from '../../core/model/trace.ts';
import type { Deadline } from '../probes/exchange.ts';
import { codeOf } from '../probes/tls.ts';
import type { WireRequest } from './http1.ts';
import { undoCoding, type Circumstances } from './read-answer.ts';
import { isSecure } from './trace-request.ts';

/** Fields of one connection, which HTTP/2 does not have (RFC 9113 §8.2.2). */
const forbidden = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']);
/** Node takes 128 fields and 64 KiB by itself, and a server that sends more is not broken by that. */
const maxFields = 1000;
const maxHeaderBytes = 256 * 1024;
const maxBodyBytes = 1024 * 1024;
const keptBodyBytes = 64 * 1024;

interface Gathered {
  status: number | undefined;
  fields: (readonly [string, string])[];
  trailers: (readonly [string, string])[];
  parts: Buffer[];
  bodyBytes: number;
  error: string | undefined;
  ended: TraceAnswer['ended'] | undefined;
}

/** Sends the request in HTTP/2 over a connected socket, and reads the answer. `onFirstByte` is told when its header came. Never throws. */
export async function askHttp2(
  socket: Duplex,
  request: WireRequest & { readonly grpc: boolean },
  circumstances: Circumstances,
  deadline: Deadline,
  onFirstByte: () => void,
): Promise<TraceAnswer> {
  const gathered: Gathered = { status: undefined, fields: [], trailers: [], parts: [], bodyBytes: 0, error: undefined, ended: undefined };
  await exchange(socket, request, deadline, gathered, onFirstByte);
  return describe(gathered, circumstances, request.grpc);
}

function exchange(
  socket: Duplex,
  request: WireRequest & { readonly grpc: boolean },
  deadline: Deadline,
  gathered: Gathered,
  onFirstByte: () => void,
): Promise<void> {
  return new Promise(resolve => {
    let session: ClientHttp2Session | undefined;
    const timer = setTimeout(() => end('timeout'), deadline.leftMs);
    const end = (ended: TraceAnswer['ended']): void => {
      if (gathered.ended !== undefined) return;
      gathered.ended = ended;
      clearTimeout(timer);
      session?.destroy();
      socket.destroy();
      resolve();
    };
    const fail = (error: unknown): void => {
      gathered.error ??= codeOf(error);
      end(gathered.error === 'ECONNRESET' ? 'reset' : 'end');
    };
    try {
      const origin = `${isSecure(request.target.scheme) ? 'https' : 'http'}://${request.target.authority}`;
      session = connect(origin, {
        createConnection: () => socket,
        maxHeaderListPairs: maxFields,
        settings: { maxHeaderListSize: maxHeaderBytes, enablePush: false },
      });
      session.on('error', fail);
      session.on('goaway', code => {
        if (code !== constants.NGHTTP2_NO_ERROR) gathered.error ??= `GOAWAY ${code}`;
      });
      session.on('close', () => end('end'));
      listen(session.request(headersOf(request), { endStream: request.body === undefined }), gathered, end, onFirstByte).end(request.body);
    } catch (error) {
      fail(error);
    }
  });
}

function listen(stream: ClientHttp2Stream, gathered: Gathered, end: (ended: TraceAnswer['ended']) => void, onFirstByte: () => void): ClientHttp2Stream {
  stream.on('response', headers => {
    onFirstByte();
    gathered.status = Number(headers[':status']);
    gathered.fields = fieldsOf(headers);
  });
  stream.on('trailers', (headers: IncomingHttpHeaders) => {
    gathered.trailers = fieldsOf(headers);
  });
  stream.on('data', (part: Buffer) => {
    gathered.bodyBytes += part.length;
    if (gathered.bodyBytes - part.length < maxBodyBytes) gathered.parts.push(part);
    else end('limit');
  });
  stream.on('error', error => {
    gathered.error ??= codeOf(error);
  });
  stream.on('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) gathered.error ??= `RST_STREAM ${stream.rstCode}`;
    end(gathered.error === undefined && gathered.status !== undefined ? 'enough' : 'end');
  });
  return stream;
}

function headersOf({ method, target, headers, body, userAgent, grpc }: WireRequest & { readonly grpc: boolean }): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {
    ':method': method,
    ':scheme': isSecure(target.scheme) ? 'https' : 'http',
    ':authority': headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? target.authority,
    ':path': target.path,
    'user-agent': userAgent,
    accept: '*/*',
    ...(grpc ? { 'content-type': 'application/grpc', te: 'trailers' } : {}),
    ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    ...(body === undefined || grpc ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (forbidden.has(key)) continue;
    fields[key] = value;
  }
  return fields;
}

/** In the order in which they came; a field that came twice stands in Node's list once. */
function fieldsOf(headers: IncomingHttpHeaders): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (name.startsWith(':') || value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map(each => [name, each] as const);
  });
}

async function describe(gathered: Gathered, circumstances: Circumstances, grpc: boolean): Promise<TraceAnswer> {
  const { status, fields, trailers, bodyBytes, error, ended = 'end' } = gathered;
  const common = { ended, bytes: bodyBytes, headerBytes: 0, ...(error === undefined ? {} : { error }) };
  if (status === undefined) {
    const isStrange = error !== undefined && /ERR_HTTP2|PROTOCOL|GOAWAY/.test(error);
    return { ...common, state: isStrange ? 'not-http' : 'silent', head: '', problems: isStrange ? [`it is no HTTP/2 (${error})`] : [] };
  }
  const isWhole = ended === 'enough';
  const coding = fields.find(([name]) => name === 'content-encoding')?.[1] ?? '';
  const decoded = await undoCoding(Buffer.concat(gathered.parts), coding, isWhole);
  const headerBytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  const fieldOf = (name: string): string | undefined => [...trailers, ...fields].find(([key]) => key === name)?.[1];
  const grpcStatus = fieldOf('grpc-status');
  return {
    ...common,
    headerBytes,
    bytes: bodyBytes + headerBytes,
    state: decoded.problems.length > 0 ? 'invalid' : isWhole ? 'whole' : ended === 'limit' ? 'limit' : 'cut',
    head: [`HTTP/2 ${status}`, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\n').slice(0, 512),
    problems: decoded.problems,
    response: {
      ...circumstances,
      status,
      reason: '',
      protocol: 'h2',
      headers: fields,
      body: new Uint8Array(decoded.bytes.subarray(0, keptBodyBytes)),
      ...(isWhole && decoded.problems.length === 0 && circumstances.method !== 'HEAD' ? { bodyBytes: decoded.bytes.length } : {}),
    },
    ...(grpc && grpcStatus !== undefined ? { grpc: { status: grpcStatus, message: fieldOf('grpc-message') ?? '' } } : {}),
  };
}
