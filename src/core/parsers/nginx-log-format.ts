/**
 * Compiles an nginx `log_format` into a reader of its lines.
 *
 * Source: nginx 1.22.1, ngx_http_log_module.c: with `escape=default` a value holds no `"`, `\` or control byte
 * (they are `\xHH`, a missing value is `-`); with `json` they are escaped as in JSON and a missing value is empty.
 *
 *     $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
 *     127.0.0.1 - - [21/Nov/2026:01:55:14 +0000] "GET /x HTTP/1.1" 502 157 "-" "curl/7.88.1"
 */
import { accessIndex, accessVariables, type AccessVariable, type LineFormat } from '../model/log-line.ts';
import { LineMatcher, type Step, type StepKind } from './nginx-log-format-match.ts';

export const combinedFormat = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

export interface FormatToken {
  readonly kind: 'literal' | 'variable';
  readonly text: string;
}

/**
 * What the values of a variable look like: lists have an item a try or a proxy (`, ` and ` : ` between them); a `token` holds no blank, `free`
 * text may.
 */
export type VariableKind =
  | 'number'
  | 'time-local'
  | 'time-iso'
  | 'time-epoch'
  | 'address-list'
  | 'number-list'
  | 'text-list'
  | 'path'
  | 'request'
  | 'token'
  | 'free';

const kinds: ReadonlyMap<string, VariableKind> = new Map([
  ...named('number', 'status body_bytes_sent bytes_sent request_time request_length connection connection_requests pid gzip_ratio'),
  ...named('number', 'server_port remote_port content_length connection_time'),
  ...named('time-epoch', 'msec'),
  ...named('time-local', 'time_local'),
  ...named('time-iso', 'time_iso8601'),
  ...named('address-list', 'upstream_addr'),
  ...named('text-list', 'http_x_forwarded_for proxy_add_x_forwarded_for'),
  ...named('path', 'request_uri uri document_uri'),
  ...named('request', 'request'),
  ...named('token', 'remote_addr realip_remote_addr request_method server_protocol host http_host server_name proxy_upstream_name scheme pipe request_id'),
  ...named('token', 'req_id hostname server_addr ssl_protocol ssl_cipher upstream_cache_status request_completion is_args http_x_request_id'),
  ...named('token', 'proxy_alternative_upstream_name binary_remote_addr nginx_version limit_rate ssl_session_reused http2 http3 tcpinfo_rtt'),
]);

/** One that nobody knows is free text. */
export function variableKind(name: string): VariableKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  return name.startsWith('upstream_') && /_(?:status|time|length|received|sent)$/u.test(name) ? 'number-list' : 'free';
}

function named(kind: VariableKind, names: string): readonly (readonly [string, VariableKind])[] {
  return names.split(' ').map(name => [name, kind]);
}

/** Variables that stand without anything between them, and the text behind them. */
export interface LogFormatGroup {
  readonly variables: readonly string[];
  readonly literal: string;
}

/** The text before the first variable, and the groups. */
export function logFormatGroups(format: string): { readonly head: string; readonly groups: readonly LogFormatGroup[] } {
  const tokens = tokenizeLogFormat(format);
  const head = tokens[0]?.kind === 'literal' ? tokens[0].text : '';
  const groups: LogFormatGroup[] = [];
  for (let at = head === '' ? 0 : 1; at < tokens.length; at += 1) {
    const variables: string[] = [];
    for (; tokens[at]?.kind === 'variable'; at += 1) variables.push(tokens[at]?.text ?? '');
    groups.push({ variables, literal: tokens[at]?.kind === 'literal' ? (tokens[at]?.text ?? '') : '' });
  }
  return { head, groups };
}

/** Compiles the format's text (pieces joined). Any text compiles; one without variables fits no line. */
export function compileLogFormat(name: string, format: string, escape: LineFormat['escape'] = 'default'): LineFormat {
  const { head, groups } = logFormatGroups(format);
  const variables = groups.flatMap(group => group.variables);
  const steps = toSteps(groups);
  const matcher = new LineMatcher(toBytes(head), steps, escape);
  const wanted = new Set(steps.filter(step => step.slot !== -1).map(step => accessVariables[step.slot]));
  return {
    name,
    escape,
    variables,
    has: (variable: AccessVariable) => wanted.has(variable),
    match: (bytes, start, end, spans) => matcher.match(bytes, start, end, spans),
  };
}

/** `$name`, `${name}` and the text between them. */
export function tokenizeLogFormat(format: string): readonly FormatToken[] {
  const tokens: FormatToken[] = [];
  let literal = '';
  let at = 0;
  while (at < format.length) {
    const found = format[at] === '$' ? /^\$(?:\{(\w{1,128})\}|(\w{1,128}))/u.exec(format.slice(at, at + 132)) : null;
    const name = found?.[1] ?? found?.[2];
    if (found === null || name === undefined) {
      literal += format[at] ?? '';
      at += 1;
      continue;
    }
    if (literal !== '') tokens.push({ kind: 'literal', text: literal });
    literal = '';
    tokens.push({ kind: 'variable', text: name });
    at += found[0].length;
  }
  if (literal !== '') tokens.push({ kind: 'literal', text: literal });
  return tokens;
}

/** One step a variable, with the literal behind it. Two free values without a literal between them are one unknown value. */
function toSteps(groups: readonly LogFormatGroup[]): readonly Step[] {
  const steps: Step[] = [];
  for (const [index, { variables, literal: text }] of groups.entries()) {
    const next = groups[index + 1]?.variables[0];
    for (const [place, name] of variables.entries()) {
      const isEnd = place === variables.length - 1;
      const literal = isEnd ? toBytes(text) : new Uint8Array(0);
      const isLast = isEnd && text === '' && next === undefined;
      const kind = stepKind(name);
      const slot = isAccessVariable(name) ? accessIndex[name] : -1;
      const beforeNumber = isEnd && text !== '' && next !== undefined && stepKind(next) === 'number';
      const previous = steps.at(-1);
      const isGlued = previous?.kind === 'free' && previous.literal.length === 0;
      if (!isGlued) steps.push({ kind, slot, literal, isLast, beforeNumber });
      else if (variableKind(name) === 'path') {
        steps[steps.length - 1] = { ...previous, kind: 'before-slash' };
        steps.push({ kind, slot, literal, isLast, beforeNumber });
      } else steps[steps.length - 1] = { kind: 'free', slot: -1, literal, isLast, beforeNumber };
    }
  }
  return steps;
}

function stepKind(name: string): StepKind {
  const kind = variableKind(name);
  if (kind === 'time-epoch') return 'number';
  return kind === 'path' || kind === 'request' || kind === 'token' || kind === 'text-list' ? 'free' : kind;
}

function isAccessVariable(name: string): name is AccessVariable {
  return Object.hasOwn(accessIndex, name);
}

/** The text as UTF-8. */
export function toBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}
