/** A plan for an access log of an unknown format, from its lines alone. */
import type { LogFormat } from '../scan/format.ts';
import type { FieldRole, PlanStep } from '../scan/plan.ts';
import { hoplessOutcome } from './combined.ts';
import { findColumns, type Column } from './guess-columns.ts';
import { guessRoles, type Guess } from './guess-roles.ts';
import { guessedId, guessedTitle } from './guessed.ts';
import { nginxOutcome } from './nginx-outcome.ts';
import { literal, rolesOf } from './steps.ts';

const hopRoles: ReadonlySet<FieldRole> = new Set(['peer', 'upstream-status', 'header-time']);

/** The format that the lines seem to have: nothing unless nearly all of them have one layout with a status that is certain. */
export function guessTextFormat(lines: readonly string[]): LogFormat | undefined {
  const found = findColumns(lines);
  if (found === undefined) return undefined;
  const guesses = guessRoles(found.columns);
  if (guesses === undefined || !guesses.some(guess => guess.time !== undefined)) return undefined;
  // nginx writes a quote inside of a value as \x22, others as \" .
  const isNginx = guesses.some(({ role }) => role !== undefined && hopRoles.has(role));
  const steps = found.columns.flatMap((column, index) => stepsOf(column, guesses[index] ?? { use: 'skip' }, !isNginx));
  const last = found.columns.at(-1);
  // What ends the last value is the end of the line or a quote or bracket.
  const plan = { kind: 'steps', steps: last === undefined || last.until === '' ? steps : [...steps, literal(last.until)] } as const;
  const roles = rolesOf(plan.steps);
  return {
    id: guessedId(plan),
    title: guessedTitle('access log of an unknown format', roles),
    product: 'nginx',
    kind: 'access',
    plan,
    roles,
    outcome: isNginx ? nginxOutcome(roles, 'default') : hoplessOutcome,
  };
}

function stepsOf(column: Column, guess: Guess, isEscaped: boolean): readonly PlanStep[] {
  const { until, before } = column;
  const head = before === '' ? [] : [literal(before)];
  if (guess.time !== undefined) return [...head, guess.time(until)];
  const named = guess.role === undefined ? {} : { role: guess.role };
  // `[::1]:80` holds the bracket that ends it.
  if (until === ']' && guess.role === 'peer') return [...head, { do: 'text', ...named, use: guess.use, before: '] ' }];
  const list = until === ' ' ? { list: true as const } : {};
  const escaped = until === '"' && isEscaped ? { escaped: true as const } : {};
  return [...head, { do: 'field', ...named, use: guess.use, until, ...list, ...escaped }];
}
