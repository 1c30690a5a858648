import { isIP } from 'node:net';
import { BadhopError } from '../../core/model/error.ts';
import type { TraceScheme } from '../../core/model/trace.ts';
import type { HostPort, OriginTarget, Target } from './trace-request.ts';

const defaultPorts: Readonly<Record<TraceScheme, number>> = { http: 80, ws: 80, https: 443, wss: 443 };
const maxUrlLength = 16_000;
const hint = 'Give one like https://shop.example/cart.';

/** A target, and the user and password that stood in the URL. */
export interface ParsedTarget {
  readonly target: Target;
  readonly credentials: string | undefined;
}

/** Reads the URL that was asked for. Throws a BadhopError that says what is wrong with it. */
export function parseTarget(text: string): ParsedTarget {
  const parsed = readUrl(text);
  if (typeof parsed === 'string') throw new BadhopError('usage', `${quoted(text)} ${parsed}`, { hint });
  return parsed;
}

/** Reads where a redirect leads; undefined where that is nowhere that can be gone to. */
export function parseRedirect(location: string, from: Target): Target | undefined {
  try {
    // A field's bytes are read as Latin-1; an address in UTF-8 is meant as such.
    const decoded = Buffer.from(location, 'latin1').toString('utf8');
    const parsed = readUrl(new URL(decoded, from.url).href);
    return typeof parsed === 'string' ? undefined : parsed.target;
  } catch {
    return undefined;
  }
}

function readUrl(text: string): ParsedTarget | string {
  const trimmed = text.trim();
  if (trimmed === '') return 'is no URL: it is empty';
  if (trimmed.length > maxUrlLength) return `is longer than ${maxUrlLength} characters`;
  if (/[\0-\x1f\x7f]/.test(trimmed)) return 'holds control characters, which no URL may';
  if (/\s/.test(trimmed)) return 'holds white space; write %20 for it';
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d+(?:\/|$))/i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === undefined && trimmed.startsWith('/')) return 'names no host';
  if (scheme !== undefined && !(scheme in defaultPorts)) return `has the scheme ${scheme}; badhop traces http, https, ws and wss`;
  if (scheme !== undefined && !/^[a-z]+:\/\//i.test(trimmed)) return 'lacks the // behind its scheme';
  if (/^[a-z]+:\/\/(?:[^/?#]*@)?(?:[/?#:]|$)/i.test(trimmed)) return 'names no host';
  let url: URL;
  try {
    url = new URL(scheme === undefined ? `https://${trimmed}` : trimmed);
  } catch {
    return portProblem(trimmed) ?? 'is no URL: its host cannot be read';
  }
  const kind = url.protocol.slice(0, -1) as TraceScheme;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') return 'names no host';
  const nameProblem = isIP(host) === 0 ? hostProblem(host) : undefined;
  if (nameProblem !== undefined) return nameProblem;
  const port = url.port === '' ? defaultPorts[kind] : Number(url.port);
  if (port === 0) return 'has the port 0, to which nothing can connect';
  const credentials = url.username === '' && url.password === '' ? undefined : `${decode(url.username)}:${decode(url.password)}`;
  const path = `${url.pathname}${url.search}`;
  // The URL parser of the platform gives ws: no other treatment than http:.
  return { target: { scheme: kind, host, port, path, authority: url.host, url: `${url.protocol}//${url.host}${path}` }, credentials };
}

function portProblem(text: string): string | undefined {
  const port = /:([^:/?#\]]*)(?:[/?#]|$)/.exec(text.replace(/^[a-z]+:\/\//i, ''))?.[1];
  if (port === undefined || port === '') return undefined;
  return /^\d+$/.test(port) && Number(port) <= 65_535 ? undefined : `has the port ${port.slice(0, 20)}; a port is a number from 1 to 65535`;
}

function hostProblem(host: string): string | undefined {
  const labels = host.replace(/\.$/, '').split('.');
  if (labels.some(label => label === '')) return `has an empty part in its host name`;
  if (labels.some(label => label.length > 63)) return 'has a part of more than 63 characters in its host name, which DNS cannot carry';
  return host.length > 254 ? 'has a host name of more than 253 characters, which DNS cannot carry' : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::1]:53`, `2001:db8::1`: an address, never a name. */
export function parseAddressPort(text: string, defaultPort: number, option: string): HostPort {
  const { host, port } = splitHostPort(text);
  if (isIP(host) === 0)
    throw new BadhopError('usage', `${option} ${quoted(text)} is no address`, { hint: 'Give an IP address, with a port if need be: 192.0.2.53:5353.' });
  return { host, port: readPort(port, option, text) ?? defaultPort };
}

/** curl's `host:port:address[,address]`; the port may be `*`. */
export function parseResolve(text: string): { readonly key: string; readonly addresses: readonly string[] } {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5}|\*):(.+)$/.exec(text);
  const addresses = match?.[3]?.split(',').map(each => each.trim().replace(/^\[|\]$/g, '')) ?? [];
  if (match === null || addresses.length === 0 || addresses.some(each => isIP(each) === 0)) {
    throw new BadhopError('usage', `--resolve ${quoted(text)} cannot be read`, {
      hint: 'Give HOST:PORT:ADDRESS, as for curl: --resolve shop.example:443:192.0.2.7',
    });
  }
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '').toLowerCase();
  return { key: `${host}:${match[2] ?? ''}`, addresses };
}

/** `192.0.2.7`, `192.0.2.7:8080`, `origin.internal:8443`, `http://192.0.2.7:8080`. */
export function parseOrigin(text: string): OriginTarget {
  const match = /^(?:(https?):\/\/)?([^/]+)\/?$/i.exec(text.trim());
  const { host, port } = splitHostPort(match?.[2] ?? '');
  const isName = /^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9.])?$/i.test(host);
  if (match === null || (isIP(host) === 0 && !isName)) {
    throw new BadhopError('usage', `--origin ${quoted(text)} cannot be read`, {
      hint: 'Give the address of the server behind the edge: 192.0.2.7, 192.0.2.7:8080 or http://192.0.2.7:8080.',
    });
  }
  return { host, port: readPort(port, '--origin', text), scheme: match[1]?.toLowerCase() as 'http' | 'https' | undefined };
}

function splitHostPort(text: string): { readonly host: string; readonly port: string | undefined } {
  if (isIP(text) === 6) return { host: text, port: undefined };
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? '', port: match?.[3] };
}

function readPort(port: string | undefined, option: string, text: string): number | undefined {
  if (port === undefined) return undefined;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number >= 1 && number <= 65_535) return number;
  throw new BadhopError('usage', `${option} ${quoted(text)} has no port that there is`, { hint: 'A port is a number from 1 to 65535.' });
}

function quoted(text: string): string {
  return `'${text.length > 80 ? `${text.slice(0, 80)}…` : text}'`;
}
