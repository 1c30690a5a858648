/**
 * One record of an nginx error log, read from left to right in the fixed order of its parts.
 *
 * Source: nginx 1.22.1 and 1.31.5, ngx_log.c, ngx_http_request.c (ngx_http_log_error_handler). Nothing in a record is
 * escaped, so a Referer may look like a tail: what follows `, referrer: "` is data. A sample:
 *
 *     2026/11/21 01:55:14 [error] 27537#27537: *4 connect() failed (111: Connection refused) while connecting to upstream,
 *     client: 127.0.0.1, server: bench.example, request: "GET /x HTTP/1.1", upstream: "http://[::1]:18098/x", host: "bench.example"
 */
import type { ErrorRecord, LogSource } from '../model/facts/logs.ts';
import { parseContext, peerOf, type RecordContext } from './nginx-error-log-context.ts';
import { classifyMessage } from './nginx-messages-class.ts';
import { isErrno, matchMessage, messageEnd } from './nginx-messages.ts';

/** nginx cuts a record at 2048 bytes, its line end included. */
export const maxRecordBytes = 2047;

export interface ErrorRecordOptions {
  /** From `2026/11/21 01:55:14` to milliseconds, in the log's zone. */
  readonly timeOf: (wall: string) => number;
  readonly source: LogSource;
  /** Length of the record in bytes; its length in characters where absent. */
  readonly bytes?: number;
  /** Time for a line without its own, as `nginx: [emerg] …` on stderr: the journal's. */
  readonly timeMs?: number;
}

const levels = new Set(['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug']);

/** Where the record starts in a line that a syslog header may precede; -1 where no record starts in it. */
export function recordStart(line: string): number {
  if (isWall(line, 0)) return 0;
  // A syslog header is short: `Nov 21 07:00:00 host nginx: `, `<187>Nov 21 … `.
  const limit = Math.min(line.length, 160);
  for (let at = line.indexOf(': ', 0); at !== -1 && at < limit; at = line.indexOf(': ', at + 1)) {
    if (isWall(line, at + 2) && line[at + 21] === ' ' && line[at + 22] === '[') return at + 2;
    if (line.startsWith('[', at + 2) && line.slice(0, at).endsWith('nginx') && levels.has(bracketed(line, at + 2) ?? '')) return at + 2;
  }
  return -1;
}

/** The record that `text` holds (continuation lines included), or nothing where it is not one. */
export function parseErrorRecord(text: string, options: ErrorRecordOptions): ErrorRecord | undefined {
  const start = recordStart(text);
  if (start === -1) return undefined;
  const hasTime = isWall(text, start);
  const timeMs = hasTime ? options.timeOf(text.slice(start, start + 19)) : options.timeMs;
  if (timeMs === undefined || !Number.isFinite(timeMs)) return undefined;
  let at = hasTime ? start + 20 : start;
  const level = bracketed(text, at);
  if (level === undefined || !levels.has(level)) return undefined;
  at += level.length + 3;

  let pid = 0;
  const ids = /^(\d{1,10})#\d{1,20}: /u.exec(text.slice(at, at + 40));
  if (ids !== null) {
    pid = Number(ids[1]);
    at += ids[0].length;
  } else if (hasTime) return undefined;
  const connection = /^\*(\d{1,16}) /u.exec(text.slice(at, at + 20));
  if (connection !== null) at += connection[0].length;

  const cut = (options.bytes ?? text.length) - start >= maxRecordBytes;
  const body = text.slice(at, endOf(text));
  return finish(body, { text, timeMs, level, pid, cut, source: options.source, ...(connection === null ? {} : { connection: Number(connection[1]) }) });
}

function endOf(text: string): number {
  if (!text.endsWith('\n')) return text.length;
  return text.endsWith('\r\n') ? text.length - 2 : text.length - 1;
}

type Head = Pick<ErrorRecord, 'text' | 'timeMs' | 'level' | 'pid' | 'cut' | 'source' | 'connection'>;

