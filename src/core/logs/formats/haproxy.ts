/**
 * HAProxy's logs: of requests (`option httplog`, and `httpslog`, which adds words about TLS at the end), of TCP sessions
 * (`option tcplog`), and its messages about servers. Times are those of the host.
 *
 * Source: HAProxy 2.6.12, captured, and its manual (8.2, 8.5). Samples (a syslog header may stand before them):
 *
 *     127.0.0.1:44508 [21/Nov/2026:14:01:19.956] http-in close/s3 0/0/0/-1/0 502 209 - - SH-- 1/1/0/0/0 0/0 {127.0.0.1:28200} "GET /close/x?y=1 HTTP/1.1"
 *     127.0.0.1:35810 [21/Nov/2026:14:01:22.003] tcpf2 tcpb2/t2 1/-1/502 0 SC 2/1/0/0/1 0/0
 */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { messageOutcome } from './message-outcome.ts';
import { methodOf, outcome, present, statusOf } from './outcome.ts';
import { clock, field, literal, pass, rolesOf, textBefore } from './steps.ts';

/** `client [accept time] frontend backend/server ` */
const head: readonly PlanStep[] = [
  field('client', 'skip', ' '),
  literal(' ['),
  clock('local', ']'),
  literal('] '),
  field('server', 'key', ' '),
  literal(' '),
  field('group', 'key', '/'),
  literal('/'),
  field('peer', 'key', ' '),
  literal(' '),
];
const plus: PlanStep = { do: 'maybe', text: '+' };
const slash = literal('/');
const blank = literal(' ');
/** `actconn/feconn/beconn/srvconn/retries srv_queue/backend_queue` */
const counts: readonly PlanStep[] = [
  pass('/'),
  slash,
  pass('/'),
  slash,
  pass('/'),
  slash,
  pass('/'),
  slash,
  field('reason', 'key', ' '),
  blank,
  pass('/'),
  slash,
];

const httpSteps: readonly PlanStep[] = [
  ...head,
  // TR/Tw/Tc/Tr/Ta
  pass('/'),
  slash,
  pass('/'),
  slash,
  field('connect-time', 'shape', '/'),
  slash,
  field('header-time', 'shape', '/'),
  slash,
  plus,
  field('request-time', 'milliseconds', ' '),
  blank,
  field('status', 'key', ' '),
  blank,
  plus,
  field('sent', 'skip', ' '),
  blank,
  pass(' '),
  blank,
  pass(' '),
  blank,
  field('flags', 'key', ' '),
  blank,
  ...counts,
  // Captured headers stand between. A request that is too long for the log has no quote behind it.
  pass('"'),
  literal('"'),
  textBefore('request', 'first-word', '"'),
  { do: 'rest' },
];

const tcpSteps: readonly PlanStep[] = [
  ...head,
  // Tw/Tc/Tt
  pass('/'),
  slash,
  field('connect-time', 'shape', '/'),
  slash,
  plus,
  field('request-time', 'milliseconds', ' '),
  blank,
  plus,
  field('sent', 'skip', ' '),
  blank,
  field('flags', 'key', ' '),
  blank,
  ...counts,
  { do: 'rest' },
];

/** Behind syslog's header: `Nov 21 14:00:00 web1 haproxy[123]: Server app/s1 is DOWN, reason: Layer4 connection problem, …` */
const serverSteps: readonly PlanStep[] = [
  clock('syslog', ' '),
  textBefore('module', 'skip', ']: Server '),
  literal(']: Server '),
  field('peer', 'key', ' '),
  literal(' is '),
  field('message', 'collapsed', ''),
];

export const haproxyFormats: readonly LogFormat[] = [
  format('haproxy-http', 'HAProxy HTTP log', 'access', httpSteps, httpOutcome),
  format('haproxy-tcp', 'HAProxy TCP log', 'access', tcpSteps, tcpOutcome),
];

/** Only in syslog. */
export const haproxyServerFormat: LogFormat = format('haproxy-server', 'HAProxy messages about servers', 'error', serverSteps, serverOutcome);

