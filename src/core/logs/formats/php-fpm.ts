/**
 * php-fpm's own log, and its access log.
 *
 * Source: PHP-FPM 8.2.35, captured (`access.format` by default, and the one of the packaged www.conf's comment). Samples:
 *
 *     [21-Nov-2026 07:29:57] WARNING: [pool www] server reached pm.max_children setting (3), consider raising it
 *     127.0.0.1 -  21/Nov/2026:14:02:11 +0000 "GET /ping" 200
 *     127.0.0.1 -  21/Nov/2026:14:02:11 +0000 "GET /ping?a=1" 200 - 0.319 2048 0.00%
 */
import { parsePhpFpmLine } from '../../parsers/php-fpm-log.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { ownOutcome } from './combined.ts';
import { backendClass, messageOutcome } from './message-outcome.ts';
import { present } from './outcome.ts';
import { clock, field, literal, pass, rolesOf, seek, textBefore } from './steps.ts';

const logSteps: readonly PlanStep[] = [
  literal('['),
  clock('day-first', ']'),
  literal('] '),
  field('level', 'key', ':'),
  literal(': '),
  // The message of the master, or nothing before that of a pool.
  textBefore('message', 'collapsed', '[pool '),
  seek('[pool '),
  field('server', 'key', ']'),
  literal('] '),
  field('reason', 'collapsed', ''),
];

const accessSteps: readonly PlanStep[] = [
  field('client', 'skip', ' '),
  literal(' - '),
  pass(' '),
  literal(' '),
  { do: 'time', form: 'clock', style: 'local', prefixLength: 14, until: '"' },
  literal('"'),
  field('request', 'first-word', '"'),
  literal('" '),
];

const longSteps: readonly PlanStep[] = [
  ...accessSteps,
  field('status', 'key', ' '),
  literal(' '),
  { do: 'text', use: 'skip', before: ' ' },
  literal(' '),
  field('request-time', 'milliseconds', ' '),
  literal(' '),
  pass(' '),
  literal(' '),
  pass('%'),
  literal('%'),
];

export const phpFpmFormats: readonly LogFormat[] = [
  {
    id: 'php-fpm',
    title: 'php-fpm log',
    product: 'php-fpm',
    kind: 'error',
    plan: { kind: 'steps', steps: logSteps },
    roles: rolesOf(logSteps),
    outcome: logOutcome,
  },
  // The shorter one would take what stands behind the status for a part of it.
  access('php-fpm-access-long', 'php-fpm access log (with script, time, memory and CPU)', longSteps),
  access('php-fpm-access', 'php-fpm access log', [...accessSteps, field('status', 'key', '')]),
];

function access(id: string, title: string, steps: readonly PlanStep[]): LogFormat {
  return { id, title, product: 'php-fpm', kind: 'access', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: ownOutcome };
}

function logOutcome(values: FieldValues): Outcome {
  const level = (values.level ?? '').toLowerCase();
  const pool = present(values.server);
  const text = pool === undefined ? (values.message ?? '') : (values.reason ?? '');
  const line = parsePhpFpmLine(`${level.toUpperCase()}: ${pool === undefined ? '' : `[pool ${pool}] `}${text}`);
  const isOutput = / said into std(?:err|out):/u.test(text);
  // Whoever stops or reloads it ends its children by these.
  const isAsked = / exited on signal \d+ \(SIG(?:TERM|QUIT)\)/u.test(text);
  const kind = isOutput ? 'app-stderr' : isAsked ? 'notice' : backendClass(line, level);
  const message = text.replace(/^child \d+[, ] ?/u, '').replace(/^script '[^']{0,4096}' \(request: ""\) /u, '');
  return messageOutcome({ class: kind, madeBy: 'backend', level, message, server: pool });
}
