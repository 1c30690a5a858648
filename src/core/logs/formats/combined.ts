/**
 * The access logs of the common log format and those that grew out of it. nginx, Apache httpd, Tomcat and gunicorn write
 * the same lines, so they are called by what can be known. With `escaped`, because Apache and gunicorn write a quote as `\"`.
 *
 * Source: nginx 1.22.1 (`combined`, and `main` of nginx.org's packages); Apache 2.4.71 of Debian (apache2.conf); gunicorn 20.1;
 * Tomcat 10.1 (server.xml; its `%D` is in microseconds from 10.1 on, in milliseconds before), all captured but `main`. Samples:
 *
 *     127.0.0.1 - - [21/Nov/2026:14:02:07 +0000] "GET /close?y=1 HTTP/1.1" 502 381 "http://ref.example/a b" "curl/7.88 \"q\" \\x"
 *     www.example.com:80 127.0.0.1 - - [21/Nov/2026:14:02:07 +0000] "GET /ok?y=1 HTTP/1.1" 200 109 "-" "curl/7.88"
 */
import type { FieldValues, LogFormat, LogProduct, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { isFailure, methodOf, outcome, present, statusOf } from './outcome.ts';
import { clock, escapedField, field, literal, pass, rolesOf } from './steps.ts';

/** `client ident user [time] "request" status size` */
const common: readonly PlanStep[] = [
  field('client', 'skip', ' '),
  literal(' '),
  pass(' '),
  literal(' '),
  // A user's name may hold spaces.
  { do: 'text', use: 'skip', before: ' [' },
  literal(' ['),
  clock('local', ']'),
  literal('] "'),
  escapedField('request', 'first-word', '"'),
  literal('" '),
  field('status', 'key', ' '),
  literal(' '),
];

const size = field('sent', 'skip', '');
const sizeThen: readonly PlanStep[] = [field('sent', 'skip', ' '), literal(' ')];

/** `"referer" "user agent"` */
const words: readonly PlanStep[] = [literal('"'), escapedField('referer', 'skip', '"'), literal('" "'), escapedField('user-agent', 'skip', '"'), literal('"')];
const combined: readonly PlanStep[] = [...common, ...sizeThen, ...words];
const server: readonly PlanStep[] = [field('server', 'key', ' '), literal(' ')];
const microseconds: readonly PlanStep[] = [literal(' '), field('request-time', 'microseconds', '')];

export const combinedFormats: readonly LogFormat[] = [
  hopless('vhost-combined', 'combined access log with the server before it (Apache vhost_combined)', 'apache', [...server, ...combined]),
  hopless('combined', 'combined access log', 'nginx', combined),
  hopless('combined-forwarded', 'combined access log and X-Forwarded-For (nginx main)', 'nginx', [...combined, literal(' "'), pass('"'), literal('"')]),
  hopless('common', 'common access log', 'apache', [...common, size]),
  hopless('vhost-common', 'common access log with the server before it', 'apache', [...server, ...common, size]),
];

/** Formats that look like others and can only be named. */
export const lookAlikeFormats: readonly LogFormat[] = [
  hopless('apache-combined-d', 'Apache access log (combined, with %D)', 'apache', [...combined, ...microseconds]),
  hopless('apache-common-d', 'Apache access log (common, with %D)', 'apache', [...common, ...sizeThen, field('request-time', 'microseconds', '')]),
  hopless('apache-vhost-combined-d', 'Apache access log (vhost_combined, with %D)', 'apache', [...server, ...combined, ...microseconds]),
  ownAnswer('tomcat-access', 'Tomcat access log', 'tomcat', [...common, size]),
  ownAnswer('tomcat-access-d', 'Tomcat access log (with %D in milliseconds, up to Tomcat 10.0)', 'tomcat', [
    ...common,
    ...sizeThen,
    field('request-time', 'milliseconds', ''),
  ]),
  ownAnswer('tomcat10-access-d', 'Tomcat access log (with %D in microseconds, from Tomcat 10.1 on)', 'tomcat', [
    ...common,
    ...sizeThen,
    field('request-time', 'microseconds', ''),
  ]),
  ownAnswer('gunicorn-access', 'gunicorn access log', 'gunicorn', combined),
];

/** An access log of a server that may be a proxy, without a field of the next hop. */
function hopless(id: string, title: string, product: LogProduct, steps: readonly PlanStep[]): LogFormat {
  return { id, title, product, kind: 'access', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: hoplessOutcome };
}

/** The access log of what runs the application itself: there is no next hop. */
function ownAnswer(id: string, title: string, product: LogProduct, steps: readonly PlanStep[]): LogFormat {
  return { id, title, product, kind: 'access', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: ownOutcome };
}

export function hoplessOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  const failed = isFailure(status);
  const parts = { status, failed, server: present(values.server), method: methodOf(values) };
  // Only nginx writes it, for a client that left.
  if (status === 499) return outcome({ ...parts, madeBy: 'client' });
  return outcome({ ...parts, madeBy: 'unknown', because: failed ? 'the log format says nothing of the backend' : undefined });
}

export function ownOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  return outcome({ status, failed: isFailure(status), madeBy: 'backend', server: present(values.server), method: methodOf(values) });
}
