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

const numbers = new Set(
  'status body_bytes_sent bytes_sent request_time request_length msec connection connection_requests pid gzip_ratio server_port remote_port content_length connection_time'.split(
    ' ',
  ),
);

/** Compiles the format's text (pieces joined). Any text compiles; one without variables fits no line. */
export function compileLogFormat(name: string, format: string, escape: LineFormat['escape'] = 'default'): LineFormat {
  const tokens = tokenizeLogFormat(format);
  const variables = tokens.filter(token => token.kind === 'variable').map(token => token.text);
  const first = tokens[0];
  const head = first?.kind === 'literal' ? toBytes(first.text) : new Uint8Array(0);
  const steps = toSteps(tokens);
  const matcher = new LineMatcher(head, steps, escape);
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
function toSteps(tokens: readonly FormatToken[]): readonly Step[] {
  const steps: Step[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'literal') continue;
    const following = tokens[index + 1];
    const literal = following?.kind === 'literal' ? toBytes(following.text) : new Uint8Array(0);
    const kind = kindOf(token.text);
    const slot = isAccessVariable(token.text) ? accessIndex[token.text] : -1;
    const beforeNumber = following?.kind === 'literal' && kindOf(tokens[index + 2]?.text ?? '') === 'number';
    const previous = steps.at(-1);
    const isGlued = previous?.kind === 'free' && previous.literal.length === 0;
    if (!isGlued) steps.push({ kind, slot, literal, isLast: following === undefined, beforeNumber });
    else if (isPath(token.text) && kind === 'free') {
      steps[steps.length - 1] = { ...previous, kind: 'before-slash' };
      steps.push({ kind, slot, literal, isLast: following === undefined, beforeNumber });
    } else steps[steps.length - 1] = { kind: 'free', slot: -1, literal, isLast: following === undefined, beforeNumber };
  }
  return steps;
}

function kindOf(name: string): StepKind {
  if (name === 'time_local') return 'time-local';
  if (name === 'time_iso8601') return 'time-iso';
  if (name === 'upstream_addr') return 'address-list';
  if (name.startsWith('upstream_') && /_(?:status|time|length|received|sent)$/u.test(name)) return 'number-list';
  return numbers.has(name) ? 'number' : 'free';
}

function isPath(name: string): boolean {
  return name === 'request_uri' || name === 'uri' || name === 'document_uri';
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
