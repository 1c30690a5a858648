/**
 * nginx's error log. What a message means is said by the same tables as in a diagnosis.
 *
 * Source: nginx 1.22.1 and 1.31.5, ngx_log.c, ngx_http_request.c; nothing in a record is escaped. A sample:
 *
 *     2026/11/21 01:55:14 [error] 27537#27537: *4 connect() failed (111: Connection refused) while connecting to upstream,
 *     client: 127.0.0.1, server: bench.example, request: "GET /x HTTP/1.1", upstream: "http://[::1]:18098/x", host: "bench.example"
 */
import { failingClasses } from '../../model/facts/logs.ts';
import { parseErrorRecord } from '../../parsers/nginx-error-log.ts';
import { peerOf } from '../../parsers/nginx-error-log-context.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { messageOutcome } from './message-outcome.ts';
import { restoreMessage } from './nginx-collapsed.ts';
import { methodOf, present } from './outcome.ts';
import { clock, field, literal, pass, rolesOf, seek, textBefore } from './steps.ts';

const quietLevels: ReadonlySet<string> = new Set(['info', 'notice', 'debug', 'warn']);
const source = { path: '', offset: 0 };

/** Up to the request. Each part may be the last of a record. */
const steps: readonly PlanStep[] = [
  clock('nginx-error', ' '),
  literal(' ['),
  field('level', 'key', ']'),
  literal('] '),
  pass('#'),
  literal('#'),
  pass(':'),
  literal(': '),
  textBefore('message', 'collapsed', ', client: '),
  seek(', client: '),
  textBefore('client', 'skip', ','),
  seek(', server: '),
  textBefore('server', 'key', ','),
  seek(', request: "'),
  textBefore('request', 'first-word', '"'),
];

export const nginxErrorFormat: LogFormat = errorFormat('nginx-error', 'nginx error log', [
  ...steps,
  seek(', upstream: "'),
  field('peer', 'authority', '"'),
  { do: 'rest' },
]);
/** nginx cuts a record at 2048 bytes: of one whose upstream is cut, no upstream is read. The second format is for these. */
export const nginxErrorFormats: readonly LogFormat[] = [
  nginxErrorFormat,
  errorFormat('nginx-error-cut', 'nginx error log (records that are cut)', [...steps, { do: 'rest' }]),
];

function errorFormat(id: string, title: string, all: readonly PlanStep[]): LogFormat {
  return { id, title, product: 'nginx', kind: 'error', plan: { kind: 'steps', steps: all }, roles: rolesOf(all), outcome: nginxErrorOutcome };
}

function nginxErrorOutcome(values: FieldValues): Outcome {
  const text = (values.message ?? '').replace(/^\*\d+ /u, '');
  // A quote that is still open where the record or its first line ends.
  const message = text.split('"').length % 2 === 0 ? `${text}"` : text;
  const level = values.level ?? '';
  const method = methodOf(values);
  // A Referer may hold the text of an upstream: it is believed only where the message is about one.
  const named = /upstream|upgraded/u.test(message) ? present(values.peer) : undefined;
  const peer = named === undefined ? undefined : peerOf(named)?.peer;
  const record = parseErrorRecord(asRecord(level, restoreMessage(message), values, peer), { timeOf: () => 0, source });
  const kind = record?.class ?? 'other';
  const isHandshake = kind.startsWith('tls-') && peer === undefined && record?.phase?.includes('upstream') !== true;
  // A question to a name server that failed: the requests that wait for the answer have messages of their own.
  const isQuestion = kind === 'resolver-error' && method === undefined;
  const failed = failingClasses.has(kind) && !quietLevels.has(level) && !isHandshake && !isQuestion;
  return messageOutcome({ class: kind, madeBy: kind === 'client' ? 'client' : 'nginx', level, message, server: present(values.server), method, peer, failed });
}

/** The record as nginx would have written it, for the parser that reads whole ones. */
function asRecord(level: string, message: string, values: FieldValues, peer: string | undefined): string {
  const client = values.server === undefined && values.request === undefined ? '' : ', client: 0';
  const upstream = peer === undefined ? '' : `, server: , request: "GET / HTTP/1.1", upstream: "http://${peer}/"`;
  return `2000/01/01 00:00:00 [${level}] 0#0: ${message}${client}${upstream}`;
}
