/**
 * The error log of Apache httpd up to 2.2, and of later ones whose ErrorLogFormat keeps to it: no module, no process, no number.
 *
 * Source: httpd 2.2.34, server/log.c (log_error_core: time, level, client, error of the system, message) and modules/proxy. Samples:
 *
 *     [Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied by server configuration: /export/home/live/ap/htdocs/test
 *     [Tue Mar 08 10:34:21 2011] [error] (111)Connection refused: proxy: HTTP: attempt to connect to 127.0.0.1:8080 (localhost) failed
 *     [Tue Mar 08 10:34:21 2011] [error] ap_proxy_connect_backend disabling worker for (localhost)
 *     [Tue Mar 08 10:36:02 2011] [error] [client 10.1.2.3] (70007)The timeout specified has expired: proxy: error reading status line from remote server localhost
 *     [Tue Mar 08 10:36:02 2011] [error] [client 10.1.2.3] proxy: Error reading from remote server returned by /app
 */
import type { MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { connectClass, peerIn, readClass, returnedClass } from './apache-words.ts';
import { messageOutcome } from './message-outcome.ts';
import { clock, field, literal, rolesOf, textBefore } from './steps.ts';

const head: readonly PlanStep[] = [literal('['), clock('ctime', ']'), literal('] ['), field('level', 'key', ']'), literal('] ')];
const client: readonly PlanStep[] = [literal('[client '), field('client', 'skip', ']'), literal('] ')];
const reason: readonly PlanStep[] = [literal('('), textBefore('reason', 'key', ': '), literal(': ')];
const connect: readonly PlanStep[] = [
  ...upTo('attempt to connect to '),
  { do: 'maybe', text: 'Unix domain socket ' },
  field('peer', 'key', ' '),
  { do: 'rest' },
];
const statusLine: readonly PlanStep[] = [...upTo('status line from remote server '), textBefore('peer', 'key', ', referer: '), { do: 'rest' }];
/** What the proxy says holds no text of the client but the path, which stands last. */
const proxy: readonly PlanStep[] = [literal('proxy: '), textBefore('message', 'collapsed', ' returned by '), { do: 'rest' }];
const plain: readonly PlanStep[] = [textBefore('message', 'collapsed', ':'), { do: 'rest' }];

/** Those that name a peer first, those of the proxy next. */
export const apache22ErrorFormats: readonly LogFormat[] = [
  error('apache22-error-connect', [...reason, ...connect]),
  error('apache22-error-backend-reason', [...client, ...reason, ...statusLine]),
  error('apache22-error-backend', [...client, ...statusLine]),
  error('apache22-error-proxy-client-reason', [...client, ...reason, ...proxy], 'proxy: '),
  error('apache22-error-proxy-client', [...client, ...proxy], 'proxy: '),
  error('apache22-error-proxy-reason', [...reason, ...proxy], 'proxy: '),
  error('apache22-error-proxy', proxy, 'proxy: '),
  error('apache22-error-client-reason', [...client, ...reason, ...plain]),
  error('apache22-error-client', [...client, ...plain]),
  error('apache22-error-reason', [...reason, ...plain]),
  error('apache22-error', plain),
];

function upTo(text: string): readonly PlanStep[] {
  return [textBefore('message', 'collapsed', text), literal(text)];
}

function error(id: string, more: readonly PlanStep[], start = ''): LogFormat {
  const steps = [...head, ...more];
  return {
    id,
    title: 'Apache error log (2.2)',
    product: 'apache',
    kind: 'error',
    plan: { kind: 'steps', steps },
    roles: rolesOf(steps),
    outcome: values => errorOutcome(values, start, id),
  };
}

function errorOutcome(values: FieldValues, start: string, id: string): Outcome {
  const before = values.reason === undefined ? '' : `(${values.reason}`;
  const level = values.level ?? '';
  const text = `${start}${(values.message ?? '').replace(/, referer$/u, '')}`;
  const kind = classOf(before, text, level, id);
  const message = [before, text].filter(part => part !== '').join(': ');
  return messageOutcome({ class: kind, madeBy: kind === 'client' ? 'client' : 'proxy', level, message, peer: peerIn(values.peer) });
}

/** By how a message begins, after its error of the system. */
const byWords: readonly (readonly [pattern: RegExp, of: MessageClass])[] = [
  [/^proxy: .*\bAll workers are in error state/u, 'no-live-upstreams'],
  [/^ap_proxy_connect_backend disabling worker|^proxy: (?:HTTP|AJP|FCGI): disabled connection/u, 'server-disabled'],
  [/^proxy: (?:DNS lookup failure|Error reading from remote server|Error during SSL Handshake)/u, 'other'],
  [/^proxy: (?:error processing body|pass request body failed|prefetch request body failed)/u, 'reset'],
  [/^server reached Max(?:Clients|RequestWorkers) setting/u, 'pool-full'],
  [/^child pid .* exit signal/u, 'worker-died'],
  [/^client denied|^File does not exist|^request failed|^Invalid (?:URI|method)|^user .* not found|^script not found/u, 'client'],
  [/^PHP (?:Fatal|Parse) error/u, 'app-error'],
  [/^Premature end of script headers|^malformed header from script/u, 'invalid-header'],
];

function classOf(before: string, text: string, level: string, id: string): MessageClass {
  if (id === 'apache22-error-connect') return connectClass(before);
  if (id.startsWith('apache22-error-backend')) return readClass(before);
  if (before.startsWith('(24)')) return 'too-many-open-files';
  if (before.startsWith('(28)')) return 'disk-full';
  if (text.startsWith('proxy: ') && before.includes('timeout specified has expired')) return 'read-timeout';
  const known = byWords.find(([pattern]) => pattern.test(text))?.[1];
  if (known === 'other') return returnedClass(text.slice('proxy: '.length));
  if (known !== undefined) return known;
  if (level === 'emerg') return 'config-error';
  return level === 'error' || level === 'crit' || level === 'alert' ? 'other' : 'notice';
}
