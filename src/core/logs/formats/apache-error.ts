/**
 * The error log of Apache httpd. Messages of one log are laid out in several ways, so there are several formats of it; the
 * numbers behind `AH` are permanent, the words around them have changed between releases.
 *
 * Source: httpd 2.4.71 of Debian, server/log.c (`[%{u}t] [%-m:%l] [pid %P:tid %T] %E: [client\ %a] %M, referer %{Referer}i`),
 * modules/proxy; captured. Samples (each one line):
 *
 *     [Sat Nov 21 14:02:08.903385 2026] [proxy:error] [pid 24350:tid 24363] (111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:28199 (127.0.0.1:28199) failed
 *     [Sat Nov 21 14:02:07.851429 2026] [proxy:error] [pid 24351:tid 24400] [client 127.0.0.1:50792] AH00898: Error reading from remote server returned by /close
 */
import type { MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { connectClass, peerIn, readClass, returnedClass } from './apache-words.ts';
import { messageOutcome } from './message-outcome.ts';
import { clock, field, literal, pass, rolesOf, textBefore } from './steps.ts';

const head: readonly PlanStep[] = [
  literal('['),
  clock('ctime', ']'),
  literal('] ['),
  field('module', 'key', ':'),
  literal(':'),
  field('level', 'key', ']'),
  literal('] [pid '),
  pass(']'),
  literal('] '),
];
/** `(111)Connection refused: ` */
const reason: readonly PlanStep[] = [literal('('), textBefore('reason', 'key', ': '), literal(': ')];
const client: readonly PlanStep[] = [literal('[client '), field('client', 'skip', ']'), literal('] ')];
/** `AH00957: `, and what follows up to a text that is there. */
const code: readonly PlanStep[] = [literal('AH'), field('flags', 'key', ':'), literal(': ')];
const message = textBefore('message', 'collapsed', ':');
const anything: PlanStep = { do: 'rest' };

/** Those that name a peer first, then the others, those without a number last. */
export const apacheErrorFormats: readonly LogFormat[] = [
  apacheError('apache-error-connect', [
    ...reason,
    ...code,
    ...upTo('attempt to connect to '),
    { do: 'maybe', text: 'Unix domain socket ' },
    field('peer', 'key', ' '),
    anything,
  ]),
  apacheError('apache-error-backend', [
    ...reason,
    ...client,
    ...code,
    ...upTo('status line from remote server '),
    textBefore('peer', 'key', ', referer: '),
    anything,
  ]),
  // What follows is the client's path.
  apacheError('apache-error-returned', [...client, ...code, ...upTo(' returned by '), textBefore('uri', 'skip', ', referer: '), anything]),
  apacheError('apache-error-remote', [literal('[remote '), field('peer', 'key', ']'), literal('] '), ...code, message, anything]),
  apacheError('apache-error-reason-client', [...reason, ...client, ...code, message, anything]),
  apacheError('apache-error-reason', [...reason, ...code, message, anything]),
  apacheError('apache-error-client', [...client, ...code, message, anything]),
  apacheError('apache-error', [...code, message, anything]),
  apacheError('apache-error-plain-client', [...client, message, anything]),
  apacheError('apache-error-plain', [message, anything]),
];

function upTo(text: string): readonly PlanStep[] {
  return [textBefore('message', 'collapsed', text), literal(text)];
}

function apacheError(id: string, more: readonly PlanStep[]): LogFormat {
  const steps = [...head, ...more];
  const title = 'Apache error log';
  return { id, title, product: 'apache', kind: 'error', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: apacheErrorOutcome };
}

const byCode: ReadonlyMap<string, MessageClass> = new Map<string, MessageClass>([
  ...coded('no-live-upstreams', '01170 01167 00934 00940'),
  ...coded('server-disabled', '00959 01174 02460'),
  ...coded('header-too-big', '10124'),
  ...coded('invalid-header', '01106 02429 01070'),
  ...coded('truncated', '01590 01110'),
  ...coded('app-stderr', '01071'),
  ...coded('config-error', '01144'),
  ...coded('pool-full', '00161 00484 03490 00288 00286 00485'),
  ...coded('worker-died', '00052 00051'),
  ...coded('tls-handshake', '02003 01997'),
  ...coded('bind-failed', '00072'),
  ...coded('client', '01630 01797 00128'),
  // They follow a line that says why.
  ...coded('notice', '01114 01079'),
]);
const connecting: ReadonlySet<string> = new Set(['00957', '02454', '10101']);
const reading: ReadonlySet<string> = new Set(['01102', '01075', '01067', '00878', '00992', '01030', '10098']);
function apacheErrorOutcome(values: FieldValues): Outcome {
  const number = /^\d{5}$/u.test(values.flags ?? '') ? values.flags : undefined;
  const before = values.reason === undefined ? '' : `(${values.reason}`;
  const text = (values.message ?? '').replace(/, referer$/u, '');
  const level = (values.level ?? '').replace(/\d$/u, '');
  const kind = classOf(number, before, text, level);
  const words = [before, number === undefined ? '' : `AH${number}`, text].filter(part => part !== '').join(': ');
  const outcome = messageOutcome({ class: kind, madeBy: kind === 'client' ? 'client' : 'proxy', level, message: words, peer: peerIn(values.peer) });
  // The numbers of messages stay as they are.
  return number === undefined ? outcome : { ...outcome, message: outcome.message?.replace(/AHN/u, `AH${number}`) ?? '' };
}

function classOf(number: string | undefined, before: string, text: string, level: string): MessageClass {
  if (number !== undefined && connecting.has(number)) return connectClass(before);
  if (number !== undefined && reading.has(number)) return readClass(before);
  if (number === '00898') return returnedClass(text);
  const known = number === undefined ? undefined : byCode.get(number);
  if (known !== undefined) return known;
  if (level === 'emerg') return 'config-error';
  return level === 'error' || level === 'crit' || level === 'alert' ? 'other' : 'notice';
}

function coded(of: MessageClass, codes: string): [string, MessageClass][] {
  return codes.split(' ').map(one => [one, of]);
}
