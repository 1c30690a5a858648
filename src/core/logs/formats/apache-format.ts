/**
 * The text of an Apache `LogFormat` (or of the pattern of Tomcat's AccessLogValve, which has the same words) as a plan.
 *
 * Source: httpd 2.4, mod_log_config: `%t` stands in brackets, `%D` is in microseconds, `%T` in seconds, `%{ms}T` names its unit; a
 * missing value is `-`; in what clients send a quote is written `\"`. Sample, with a line that it writes:
 *
 *     LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O %D \"%{balancer-worker-name}e\"" hops
 *     www.example.com:80 127.0.0.1 - - [21/Nov/2026:14:02:07 +0000] "GET /ok HTTP/1.1" 200 109 1204 "http://127.0.0.1:8080"
 */
import { parseApacheConf } from '../../parsers/apache-conf.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { FieldRole, FieldUse, PlanStep } from '../scan/plan.ts';
import { hoplessOutcome } from './combined.ts';
import { outcome, present } from './outcome.ts';
import { clock, escapedField, literal, rolesOf } from './steps.ts';

/** More than any configuration has, and no more than is tried for each line. */
const mostFormats = 100;

interface Value {
  readonly role?: FieldRole;
  readonly use: FieldUse;
  /** It may hold spaces where no quotes are around it. */
  readonly isFree?: true;
  readonly time?: PlanStep;
  /** What stands before the value and belongs to it. */
  readonly before?: string;
}

type Token = { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'value'; readonly value: Value };

const none: Value = { use: 'skip' };
const freeText: Value = { use: 'skip', isFree: true };

const letters: Readonly<Record<string, Value>> = {
  h: { role: 'client', use: 'skip' },
  a: { role: 'client', use: 'skip' },
  u: freeText,
  r: { role: 'request', use: 'first-word', isFree: true },
  m: { role: 'method', use: 'key' },
  U: { role: 'uri', use: 'skip', isFree: true },
  q: freeText,
  f: freeText,
  H: { role: 'protocol', use: 'skip' },
  s: { role: 'status', use: 'key' },
  b: { role: 'sent', use: 'skip' },
  B: { role: 'sent', use: 'skip' },
  O: { role: 'sent', use: 'skip' },
  I: { role: 'received', use: 'skip' },
  v: { role: 'server', use: 'key' },
  V: { role: 'server', use: 'key' },
  D: { role: 'request-time', use: 'microseconds' },
  T: { role: 'request-time', use: 'seconds' },
  t: { use: 'skip', time: clock('local', ']'), before: '[' },
};
const headers: Readonly<Record<string, Value>> = {
  referer: { role: 'referer', use: 'skip', isFree: true },
  'user-agent': { role: 'user-agent', use: 'skip', isFree: true },
  host: { role: 'host', use: 'skip', isFree: true },
};
const timeUnits: Readonly<Record<string, FieldUse>> = { s: 'seconds', ms: 'milliseconds', us: 'microseconds' };
const epochUnits: Readonly<Record<string, number>> = { sec: 1000, msec: 1, usec: 1e-3 };

/** True for a text with `%h`, `%>s` or `%{Referer}i` and without variables of nginx. */
export function isApacheFormat(text: string): boolean {
  return !/\$\{?\w/u.test(text) && /%(?:[!<>]|\d|,)*(?:\{[^}]*\}\^?)?[A-Za-z]/u.test(text);
}

/** The format of lines that Apache writes by this text. Any text makes a format; its id is `apache:<name>`. */
export function apacheFormat(name: string, text: string): LogFormat {
  const steps = stepsOf(tokensOf(text));
  return {
    id: `apache:${name}`,
    title: `Apache access log (${name})`,
    product: 'apache',
    kind: 'access',
    plan: { kind: 'steps', steps },
    roles: rolesOf(steps),
    outcome: workerOutcome,
  };
}

/** The `LogFormat` directives of an Apache configuration, and the formats that stand in `CustomLog` itself. Never throws. */
export function parseApacheLogFormats(confText: string): readonly LogFormat[] {
  const found = new Map<string, LogFormat>();
  for (const { kind, name, args, line } of parseApacheConf(confText)) {
    if (kind !== 'directive' || (name !== 'logformat' && name !== 'customlog')) continue;
    const text = (name === 'logformat' ? args[0] : args[1]) ?? '';
    const of = (name === 'logformat' ? args[1] : undefined) ?? `line ${line}`;
    if (isApacheFormat(text) && found.size < mostFormats) found.set(of, apacheFormat(of, text));
  }
  return [...found.values()];
}

/** The name of the balancer's worker says which backend was asked, but not who made the answer. */
function workerOutcome(values: FieldValues): Outcome {
  const { because, ...rest } = hoplessOutcome(values);
  const peer = present(values.peer);
  if (peer === undefined) return { ...rest, ...(because === undefined ? {} : { because }) };
  return outcome({ ...rest, peer, because: because === undefined ? undefined : 'the log format does not say whether Apache or the backend made the answer' });
}

