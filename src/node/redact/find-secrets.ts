import { isSecretHeader, isSecretName, isSecretQueryKey, nameTail, secretWord } from './secret-names.ts';

/** What stands in a secret's place. */
export const redactionMark = '[redacted]';

/** A secret in a text: `[start, end)` in characters. Never holds a line break. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const directive =
  '(?:fastcgi|uwsgi|scgi)_param|(?:proxy|grpc)_set_header|add_header|more_set_input_headers|more_set_headers|setenv|requestheader|(?:set|add)-header';
const bareDirective = 'secure_link_secret|secure_link_md5|requirepass|masterauth|stats[ \\t]{1,8}auth';
const issuedPrefixes = ['eyJ', 'AKIA', 'ASIA', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'glpat-', 'xox', 'sk_live_', 'rk_live_', 'AIza'];
const issued = 'eyj|a[ks]ia[0-9a-z]{16}|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk_live_|rk_live_|aiza';

// One pass over the text: each alternative is short and bounded, so the scan is linear; what follows a hit is read by index.
const candidates = new RegExp(
  `(?<url>://)|(?<query>[?&])|(?<pem>-----(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY-----)|(?<scheme>\\b(?:bearer|basic)[ \\t])|` +
    `(?<![\\w.-])(?<issued>${issued})|(?<![\\w-])(?<directive>${directive})(?=[ \\t])|(?<![\\w-])(?<bare>${bareDirective})(?=[ \\t])|` +
    `(?<word>(?:${secretWord}|[_-]pass)${nameTail})(?![A-Za-z0-9_])`,
  'gi',
);

const maxKeyLength = 80;
const maxUserinfoLength = 512;
// A longer value is a secret unseen: reading it again and again would not be linear.
const maxJudgedLength = 256;
const harmless = /^(?:yes|no|on|off|true|false|null|nil|none|undefined|empty)$/i;
const onlyVariables = /^(?:(?:bearer|basic|token)[ \t]+)?(?:\$\{?[A-Za-z_]\w*\}?[ \t:;,=]*)+$/i;
const cryptHash = /^\$(?:apr1|2[abxy]|argon2\w*)\$/;
const keyFile = /^\/[\w./-]+\.(?:pem|key|crt|cer|conf|txt|json)$/i;

/** Finds authorization values, cookies, passwords, tokens, keys and key blocks. Linear in the text. */
export function findSecrets(text: string): readonly Span[] {
  const spans: Span[] = [];
  const pattern = candidates;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const groups = match.groups ?? {};
    const end = match.index + match[0].length;
    if (groups['pem'] !== undefined) {
      pattern.lastIndex = pushKeyBlock(text, match.index, end, groups['pem'], spans);
      continue;
    }
    const span = readCandidate(text, match.index, end, groups);
    if (span === undefined || span.end <= span.start) continue;
    if (isRedacted(text.slice(span.start, span.end))) {
      pattern.lastIndex = Math.max(pattern.lastIndex, span.end);
      continue;
    }
    spans.push(span);
    pattern.lastIndex = Math.max(pattern.lastIndex, span.end);
  }
  return spans;
}

function readCandidate(text: string, start: number, end: number, groups: Readonly<Record<string, string | undefined>>): Span | undefined {
  if (groups['url'] !== undefined) return userinfo(text, end);
  if (groups['query'] !== undefined) return queryValue(text, end);
  if (groups['scheme'] !== undefined) return credentials(text, end, groups['scheme']);
  if (groups['issued'] !== undefined) return issuedToken(text, start, groups['issued']);
  if (groups['directive'] !== undefined) return directiveValue(text, end, groups['directive']);
  if (groups['bare'] !== undefined) return valueAt(text, skipBlanks(text, end), false);
  return namedValue(text, start, end);
}

/** `user:pass@` behind `://`: the password; a lone long user is a token. */
function userinfo(text: string, from: number): Span | undefined {
  let at = -1;
  let colon = -1;
  const limit = Math.min(text.length, from + maxUserinfoLength);
  for (let i = from; i < limit; i++) {
    const c = text[i] ?? '';
    if (c === '@') at = i;
    else if (c === ':' && colon < 0) colon = i;
    else if (c <= ' ' || '/?#"\'<>,'.includes(c)) break;
  }
  if (at < 0) return undefined;
  if (colon >= 0 && colon < at) return notVariable(text, { start: colon + 1, end: at });
  return at - from >= 20 ? { start: from, end: at } : undefined;
}

