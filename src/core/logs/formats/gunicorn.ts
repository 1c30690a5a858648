/**
 * gunicorn's error log. Its access log is a combined one.
 *
 * Source: gunicorn 20.1.0, glogging.py, captured. A traceback follows on lines of its own. Samples:
 *
 *     [2026-11-21 07:31:32 +0000] [18166] [CRITICAL] WORKER TIMEOUT (pid:18212)
 *     [2026-11-21 14:02:09 +0000] [24496] [ERROR] Error handling request /boom?y=1
 */
import { parseGunicornLine } from '../../parsers/gunicorn-log.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { backendClass, messageOutcome } from './message-outcome.ts';
import { clock, field, literal, pass, rolesOf, textBefore } from './steps.ts';

const steps: readonly PlanStep[] = [
  literal('['),
  clock('iso', ']'),
  literal('] ['),
  pass(']'),
  literal('] ['),
  field('level', 'key', ']'),
  literal('] '),
  // What follows is the client's URL.
  textBefore('message', 'collapsed', ' /'),
  { do: 'rest' },
];

export const gunicornErrorFormat: LogFormat = {
  id: 'gunicorn-error',
  title: 'gunicorn error log',
  product: 'gunicorn',
  kind: 'error',
  plan: { kind: 'steps', steps },
  roles: rolesOf(steps),
  outcome: gunicornOutcome,
};

function gunicornOutcome(values: FieldValues): Outcome {
  const level = (values.level ?? '').toLowerCase();
  const message = values.message ?? '';
  const isRequest = message.startsWith('Error handling request');
  const kind = isRequest ? 'app-error' : backendClass(parseGunicornLine(message), level);
  return messageOutcome({ class: kind, madeBy: 'backend', level, message });
}