function tokensOf(text: string): readonly Token[] {
  const plain = joinedTime(text.replaceAll('\\"', '"').replaceAll('\\t', '\t').replaceAll('\\n', ''));
  const tokens: Token[] = [];
  const pattern = /%(?:(%)|(?:[!<>,]|\d{3})*(?:\{([^}]{0,200})\})?(\^?[A-Za-z]{1,2}))/gu;
  let at = 0;
  const add = (more: string): void => {
    const last = tokens.at(-1);
    if (more === '') return;
    if (last?.kind === 'literal') tokens[tokens.length - 1] = { kind: 'literal', text: last.text + more };
    else tokens.push({ kind: 'literal', text: more });
  };
  for (let match = pattern.exec(plain); match !== null; match = pattern.exec(plain)) {
    add(plain.slice(at, match.index));
    const [whole, percent, argument, word = ''] = match;
    // Only `%^ti` and its like have two letters.
    const letter = word.startsWith('^') ? word : word.slice(0, 1);
    at = match.index + whole.length - (word.length - letter.length);
    pattern.lastIndex = at;
    if (percent !== undefined) add('%');
    else {
      const value = valueOf(letter, argument);
      add(value.before ?? '');
      tokens.push({ kind: 'value', value });
      if (value.before !== undefined) add(']');
    }
  }
  add(plain.slice(at));
  return tokens;
}

/** `%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t`, as the manual has it, is one time: a clock reads its fraction and its zone. */
function joinedTime(text: string): string {
  return text.replace(
    /%\{([^}]{1,100}%[ST])\}t(?:[.,]%\{(?:begin:|end:)?[mu]sec_frac\}t)?(?:( ?)%\{(?:begin:|end:)?%z\}t)?/gu,
    (_, form: string, blank: string | undefined) => `%{${form}${blank === undefined ? '' : `${blank}%z`}}t`,
  );
}

function valueOf(letter: string, argument: string | undefined): Value {
  if (argument === undefined) return letters[letter] ?? none;
  if (letter === 'a' || letter === 'h') return letters['a'] ?? none;
  if (letter === 'i') return headers[argument.toLowerCase()] ?? freeText;
  if (letter === 'T') return { role: 'request-time', use: timeUnits[argument] ?? 'seconds' };
  if (letter === 't') return timeValue(argument);
  if (letter === 'e' && /^balancer[-_]worker[-_]name$/iu.test(argument)) return { role: 'peer', use: 'authority' };
  return letter === 'p' || letter === 'P' ? none : freeText;
}

/** `%{%Y-%m-%dT%H:%M:%S%z}t`, `%{msec}t`; a `begin:` or `end:` before it says which moment. */
function timeValue(argument: string): Value {
  const form = argument
    .replace(/^(?:begin|end):/u, '')
    .replace('%F', '%Y-%m-%d')
    .replace('%T', '%H:%M:%S');
  const unitMs = Object.hasOwn(epochUnits, form) ? epochUnits[form] : undefined;
  if (unitMs !== undefined) return { use: 'skip', time: { do: 'time', form: 'epoch', unitMs, until: '' } };
  const style = form === '' || /^%d\/%b\/%Y[: ]%H:%M:%S ?(?:%z)?$/u.test(form) ? 'local' : /^%Y-%m-%d[T ]%H:%M:%S ?(?:%z)?$/u.test(form) ? 'iso' : undefined;
  const step = style === undefined ? undefined : clock(style, '');
  // A zone behind a space belongs to the time.
  const isSpaced = form === '' || form.endsWith(' %z');
  if (step?.do === 'time') return { use: 'skip', time: step.form === 'clock' && isSpaced ? { ...step, spaced: true } : step };
  return freeText;
}

function stepsOf(tokens: readonly Token[]): readonly PlanStep[] {
  const steps: PlanStep[] = [];
  const roles = new Set<FieldRole>();
  let isTimed = false;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind === 'literal') {
      steps.push(literal(token.text));
      continue;
    }
    let { value } = token;
    // `%U%q`: values without anything between them are one, which the first of them names.
    for (; tokens[at + 1]?.kind === 'value'; at += 1) value = { ...(value.role === 'uri' ? value : none), isFree: true };
    const next = tokens[at + 1];
    const after = next?.kind === 'literal' ? next.text : '';
    if (value.role !== undefined && roles.has(value.role)) value = { use: 'skip', ...(value.isFree === true && { isFree: true }) };
    if (value.time !== undefined && isTimed) value = { use: 'skip', isFree: true };
    if (value.role !== undefined) roles.add(value.role);
    isTimed ||= value.time !== undefined;
    steps.push(...valueSteps(value, after));
  }
  return steps;
}

function valueSteps({ role, use, isFree, time }: Value, after: string): readonly PlanStep[] {
  const until = after.slice(0, 1);
  if (time?.do === 'time') return [{ ...time, until }];
  const named = role === undefined ? {} : { role };
  if (until === '"') return [role === undefined ? { do: 'field', use, until, escaped: true } : escapedField(role, use, until)];
  // A request between spaces has three parts.
  if (role === 'request' && until === ' ')
    return [
      { do: 'field', role: 'method', use: 'key', until },
      literal(' '),
      { do: 'field', role: 'uri', use: 'skip', until },
      literal(' '),
      { do: 'field', role: 'protocol', use: 'skip', until },
    ];
  return isFree === true && after.length > 1 ? [{ do: 'text', ...named, use, before: after }] : [{ do: 'field', ...named, use, until }];
}