function finish(body: string, head: Head): ErrorRecord {
  const match = matchMessage(body, head.cut);
  let end = match?.end ?? messageEnd(body, 0);
  const message = body.slice(0, end);
  // An OpenSSL text belongs to the message: it says what failed.
  let tls = '';
  if (body.startsWith(' (SSL: ', end)) {
    const after = messageEndAfterTls(body, end);
    tls = body.slice(end, after);
    end = after;
  }
  let errno: number | undefined;
  if (isErrno(body, end)) {
    errno = Number(/\d+/u.exec(body.slice(end, end + 14))?.[0]);
    const close = body.indexOf(')', end);
    end = close === -1 ? body.length : close + 1;
  }
  const context = parseContext(body, end);
  const dns = match?.id === 'could-not-be-resolved' || match?.id === 'ssl-verify-error' ? /\((\d{1,6}):/u.exec(message)?.[1] : undefined;
  const peer = peerIn(context, message, head.cut);
  const full = message + tls;
  const number = errno ?? (dns === undefined ? undefined : Number(dns));
  const record: Building = {
    ...head,
    message: full,
    class: classifyMessage({
      id: match?.id,
      message: full,
      errno: number,
      phase: context.phase,
      level: head.level,
      hasClient: context.client !== undefined,
      peer: peer?.peer,
    }),
  };
  if (match !== undefined) record.messageId = match.id;
  if (number !== undefined) record.errno = number;
  addContext(record, context);
  if (peer !== undefined) Object.assign(record, peer);
  return record;
}

type Building = { -readonly [K in keyof ErrorRecord]: ErrorRecord[K] };

function addContext(record: Building, { request, ...parts }: RecordContext): void {
  Object.assign(record, parts);
  if (request === undefined) return;
  const blank = request.indexOf(' ');
  const method = blank === -1 ? request : request.slice(0, blank);
  const uri = uriOf(request);
  if (/^[A-Z_-]{1,32}$/u.test(method)) record.method = method;
  if (uri !== undefined && uri !== '') record.uri = uri;
}

/** The second word of a request line. */
function uriOf(request: string): string | undefined {
  const blank = request.indexOf(' ');
  if (blank === -1) return undefined;
  const end = request.indexOf(' ', blank + 1);
  return end === -1 ? request.slice(blank + 1) : request.slice(blank + 1, end);
}

/** The peer from the tail; one that the cut may have shortened is not believed. */
function peerIn({ upstream, request, host, referrer }: RecordContext, message: string, cut: boolean): { peer: string; scheme?: string } | undefined {
  const isWhole = !cut || host !== undefined || referrer !== undefined || (upstream !== undefined && /^[a-z]+:\/\/(?!unix:)[^/]+\//u.test(upstream));
  if (upstream === undefined || !isWhole) return connectTarget(message);
  return peerOf(upstream, request === undefined ? undefined : uriOf(request));
}

/** `connect() to 10.0.0.1:80 failed` names the peer even where the tail was cut off. */
function connectTarget(message: string): { peer: string } | undefined {
  if (!message.startsWith('connect() to ')) return undefined;
  const end = message.lastIndexOf(' failed');
  return end > 13 ? { peer: message.slice(13, end) } : undefined;
}

function messageEndAfterTls(body: string, from: number): number {
  const close = [') while ', '), client: ', ') (', ')'].map(text => body.indexOf(text, from)).filter(at => at !== -1);
  const first = close.slice(0, -1);
  const at = first.length > 0 ? Math.min(...first) : body.lastIndexOf(')');
  return at > from ? at + 1 : body.length;
}

/** True where `YYYY/MM/DD HH:MM:SS` stands at `at`. */
function isWall(text: string, at: number): boolean {
  if (text.length < at + 19) return false;
  for (let index = 0; index < 19; index += 1) {
    const code = text.charCodeAt(at + index);
    const expected = wallShape.charCodeAt(index);
    if (expected === 48 ? code < 48 || code > 57 : code !== expected) return false;
  }
  return true;
}

const wallShape = '0000/00/00 00:00:00';

function bracketed(text: string, at: number): string | undefined {
  if (text[at] !== '[') return undefined;
  const close = text.indexOf(']', at);
  return close === -1 || close > at + 8 ? undefined : text.slice(at + 1, close);
}