function queryValue(text: string, from: number): Span | undefined {
  const start = text.startsWith('amp;', from) ? from + 4 : from;
  const equals = indexOfAny(text, start, start + maxKeyLength, '=');
  if (equals < 0 || !isSecretQueryKey(text.slice(start, equals))) return undefined;
  // A group is a regex in a configuration, not a value.
  if (text[equals + 1] === '(') return undefined;
  return notVariable(text, { start: equals + 1, end: unquotedEnd(text, equals + 1) });
}

/** The credentials behind `Bearer ` or `Basic `; ordinary words there (`basic settings`) are none. */
function credentials(text: string, from: number, scheme: string): Span | undefined {
  const start = skipBlanks(text, from);
  const end = tokenEnd(text, start);
  const value = text.slice(start, Math.min(end, start + 4096));
  if (value.length < 6) return undefined;
  if (scheme.toLowerCase().startsWith('basic')) return decodesToPair(value) ? { start, end } : undefined;
  return value.length >= 20 || /[0-9._]/.test(value.slice(0, -1)) ? { start, end } : undefined;
}

function decodesToPair(value: string): boolean {
  return Buffer.from(value, 'base64').includes(0x3a);
}

/** Tokens that are known by their first letters. The match ignored case for other alternatives' sake; these have one spelling. */
function issuedToken(text: string, start: number, prefix: string): Span | undefined {
  if (!issuedPrefixes.some(known => text.startsWith(known, start))) return undefined;
  let end = start + prefix.length;
  let dots = 0;
  for (; end < text.length && /[\w.-]/.test(text[end] ?? ''); end++) if (text[end] === '.') dots++;
  const isLong = end - start >= 20;
  return isLong && (dots > 0 || !text.startsWith('eyJ', start)) ? { start, end } : undefined;
}

/** `fastcgi_param NAME value`, `proxy_set_header Name value`, `RequestHeader set Name value`. */
function directiveValue(text: string, from: number, name: string): Span | undefined {
  let at = skipBlanks(text, from);
  if (/^requestheader$/i.test(name)) at = skipBlanks(text, wordEnd(text, at));
  const quote = text[at] === '"' || text[at] === "'" ? 1 : 0;
  const end = indexOfAny(text, at + quote, at + quote + maxKeyLength, ' \t"\';:');
  if (end < 0 || !isSecretName(text.slice(at + quote, end))) return undefined;
  const next = skipBlanks(text, text[end] === ':' ? end + 1 : end + quote);
  return valueAt(text, next, false);
}

/** `NAME = value`, `"name": "value"`, `--name value`, `'NAME' => 'value'`, `<name>value`. */
function namedValue(text: string, wordStart: number, wordEndAt: number): Span | undefined {
  const start = nameStart(text, wordStart);
  const name = text.slice(start, wordEndAt);
  if (/_pass$/i.test(name) && !isSecretName(name)) return undefined;
  const before = text[start - 1] ?? '';
  let at = wordEndAt;
  while (text[at] === '\\' && at < wordEndAt + 4) at++;
  const closed = text[at] === '"' || text[at] === "'" || text[at] === ']';
  // `"$http_cookie"` is a variable's place in a log format, not a name.
  if (closed && (before === '$' || before === '{')) return undefined;
  if (closed) at++;
  else if (at !== wordEndAt) return undefined;
  if (!closed && text[at] === '>') return before === '<' ? { start: at + 1, end: markupEnd(text, at + 1) } : undefined;
  const isFlag = name.startsWith('--');
  if (isFlag && (text[at] === '\0' || text[at] === ' ')) return valueAt(text, at + 1, false);
  if (before === '$' && /\bset[ \t]+$/.test(text.slice(Math.max(0, start - 10), start - 1))) return valueAt(text, skipBlanks(text, at), false);

  at = skipBlanks(text, at);
  const sign = text[at] ?? '';
  if (sign === '=') return valueAt(text, skipBlanks(text, text[at + 1] === '>' || text[at + 1] === '=' ? at + 2 : at + 1), isSecretHeader(name));
  if (sign === ',' && closed) {
    const next = skipBlanks(text, at + 1);
    return text[next] === '"' || text[next] === "'" ? valueAt(text, next, false) : undefined;
  }
  if (sign !== ':') return undefined;
  // A path (`/etc/passwd: denied`) and a host with its port (`secret:8080`) end in a colon too.
  if (!closed && (before === '/' || /^:[0-9]{1,5}(?![\w-])/.test(text.slice(at, at + 7)))) return undefined;
  return valueAt(text, skipBlanks(text, text[at + 1] === '=' ? at + 2 : at + 1), isSecretHeader(name), true);
}

