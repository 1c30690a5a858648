import { randomBytes } from 'node:crypto';
import type { ByteStream } from '../../core/model/host.ts';
import type { TraceAnswer } from '../../core/model/trace.ts';
import type { Deadline } from '../probes/exchange.ts';
import { headerValue } from '../probes/http-answer.ts';
import { closeFrame, webSocketAccept } from '../probes/upgrade.ts';
import { describeAnswer, receiveAnswer, type Circumstances } from './read-answer.ts';
import { isWebSocket, type Target } from './trace-request.ts';

/** One request as it goes over the wire, in either version of HTTP. */
export interface WireRequest {
  readonly method: string;
  readonly target: Target;
  /** The name that is asked for; its port where that is not the scheme's own. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  readonly userAgent: string;
}

/** Sends the request in HTTP/1.1 and reads the answer. A WebSocket that is taken is closed at once. */
export async function askHttp1(stream: ByteStream, request: WireRequest, circumstances: Circumstances, deadline: Deadline): Promise<TraceAnswer> {
  const key = randomBytes(16).toString('base64');
  const isUpgrade = isWebSocket(request.target.scheme);
  stream.write(encodeRequest(request, isUpgrade ? key : undefined));
  const answer = await describeAnswer(await receiveAnswer(stream, request.method, deadline), circumstances);
  if (!isUpgrade || answer.response?.status !== 101) return answer;
  stream.write(closeFrame());
  const headers = answer.response.headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    ...answer,
    upgraded: headerValue(headers, 'sec-websocket-accept') === webSocketAccept(key) && headerValue(headers, 'upgrade')?.toLowerCase() === 'websocket',
  };
}

/** The bytes of the request. What the caller gave stands instead of what badhop would say. */
export function encodeRequest({ method, target, headers, body, userAgent }: WireRequest, webSocketKey: string | undefined): Uint8Array {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const own: (readonly [string, string])[] = [
    ['Host', target.authority],
    ['User-Agent', userAgent],
    ['Accept', '*/*'],
    ...(body === undefined ? [] : [['Content-Type', 'application/x-www-form-urlencoded'] as const, ['Content-Length', String(body.length)] as const]),
    ...(webSocketKey === undefined
      ? [['Connection', 'close'] as const]
      : ([
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
          ['Sec-WebSocket-Key', webSocketKey],
          ['Sec-WebSocket-Version', '13'],
        ] as const)),
  ];
  const fields = [...own.filter(([name]) => !given.has(name.toLowerCase())), ...headers];
  const [hosts, others] = [fields.filter(isHost), fields.filter(field => !isHost(field))];
  const head = [`${method} ${target.path} HTTP/1.1`, ...[...hosts, ...others].map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'utf8'), ...(body === undefined ? [] : [body])]);
}

function isHost([name]: readonly [string, string]): boolean {
  return name.toLowerCase() === 'host';
}
