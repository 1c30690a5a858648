import type { PassKind } from '../model/facts/topology.ts';

/** Where a `*_pass` points, as written. */
export interface PassTarget {
  readonly tls: boolean;
  /** `host:port`, `[::1]:80`, `unix:/path` or an upstream's name; what the implicit group is called. */
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  /** The URI after the address, where there is one. */
  readonly uri: string;
  readonly variables: readonly string[];
}

const passDirectives: Readonly<Record<string, PassKind>> = {
  proxy_pass: 'proxy',
  fastcgi_pass: 'fastcgi',
  uwsgi_pass: 'uwsgi',
  scgi_pass: 'scgi',
  grpc_pass: 'grpc',
  memcached_pass: 'memcached',
};

/** The kind of pass that a directive makes, where it makes one. */
export function passKindOf(directive: string): PassKind | undefined {
  return Object.hasOwn(passDirectives, directive) ? passDirectives[directive] : undefined;
}

/** Splits the argument of a pass: scheme, address, URI. Total. */
export function parsePassTarget(kind: PassKind, text: string): PassTarget {
  const scheme = schemeOf(text);
  const rest = scheme === '' ? text : text.slice(scheme.length + 3);
  const tls = scheme === 'https' || scheme === 'grpcs' || scheme === 'suwsgi';
  const variables = variablesIn(text);
  if (rest.startsWith('unix:')) {
    const end = rest.indexOf(':', 5);
    const path = end === -1 ? rest.slice(5) : rest.slice(5, end);
    return { tls, name: `unix:${path}`, path, uri: end === -1 ? '' : rest.slice(end + 1), variables };
  }
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const uri = slash === -1 ? '' : rest.slice(slash);
  const { host, port } = splitHostPort(authority);
  const implied = kind === 'proxy' || kind === 'grpc' ? (tls ? 443 : 80) : undefined;
  const effective = port ?? implied;
  return { tls, name: authority, host, ...(effective === undefined ? {} : { port: effective }), uri, variables };
}

/** `host:port`, `[v6]:port`, `host`. A bare number is no port here: `listen` has its own reading. */
export function splitHostPort(text: string): { readonly host: string; readonly port?: number } {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close === -1) return { host: text };
    const port = portOf(text.slice(close + 1).replace(':', ''));
    return port === undefined ? { host: text.slice(1, close) } : { host: text.slice(1, close), port };
  }
  const colon = text.lastIndexOf(':');
  if (colon === -1) return { host: text };
  const port = portOf(text.slice(colon + 1));
  return port === undefined ? { host: text.slice(0, colon) } : { host: text.slice(0, colon), port };
}

/** True for an IPv4 or IPv6 literal. */
export function isIpLiteral(host: string): boolean {
  if (host.includes(':')) return true;
  const parts = host.split('.');
  return parts.length === 4 && parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** Names of the `$variables` in a text, without the sign. */
export function variablesIn(text: string): string[] {
  const names: string[] = [];
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', at + 1)) {
    const braced = text[at + 1] === '{';
    let end = at + (braced ? 2 : 1);
    const start = end;
    while (end < text.length && isNameChar(text.charCodeAt(end))) end++;
    if (end > start) names.push(text.slice(start, end));
  }
  return names;
}

/** Puts values for the variables; those without a value stay as they are. */
export function substitute(text: string, values: ReadonlyMap<string, string>): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const sign = text.indexOf('$', at);
    if (sign === -1) return out + text.slice(at);
    const braced = text[sign + 1] === '{';
    const start = sign + (braced ? 2 : 1);
    let end = start;
    while (end < text.length && isNameChar(text.charCodeAt(end))) end++;
    const stop = braced && text[end] === '}' ? end + 1 : end;
    const value = values.get(text.slice(start, end));
    out += text.slice(at, sign) + (value ?? text.slice(sign, stop));
    at = Math.max(stop, sign + 1);
  }
  return out;
}

function schemeOf(text: string): string {
  const end = text.indexOf('://');
  return end === -1 || end > 10 ? '' : text.slice(0, end).toLowerCase();
}

function portOf(text: string): number | undefined {
  if (text === '' || text.length > 5) return undefined;
  for (const char of text) if (char < '0' || char > '9') return undefined;
  const port = Number(text);
  return port > 0 && port < 65_536 ? port : undefined;
}

function isNameChar(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
}
