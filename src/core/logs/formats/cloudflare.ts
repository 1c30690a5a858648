/**
 * Cloudflare Logpush, data set `http_requests`: a JSON object a line with the fields that the job was asked for, and times in one
 * of three forms.
 *
 * Source: developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests, and its list of 5xx errors. `OriginResponseStatus`
 * is 0 where the origin gave no answer. A sample (shortened):
 *
 *     {"EdgeStartTimestamp":"2026-11-21T01:55:14Z","EdgeResponseStatus":522,"OriginResponseStatus":0,"OriginIP":"203.0.113.9","ClientRequestMethod":"GET"}
 */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { FieldRole, FieldUse, JsonKey } from '../scan/plan.ts';
import { isFailure, methodOf, outcome, present, statusOf } from './outcome.ts';
import { jsonClock } from './steps.ts';

const fields: readonly (readonly [name: string, role: FieldRole, use: FieldUse])[] = [
  ['OriginResponseStatus', 'upstream-status', 'key'],
  ['OriginIP', 'peer', 'key'],
  ['ZoneName', 'server', 'key'],
  ['ClientRequestMethod', 'method', 'key'],
  ['ClientRequestSource', 'reason', 'key'],
  ['ClientRequestHost', 'host', 'skip'],
  ['ClientRequestURI', 'uri', 'skip'],
  ['ClientRequestPath', 'uri', 'skip'],
  ['ClientRequestProtocol', 'protocol', 'skip'],
  ['ClientRequestReferer', 'referer', 'skip'],
  ['ClientRequestUserAgent', 'user-agent', 'skip'],
  ['ClientRequestBytes', 'received', 'skip'],
  ['ClientIP', 'client', 'skip'],
  ['EdgeResponseBytes', 'sent', 'skip'],
  // Until the first byte of the answer: Logpush has no field for all of it.
  ['EdgeTimeToFirstByteMs', 'request-time', 'milliseconds'],
  ['OriginResponseDurationMs', 'upstream-time', 'milliseconds'],
];
const roles: readonly FieldRole[] = ['status', ...new Set(fields.map(([, role]) => role))];

/** In this order: a number of seconds also reads as one of nanoseconds. */
export const cloudflareFormats: readonly LogFormat[] = [
  format('cloudflare', 'Cloudflare Logpush (HTTP requests)', jsonClock('iso')),
  format('cloudflare-unix', 'Cloudflare Logpush (HTTP requests, times in seconds)', { form: 'epoch', unitMs: 1000 }),
  format('cloudflare-unixnano', 'Cloudflare Logpush (HTTP requests, times in nanoseconds)', { form: 'epoch', unitMs: 1e-6 }),
];

function format(id: string, title: string, time: NonNullable<JsonKey['time']>): LogFormat {
  const keys: readonly JsonKey[] = [
    { name: 'EdgeStartTimestamp', use: 'skip', time },
    { name: 'EdgeEndTimestamp', use: 'skip', time },
    { name: 'EdgeResponseStatus', role: 'status', use: 'key', required: true },
    ...fields.map(([name, role, use]): JsonKey => ({ name, role, use })),
  ];
  return { id, title, product: 'cloudflare', kind: 'access', plan: { kind: 'json', keys }, roles, outcome: cloudflareOutcome };
}

/** What its own statuses say of the connection to the origin. 520 and 530 have many causes. */
const classes: Readonly<Record<number, MessageClass>> = {
  521: 'connect-refused',
  522: 'connect-timeout',
  523: 'connect-unreachable',
  524: 'read-timeout',
  525: 'tls-handshake',
  526: 'tls-verify',
};

function cloudflareOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  // An early hint that was not in the cache: no visitor sees it.
  const isHint = values.reason === 'earlyHintsCache' && status === 504;
  const failed = isFailure(status) && !isHint;
  const origin = values['upstream-status'];
  return outcome({
    status,
    failed,
    ...(failed ? makerOf(status, origin) : { madeBy: madeGood(origin) }),
    peer: present(values.peer),
    server: present(values.server),
    method: methodOf(values),
    class: failed && origin !== undefined && statusOf(origin) === 0 ? classes[status] : undefined,
  });
}

function madeGood(origin: string | undefined): MadeBy {
  if (origin === undefined) return 'unknown';
  return statusOf(origin) === 0 ? 'proxy' : 'backend';
}

function makerOf(status: number, origin: string | undefined): { readonly madeBy: MadeBy; readonly because?: string } {
  if (status === 499) return { madeBy: 'client' };
  const isOwn = (status >= 520 && status <= 527) || status === 530;
  if (origin === undefined) return isOwn ? { madeBy: 'proxy' } : { madeBy: 'unknown', because: 'the records lack OriginResponseStatus' };
  const answered = statusOf(origin);
  if (answered === 0) return { madeBy: 'proxy' };
  if (answered === status) return { madeBy: 'backend' };
  return isOwn || answered < 500 ? { madeBy: 'proxy' } : { madeBy: 'backend' };
}