function format(id: string, title: string, kind: 'access' | 'error', steps: readonly PlanStep[], make: (values: FieldValues) => Outcome): LogFormat {
  return { id, title, product: 'haproxy', kind, plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: make };
}

function httpOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  const flags = values.flags ?? '';
  const ended = endOf(flags, values.peer === '<NOSRV>');
  // A server that died in the body, or a client that left while it waited.
  const isCut = ended.class === 'truncated';
  const isGone = ended.madeBy === 'client' && 'QCH'.includes(flags.charAt(1)) && flags !== '';
  const isBad = status >= 500 || isCut || isGone;
  const tries = isBad ? [] : retriesOf(values);
  const failed = isBad || tries.length > 0;
  const madeBy: MadeBy = isBad ? ended.madeBy : isLocal(flags) ? 'proxy' : 'backend';
  return outcome({
    status,
    failed,
    madeBy,
    peer: peerOf(values),
    hiddenPeers: tries.length > 0 ? tries.flatMap(one => one ?? []) : undefined,
    server: serverOf(values),
    method: methodOf(values),
    class: isBad ? ended.class : undefined,
    message: isBad && flags !== '----' ? flags : undefined,
  });
}

function tcpOutcome(values: FieldValues): Outcome {
  const flags = values.flags ?? '';
  const ended = endOf(flags, values.peer === '<NOSRV>');
  const failed = ended.class !== undefined && !(ended.class === 'truncated' && flags.startsWith('s'));
  const named = { peer: peerOf(values), server: serverOf(values), class: failed ? ended.class : undefined, message: failed ? flags : undefined };
  return outcome({ status: 0, failed, madeBy: failed ? ended.madeBy : 'backend', ...named });
}

/** Who ended a session, and how, by the first two characters of its termination state; a class where these prove one. */
function endOf(flags: string, isWithoutServer: boolean): { readonly madeBy: MadeBy; readonly class?: MessageClass } {
  const [who = '-', where = '-'] = flags;
  if (who === 'C' || who === 'c') return { madeBy: 'client' };
  if (who === '-') return { madeBy: 'backend' };
  // The answer was begun by the server and broken off.
  if ((who === 'S' || who === 's') && (where === 'D' || where === 'L')) return { madeBy: 'backend', class: 'truncated' };
  if (isWithoutServer) return { madeBy: 'proxy', ...(who === 'S' && where === 'C' ? { class: 'no-live-upstreams' } : {}) };
  const of = classes[`${who}${where}`];
  return { madeBy: 'proxy', ...(of === undefined ? {} : { class: of }) };
}

/** By the manual: of `SC` "explicitly refused the TCP connection"; of `PH` "blocked because the response was invalid". */
const classes: Readonly<Record<string, MessageClass>> = {
  SC: 'connect-refused',
  sC: 'connect-timeout',
  SH: 'premature-close',
  sH: 'read-timeout',
  PH: 'protocol-error',
  sQ: 'pool-full',
};

/** One for each try that failed behind a good answer: its peer, where the log names it. With `+` another server was asked. */
function retriesOf(values: FieldValues): readonly (string | undefined)[] {
  const text = values.reason ?? '';
  if (!/^\+?[1-9]\d*$/u.test(text)) return [];
  return [text.startsWith('+') ? undefined : peerOf(values)];
}

function isLocal(flags: string): boolean {
  return flags.startsWith('L') || flags.startsWith('P');
}

/** `app/s1`: names of servers are only known within their backend. */
function peerOf({ group, peer }: FieldValues): string | undefined {
  if (group === undefined || peer === undefined) return undefined;
  return peer.startsWith('<') ? group : `${group}/${peer}`;
}

/** A `~` marks a connection with TLS. */
function serverOf(values: FieldValues): string | undefined {
  return present(values.server)?.replace(/~$/u, '');
}

function serverOutcome(values: FieldValues): Outcome {
  const text = values.message ?? '';
  const isDown = text.startsWith('DOWN') || text.startsWith('going DOWN');
  return messageOutcome({
    class: isDown ? 'server-disabled' : 'notice',
    madeBy: 'proxy',
    level: isDown ? 'alert' : 'notice',
    message: text,
    peer: present(values.peer),
  });
}
