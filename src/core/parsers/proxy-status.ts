import { proxyErrors, type ProxyStatusEntry } from '../model/fingerprint.ts';

/**
 * The Proxy-Status field (RFC 9209): a list of structured field items (RFC 8941), one for each intermediary that adds itself, the one
 * nearest to the origin first. From section 2 of RFC 9209:
 *
 *     Proxy-Status: r34.example.net; error=http_request_error, ExampleCDN; next-hop=backend.example.org:8001
 */

/** A field of this size has been sent by nobody; what comes after it is not read. */
const mostCharacters = 16_384;
const mostEntries = 32;
const registered: ReadonlySet<string> = new Set(proxyErrors);

/** The fields of an answer, in their order. What is no structured field ends the reading: the entries before it are returned. */
export function parseProxyStatus(fields: readonly string[]): ProxyStatusEntry[] {
  const text = fields.join(', ').slice(0, mostCharacters);
  const entries: ProxyStatusEntry[] = [];
  let at = 0;
  while (at < text.length && entries.length < mostEntries) {
    const name = bareItem(text, skipSpace(text, at));
    if (name === undefined || name.value === '') break;
    const { values, end } = parameters(text, name.end);
    entries.push(entryOf(name.value, values));
    at = skipSpace(text, end);
    if (text[at] !== ',') break;
    at++;
  }
  return entries;
}

function entryOf(proxy: string, values: ReadonlyMap<string, string>): ProxyStatusEntry {
  const error = values.get('error');
  const status = Number(values.get('received-status') ?? '');
  const nextHop = values.get('next-hop');
  const nextProtocol = values.get('next-protocol');
  const details = values.get('details');
  return {
    proxy,
    isRegistered: error !== undefined && registered.has(error),
    ...(error !== undefined && { error }),
    ...(nextHop !== undefined && { nextHop }),
    ...(nextProtocol !== undefined && { nextProtocol }),
    ...(Number.isInteger(status) && status >= 100 && status <= 999 && { receivedStatus: status }),
    ...(details !== undefined && { details }),
  };
}

/** `; key=value; flag`, each key once: the last one counts. */
function parameters(text: string, start: number): { readonly values: ReadonlyMap<string, string>; readonly end: number } {
  const values = new Map<string, string>();
  let at = start;
  for (;;) {
    const semicolon = skipSpace(text, at);
    if (text[semicolon] !== ';') return { values, end: at };
    const from = skipSpace(text, semicolon + 1);
    let end = from;
    while (end < text.length && isKeyCharacter(text.charCodeAt(end))) end++;
    if (end === from) return { values, end: at };
    const value = text[end] === '=' ? bareItem(text, end + 1) : { value: '', end };
    if (value === undefined) return { values, end };
    values.set(text.slice(from, end), value.value);
    at = value.end;
  }
}

/** A string, token, number, boolean or byte sequence as text; `undefined` for a string without its end. */
function bareItem(text: string, start: number): { readonly value: string; readonly end: number } | undefined {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && !',; \t"'.includes(text.charAt(end))) end++;
    return { value: text.slice(start, end), end };
  }
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return { value, end: at + 1 };
    if (character === '\\') at++;
    value += text.charAt(at);
  }
  return undefined;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

/** RFC 8941: lower case letters, digits and `_-.*`. */
function isKeyCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95 || code === 45 || code === 46 || code === 42;
}
