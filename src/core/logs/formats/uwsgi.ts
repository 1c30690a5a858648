/**
 * uWSGI's log: a line a request, and messages, of which only some have a time.
 *
 * Source: uWSGI 2.0.21, core/logging.c, core/master.c, captured (`micros` is what `log-micros` writes). Samples:
 *
 *     [pid: 24443|app: 0|req: 4/4] 127.0.0.1 () {24 vars in 259 bytes} [Sat Nov 21 14:02:11 2026] GET /502?y=1 => generated 4 bytes in 0 msecs (HTTP/1.1 502) 1 headers in 54 bytes (1 switches on core 0)
 *     Sat Nov 21 07:31:44 2026 - *** uWSGI listen queue of socket "127.0.0.1:9301" (fd: 3) full !!! (5/4) ***
 *     DAMN ! worker 1 (pid: 19152) died, killed by signal 9 :( trying respawn ...
 *     Traceback (most recent call last):
 */
import { parseUwsgiLine } from '../../parsers/uwsgi-log.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { FieldUse, PlanStep } from '../scan/plan.ts';
import { ownOutcome } from './combined.ts';
import { backendClass, messageOutcome } from './message-outcome.ts';
import { clock, field, literal, pass, rolesOf, textBefore } from './steps.ts';

function requestSteps(unit: string, use: FieldUse): readonly PlanStep[] {
  return [
    literal('[pid: '),
    pass(']'),
    literal('] '),
    field('client', 'skip', ' '),
    literal(' ('),
    { do: 'text', use: 'skip', before: ') {' },
    literal(') {'),
    pass('}'),
    literal('} ['),
    clock('ctime', ']'),
    literal('] '),
    field('method', 'key', ' '),
    literal(' '),
    textBefore('uri', 'skip', ' => generated '),
    literal(' => generated '),
    field('sent', 'skip', ' '),
    literal(' bytes in '),
    field('request-time', use, ' '),
    literal(` ${unit} `),
    { do: 'maybe', text: 'via sendfile() ' },
    { do: 'maybe', text: 'via offload() ' },
    { do: 'maybe', text: 'via route() ' },
    literal('('),
    field('protocol', 'skip', ' '),
    literal(' '),
    field('status', 'key', ')'),
    literal(')'),
    { do: 'rest' },
  ];
}

/** `Sat Nov 21 07:31:44 2026 - message` */
const timedSteps: readonly PlanStep[] = [clock('ctime', '-'), literal('- '), field('message', 'collapsed', '')];

/** Python writes it in the logs of any program: it makes no log one of uWSGI. */
export const traceback = 'uwsgi-log-traceback';

export const uwsgiFormats: readonly LogFormat[] = [
  access('uwsgi', 'uWSGI request log', requestSteps('msecs', 'milliseconds')),
  access('uwsgi-micros', 'uWSGI request log (in microseconds)', requestSteps('micros', 'microseconds')),
  log('uwsgi-log', timedSteps, ''),
  untimed('uwsgi-log-died', 'DAMN ! worker '),
  untimed('uwsgi-log-harakiri', '*** HARAKIRI ON WORKER '),
  // What follows these belongs to them: the settings that it starts with, the calls that led to an exception.
  untimed('uwsgi-log-start', '*** Starting uWSGI '),
  untimed('uwsgi-log-config', '[uWSGI] '),
  untimed('uwsgi-log-spawned', 'spawned uWSGI '),
  untimed('uwsgi-log-end', 'goodbye to uWSGI'),
  untimed(traceback, 'Traceback (most recent call last):'),
];

function access(id: string, title: string, steps: readonly PlanStep[]): LogFormat {
  return { id, title, product: 'uwsgi', kind: 'access', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: ownOutcome };
}

/** A message without a time, known by how it begins. */
function untimed(id: string, start: string): LogFormat {
  return log(id, [literal(start), field('message', 'collapsed', '')], start);
}

function log(id: string, steps: readonly PlanStep[], start: string): LogFormat {
  const title = start === '' ? 'uWSGI log' : 'uWSGI log (messages without a time)';
  return { id, title, product: 'uwsgi', kind: 'error', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: values => logOutcome(values, start) };
}

function logOutcome(values: FieldValues, start: string): Outcome {
  const message = `${start}${values.message ?? ''}`;
  // The line of its request says that it failed.
  if (start.startsWith('Traceback')) return messageOutcome({ class: 'app-error', madeBy: 'backend', message, failed: false });
  return messageOutcome({ class: backendClass(parseUwsgiLine(message), ''), madeBy: 'backend', message });
}
