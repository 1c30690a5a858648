/**
 * JSON that a syslog server or a container engine has put a header before, as steps: a program writes its keys in one order, so
 * that they are found from left to right.
 *
 *     Nov 21 07:00:00 web1 nginx: {"t":"2026-11-21T07:00:00+00:00","status":502,"upstream_addr":"10.0.0.1:80"}
 */
import type { LogFormat } from '../scan/format.ts';
import { literal, rolesOf, seek } from './steps.ts';
import type { JsonKey, PlanStep } from '../scan/plan.ts';
import { withHeaderSteps, type Header } from './behind-header.ts';
import { planHash } from './guessed.ts';

/** Of the lines, so many must have their keys in one order. */
const leastInOrder = 0.9;

interface Place {
  readonly key: JsonKey;
  /** The name with its quotes, what stands up to the value, and the quote of a string. */
  readonly before: string;
  /** What ends the value. */
  readonly until: string;
}

/** The format of a plan of JSON keys behind a header, by lines without it; nothing where their keys have no order. */
export function jsonBehindHeader(format: LogFormat, bodies: readonly string[], header: Header): LogFormat | undefined {
  if (format.plan.kind !== 'json') return undefined;
  const places = placesOf(format.plan.keys, bodies);
  if (places === undefined || !places.some(({ key }) => key.time !== undefined)) return undefined;
  const steps = [literal('{'), ...places.flatMap(stepsOf), { do: 'rest' } as const];
  return withHeaderSteps({ ...format, id: `${format.id}+${header}-${planHash(steps)}`, roles: rolesOf(steps) }, steps, header);
}

function stepsOf({ key, before, until }: Place): readonly PlanStep[] {
  const named = key.role === undefined ? {} : { role: key.role };
  const value: PlanStep =
    key.time === undefined
      ? { do: 'field', ...named, use: key.use, until, ...(until === '"' && { escaped: true as const }) }
      : key.time.form === 'clock'
        ? { do: 'time', ...key.time, until }
        : { do: 'time', ...key.time, until };
  // Without what is required the line does not fit; without anything else all is left out up to the next `seek`.
  const find: readonly PlanStep[] = key.required === true ? [seek(''), { do: 'text', use: 'skip', before }, literal(before)] : [seek(before)];
  return [...find, value];
}

function placesOf(keys: readonly JsonKey[], bodies: readonly string[]): readonly Place[] | undefined {
  const found = keys.flatMap(key => placeOf(key, bodies) ?? []);
  const positions = new Map(found.map(place => [place, bodies.map(body => body.indexOf(place.before))]));
  const sum = (place: Place): number => {
    const there = (positions.get(place) ?? []).filter(at => at !== -1);
    return there.reduce((all, at) => all + at, 0) / Math.max(1, there.length);
  };
  const ordered = found.toSorted((a, b) => sum(a) - sum(b));
  const inOrder = bodies.filter((_, index) => {
    const there = ordered.map(place => positions.get(place)?.[index] ?? -1).filter(at => at !== -1);
    return there.every((at, place) => place === 0 || at > (there[place - 1] ?? 0));
  });
  return inOrder.length < bodies.length * leastInOrder || ordered.length === 0 ? undefined : ordered;
}

/** How the key is written where its value is there. */
function placeOf(key: JsonKey, bodies: readonly string[]): Place | undefined {
  const name = JSON.stringify(key.name);
  const ends = new Map<string, number>();
  let before: string | undefined;
  for (const body of bodies) {
    const at = body.indexOf(`${name}:`);
    if (at === -1) continue;
    const from = at + name.length + 1;
    const [blanks = ''] = /^ {0,4}/u.exec(body.slice(from, from + 4)) ?? [];
    const first = body[from + blanks.length];
    if (first === undefined || first === '{' || first === '[' || body.startsWith('null', from + blanks.length)) continue;
    before ??= `${name}:${blanks}${first === '"' ? '"' : ''}`;
    const end = first === '"' ? '"' : (/[,}\] ]/u.exec(body.slice(from + blanks.length))?.[0] ?? '');
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  const until = [...ends].toSorted(([, a], [, b]) => b - a)[0]?.[0];
  return before === undefined || until === undefined ? undefined : { key, before, until: before.endsWith('"') ? '"' : until };
}
