/**
 * Reads an HTTP/1.x answer (RFC 9112), or the header that a CGI program gives (RFC 3875 §6).
 * Sample: `HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Length: 157\r\n\r\n<html>…`
 */
export interface HttpAnswer {
  readonly status: number;
  /** Bytes of status line and header with the empty line; of what came of it when `isHeaderWhole` is false. */
  readonly headerBytes: number;
  readonly isHeaderWhole: boolean;
  /** Every header line has a name that HTTP allows, a colon, and no NUL. */
  readonly isHeaderValid: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** The same with their names as they came. */
  readonly rawHeaders: readonly (readonly [string, string])[];
  /** Of the status line: `HTTP/1.1`, and the words behind the status. Empty for a CGI program. */
  readonly version: string;
  readonly reason: string;
  readonly body: Buffer;
  /** `unknown`: the body goes on to the end of the connection. */
  readonly bodyState: 'whole' | 'part' | 'broken' | 'unknown';
}

const maxHeaders = 500;
const tokenName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const statusLine = /^(HTTP\/[0-9](?:\.[0-9])?) ([1-9][0-9]{2})(?: (.*)|$)/;

/** The answer behind any interim (1xx) ones; undefined when the bytes do not start like HTTP. */
export function readHttpAnswer(bytes: Buffer): HttpAnswer | undefined {
  let at = 0;
  for (;;) {
    const answer = readOne(bytes.subarray(at), true);
    if (answer === undefined) return undefined;
    const isInterim = answer.status >= 100 && answer.status < 200 && answer.status !== 101;
    const next = bytes.subarray(at + answer.headerBytes);
    if (!isInterim || !answer.isHeaderWhole || !statusLine.test(firstLine(next))) return answer;
    at += answer.headerBytes;
  }
}

/** The header and body that a FastCGI program writes; its status is in the `Status` field. */
export function readCgiAnswer(bytes: Buffer): HttpAnswer | undefined {
  return statusLine.test(firstLine(bytes)) ? readOne(bytes, true) : readOne(bytes, false);
}

function readOne(bytes: Buffer, hasStatusLine: boolean): HttpAnswer | undefined {
  const first = hasStatusLine ? statusLine.exec(firstLine(bytes)) : undefined;
  if (first === null) return undefined;
  const end = headerEnd(bytes);
  const isHeaderWhole = end >= 0;
  const headerBytes = isHeaderWhole ? end : bytes.length;
  const lines = bytes.subarray(0, headerBytes).toString('latin1').split('\n');
  if (hasStatusLine) lines.shift();
  const rawHeaders: (readonly [string, string])[] = [];
  let isHeaderValid = true;
  for (const raw of lines) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' || rawHeaders.length >= maxHeaders) continue;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    if (colon < 1 || !tokenName.test(name) || line.includes('\0')) isHeaderValid = false;
    rawHeaders.push([name, colon < 0 ? '' : line.slice(colon + 1).trim()]);
  }
  const headers = rawHeaders.map(([name, value]) => [name.toLowerCase(), value] as const);
  const body = bytes.subarray(headerBytes);
  const status = first === undefined ? cgiStatus(headers) : Number(first[2]);
  const bodyState = isHeaderWhole ? judgeBody(status, headers, body) : 'part';
  const [version = '', reason = ''] = [first?.[1], first?.[3]];
  return { status, version, reason, headerBytes, isHeaderWhole, isHeaderValid, headers, rawHeaders, body, bodyState };
}

function firstLine(bytes: Buffer): string {
  const text = bytes.subarray(0, 256).toString('latin1');
  const end = text.indexOf('\n');
  return (end < 0 ? text : text.slice(0, end)).replace(/\r$/, '');
}

/** Behind the first empty line, CRLF or LF; -1 without one. */
function headerEnd(bytes: Buffer): number {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return -1;
}

function cgiStatus(headers: HttpAnswer['headers']): number {
  const status = /^[1-9][0-9]{2}/.exec(headerValue(headers, 'status') ?? '');
  if (status !== null) return Number(status[0]);
  return headerValue(headers, 'location') === undefined ? 200 : 302;
}

export function headerValue(headers: HttpAnswer['headers'], name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1];
}

function judgeBody(status: number, headers: HttpAnswer['headers'], body: Buffer): HttpAnswer['bodyState'] {
  if (status === 204 || status === 304 || (status >= 100 && status < 200)) return 'whole';
  if (isChunked(headers)) return readChunks(body).state;
  const length = headerValue(headers, 'content-length');
  if (length === undefined) return 'unknown';
  if (!/^[0-9]{1,15}$/.test(length)) return 'broken';
  return body.length >= Number(length) ? 'whole' : 'part';
}

export function isChunked(headers: HttpAnswer['headers']): boolean {
  return /\bchunked$/i.test(headerValue(headers, 'transfer-encoding') ?? '');
}

/** The data of a chunked body (RFC 9112 §7.1), as far as it came. */
export function readChunks(body: Buffer): { readonly state: 'whole' | 'part' | 'broken'; readonly data: readonly Buffer[] } {
  const data: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = body.indexOf(10, at);
    if (end < 0) return { state: body.length - at > 4096 ? 'broken' : 'part', data };
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;|\r?$)/.exec(body.subarray(at, Math.min(end, at + 64)).toString('latin1'))?.[1];
    if (size === undefined) return { state: 'broken', data };
    const length = Number.parseInt(size, 16);
    if (length === 0) {
      const isWhole = headerEnd(body.subarray(end - 1)) >= 0 || body.subarray(end + 1, end + 3).toString('latin1') === '\r\n';
      return { state: isWhole ? 'whole' : 'part', data };
    }
    at = end + 1 + length;
    data.push(body.subarray(end + 1, at));
    if (at + 2 > body.length) return { state: 'part', data };
    if (body[at] === 13) at++;
    if (body[at] !== 10) return { state: 'broken', data };
    at++;
  }
}
