/**
 * An nginx `log_format` as a plan.
 *
 * Source: nginx 1.22.1, ngx_http_log_module.c: with `escape=default` a value holds no `"`, `\` or control byte (they are
 * `\xHH`, a missing value is `-`); with `json` they are escaped as in JSON and a missing value is empty; with `none` a
 * value is as it came. Lists of `$upstream_*` are joined by `, ` and ` : `.
 *
 *     $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
 *     127.0.0.1 - - [21/Nov/2026:01:55:14 +0000] "GET /x HTTP/1.1" 502 157 "-" "curl/7.88.1"
 */
import { logFormatGroups, variableKind } from '../../parsers/nginx-log-format.ts';
import type { LogFormat } from '../scan/format.ts';
import type { FieldRole, FieldUse, PlanStep } from '../scan/plan.ts';
import { nginxOutcome, type NginxEscape } from './nginx-outcome.ts';
import { clock, literal } from './steps.ts';

type ValueKind = 'token' | 'free' | 'list' | 'path' | 'request' | 'time';

interface Meaning {
  readonly role?: FieldRole;
  readonly use: FieldUse;
  readonly kind: ValueKind;
}

/** One value of the line: a variable, or several that stand without anything between them. */
interface Value extends Meaning {
  readonly variable: string;
  /** What stands behind it. */
  readonly literal: string;
}

/** What the variables mean. A host is the client's word, so it is read in samples only; a server's name is the configuration's. */
const meanings: Readonly<Record<string, Omit<Meaning, 'kind'>>> = {
  remote_addr: { role: 'client', use: 'skip' },
  realip_remote_addr: { role: 'client', use: 'skip' },
  request: { role: 'request', use: 'first-word' },
  request_method: { role: 'method', use: 'key' },
  request_uri: { role: 'uri', use: 'skip' },
  uri: { role: 'uri', use: 'skip' },
  document_uri: { role: 'uri', use: 'skip' },
  server_protocol: { role: 'protocol', use: 'skip' },
  status: { role: 'status', use: 'key' },
  body_bytes_sent: { role: 'sent', use: 'skip' },
  bytes_sent: { role: 'sent', use: 'skip' },
  request_length: { role: 'received', use: 'skip' },
  request_time: { role: 'request-time', use: 'seconds' },
  host: { role: 'host', use: 'skip' },
  http_host: { role: 'host', use: 'skip' },
  server_name: { role: 'server', use: 'key' },
  http_referer: { role: 'referer', use: 'skip' },
  http_user_agent: { role: 'user-agent', use: 'skip' },
  upstream_addr: { role: 'peer', use: 'key' },
  upstream_status: { role: 'upstream-status', use: 'key' },
  upstream_response_time: { role: 'upstream-time', use: 'seconds' },
  upstream_connect_time: { role: 'connect-time', use: 'shape' },
  upstream_header_time: { role: 'header-time', use: 'shape' },
  upstream_bytes_received: { role: 'upstream-bytes', use: 'skip' },
  upstream_response_length: { role: 'upstream-bytes', use: 'skip' },
  // Of ingress-nginx: the service that the request goes to.
  proxy_upstream_name: { role: 'group', use: 'key' },
};

const free: Meaning = { use: 'skip', kind: 'free' };

/** The format of lines that nginx writes by this `log_format` text (its pieces joined). Any text makes a format; its id is `nginx:<name>`. */
export function nginxFormat(name: string, text: string, escape: NginxEscape = 'default'): LogFormat {
  return nginxFormatAs(`nginx:${name}`, `nginx access log (${name})`, text, escape);
}

/** The same under another id and title. */
export function nginxFormatAs(id: string, title: string, text: string, escape: NginxEscape = 'default'): LogFormat {
  const { head, values } = valuesOf(text);
  const steps: PlanStep[] = head === '' ? [] : [literal(head)];
  const roles = new Set<FieldRole>();
  const hasMethod = values.some(value => value.role === 'method');
  let isTimed = false;
  for (const [index, value] of values.entries()) {
    const next = withOwnRole(value, roles, hasMethod);
    if (next.kind === 'time' && !isTimed) {
      steps.push(timeStep(next));
      isTimed = true;
    } else if (escape === 'none' && index === values.length - 1 && next.kind === 'free') {
      // A raw value may hold what stands behind it: the last is all that is left.
      steps.push(...valueSteps({ ...next, literal: '' }, escape));
      if (next.role !== undefined) roles.add(next.role);
      break;
    } else steps.push(...valueSteps(next, escape));
    if (next.role !== undefined) roles.add(next.role);
    if (next.kind === 'request' && next.literal === ' ') for (const part of ['method', 'uri', 'protocol'] as const) roles.add(part);
    if (next.literal !== '') steps.push(literal(next.literal));
  }
  const present = [...roles];
  return { id, title, product: 'nginx', kind: 'access', plan: { kind: 'steps', steps }, roles: present, outcome: nginxOutcome(present, escape) };
}