/** The value that starts here: quoted, the rest of a header line, or one word. */
function valueAt(text: string, from: number, header: boolean, line = false): Span | undefined {
  let at = from;
  while (text[at] === '\\' && at < from + 4) at++;
  const quote = text[at];
  if (quote === '"' || quote === "'") return judged(text, { start: at + 1, end: quotedEnd(text, at + 1, quote, at > from) });
  // Structure, not a value: the start of an object, a list or a regex.
  if ('{}[]()~^'.includes(quote ?? '{') && !text.startsWith(redactionMark, from)) return undefined;
  const end = header ? headerEnd(text, from, line) : unquotedEnd(text, from);
  return judged(text, { start: from, end });
}

function judged(text: string, span: Span): Span | undefined {
  if (span.end - span.start > maxJudgedLength) return span;
  const value = text.slice(span.start, span.end);
  return harmless.test(value) || keyFile.test(value) ? undefined : notVariable(text, span);
}

/** A value made of variables alone (`$http_cookie`) is no secret and tells what the config does. */
function notVariable(text: string, span: Span): Span | undefined {
  if (span.end - span.start > maxJudgedLength) return span;
  const value = text.slice(span.start, span.end);
  return onlyVariables.test(value) && !cryptHash.test(value) ? undefined : span;
}

function quotedEnd(text: string, from: number, quote: string, escaped: boolean): number {
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '\n' || c === '\r') return i;
    if (c === '\\') {
      if (escaped && text[i + 1] === quote) return i;
      if (text[i + 1] !== '\n' && text[i + 1] !== '\r') i++;
    } else if (c === quote) return i;
  }
  return text.length;
}

function unquotedEnd(text: string, from: number): number {
  if (text.startsWith(redactionMark, from)) return from + redactionMark.length;
  for (let i = from; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c <= ' ' || '&;"\'<>\\|'.includes(c)) return i;
    if ((c === ',' || c === ')' || c === '}' || c === ']') && (text[i + 1] ?? ' ') <= ' ') return i;
  }
  return text.length;
}

/** Behind a colon the rest of the line; behind `=` words, as long as `;` joins them. */
function headerEnd(text: string, from: number, line: boolean): number {
  for (let i = from; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '"' || c === "'" || c === '\n' || c === '\r' || c === '\0') return i;
    if (!line && (c === ' ' || c === '\t') && text[i - 1] !== ';') return i;
  }
  return text.length;
}

function markupEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) if (text[i] === '<' || text[i] === '\n' || text[i] === '\r') return i;
  return text.length;
}

/** Marks every line of a key block but its first and last; returns where to go on. */
function pushKeyBlock(text: string, start: number, end: number, header: string, spans: Span[]): number {
  if (!header.startsWith('-----BEGIN')) return end;
  let at = end;
  // Inside a block stand base64, blanks, line breaks (`\n` in JSON too) and the fields of an old encrypted key.
  while (at < text.length && text[at] !== '-' && /[A-Za-z0-9+/=\s\\:,"']/.test(text[at] ?? '')) at++;
  let from = end;
  for (let i = end; i <= at; i++) {
    if (i < at && text[i] !== '\n' && text[i] !== '\r') continue;
    if (i > from && !isRedacted(text.slice(from, i))) spans.push({ start: from, end: i });
    from = i + 1;
  }
  return Math.max(at, start + 1);
}

const redacted = /^(?:\[redacted\]\**|\*+)$/;

function isRedacted(value: string): boolean {
  return redacted.test(value);
}

function nameStart(text: string, from: number): number {
  let at = from;
  while (at > 0 && from - at < maxKeyLength && /[\w-]/.test(text[at - 1] ?? '')) at--;
  return at;
}

function tokenEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\w+/=.~-]/.test(text[at] ?? '')) at++;
  return at;
}

function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && (text[at] ?? '') > ' ') at++;
  return at;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < from + 256 && (text[at] === ' ' || text[at] === '\t')) at++;
  return at;
}

/** The first of `wanted` in `[from, to)`, or -1 when a blank, a bracket or the end comes first. */
function indexOfAny(text: string, from: number, to: number, wanted: string): number {
  const limit = Math.min(to, text.length);
  for (let i = from; i < limit; i++) {
    const c = text[i] ?? '';
    if (wanted.includes(c)) return i;
    if (c <= ' ' || '?&"\'<>/'.includes(c)) return -1;
  }
  return -1;
}