/** Of two values with one role the first has it. */
function withOwnRole(value: Value, taken: ReadonlySet<FieldRole>, hasMethod: boolean): Value {
  const { role, ...rest } = value;
  if (role === undefined) return value;
  if (taken.has(role)) return { ...rest, use: 'skip' };
  // The method need not be looked for twice.
  return role === 'request' && hasMethod ? { ...value, use: 'skip' } : value;
}

function valuesOf(text: string): { readonly head: string; readonly values: readonly Value[] } {
  const { head, groups } = logFormatGroups(text);
  return { head, values: groups.flatMap(({ variables, literal: after }) => adjacent(variables, after)) };
}

/** Variables without anything between them: what stands before a path ends where that begins; others are one value that nothing is known of. */
function adjacent(group: readonly string[], after: string): readonly Value[] {
  const [first = ''] = group;
  if (group.length === 1) return [{ variable: first, ...meaningOf(first), literal: after }];
  const path = group.findIndex(variable => meaningOf(variable).kind === 'path');
  if (path === -1) return [{ variable: '', ...free, literal: after }];
  const before = group.slice(0, path);
  const rest: Value = { variable: group[path] ?? '', ...meaningOf(group[path] ?? ''), literal: after };
  if (before.length === 0) return [rest];
  const only = before.length === 1 ? meaningOf(before[0] ?? '') : free;
  return [{ variable: '/', ...only, ...(only.kind === 'time' ? free : {}), literal: '' }, rest];
}

function timeStep({ variable, literal: after }: Value): PlanStep {
  const until = after.slice(0, 1);
  if (variable === 'msec') return { do: 'time', form: 'epoch', unitMs: 1000, until };
  if (variable === 'time_iso8601') return clock('iso', until);
  const step = clock('local', until);
  return until === ' ' && step.do === 'time' && step.form === 'clock' ? { ...step, spaced: true } : step;
}

function valueSteps(value: Value, escape: NginxEscape): readonly PlanStep[] {
  const { role, use, kind, literal: after, variable } = value;
  const named = role === undefined ? {} : { role };
  const until = variable === '/' ? '/' : after.slice(0, 1);
  if (kind === 'request' && after === ' ') return requestSteps(use);
  // A raw URL may hold quotes, but no space.
  if (kind === 'request' && until === '"' && escape === 'none') {
    return [{ do: 'text', ...named, use, before: ' HTTP/' }, literal(' HTTP/'), { do: 'field', role: 'protocol', use: 'skip', until }];
  }
  // The second time of a line; only the local one holds a space.
  if (kind === 'time' && variable === 'time_local' && until === ' ') {
    return [{ do: 'field', use: 'skip', until }, literal(' '), { do: 'field', use: 'skip', until }];
  }
  if (until === '"' && escape === 'json') return [{ do: 'field', ...named, use, until, escaped: true }];
  if (until === '"' && escape === 'default') return [{ do: 'field', ...named, use, until }];
  const isOpen = kind === 'free' || kind === 'request' || kind === 'path' || (until === '"' && escape === 'none');
  // `[::1]:80` holds the bracket that may stand behind it.
  if (after.length > 1 && variable !== '/' && (isOpen || (kind === 'list' && until === ']'))) return [{ do: 'text', ...named, use, before: after }];
  if (kind === 'list' && (until === ' ' || until === ',') && !/^(?:, | : )/u.test(after)) return [{ do: 'field', ...named, use, until, list: true }];
  return [{ do: 'field', ...named, use, until }];
}

/** A request line between spaces. */
function requestSteps(use: FieldUse): readonly PlanStep[] {
  return [
    { do: 'field', role: 'method', use: use === 'skip' ? 'skip' : 'key', until: ' ' },
    literal(' '),
    { do: 'field', role: 'uri', use: 'skip', until: ' ' },
    literal(' '),
    { do: 'field', role: 'protocol', use: 'skip', until: ' ' },
  ];
}

function meaningOf(variable: string): Meaning {
  const known = Object.hasOwn(meanings, variable) ? meanings[variable] : undefined;
  return { use: 'skip', ...known, kind: valueKind(variable) };
}

/** A number is a token to the steps of a plan, which end values by what stands behind them. */
function valueKind(variable: string): ValueKind {
  const kind = variableKind(variable);
  if (kind.startsWith('time-')) return 'time';
  if (kind.endsWith('-list')) return 'list';
  return kind === 'path' || kind === 'request' || kind === 'free' ? kind : 'token';
}
