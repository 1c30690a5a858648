import { isIpLiteral, variablesIn } from '../derive/pass-target.ts';
import { runPath } from '../model/host.ts';

/** An address as it is written, a wrong one too. */
export interface WrittenAddress {
  /** Without scheme and URI. */
  readonly text: string;
  /** Without brackets. Absent for a unix socket. */
  readonly host?: string;
  /** What stands behind the colon, where one stands: `0`, `70000`, `80a`. */
  readonly portText?: string;
  /** Where it is one, 1 to 65535. */
  readonly port?: number;
  /** Of a unix socket. */
  readonly path?: string;
  readonly variables: readonly string[];
}

/** Reads `host:port`, `[v6]:port`, `unix:/path`, `unix:/path:` (`/uri` cut off before). Total. */
export function writtenAddress(text: string): WrittenAddress {
  const variables = variablesIn(text);
  if (text.startsWith('unix:')) {
    const end = text.indexOf(':', 5);
    return { text, path: text.slice(5, end === -1 ? undefined : end), variables };
  }
  const close = text.startsWith('[') ? text.indexOf(']') : -1;
  const colon = text.indexOf(':', close + 1);
  const host = close === -1 ? text.slice(0, colon === -1 ? undefined : colon) : text.slice(1, close);
  if (colon === -1) return { text, host, variables };
  const portText = text.slice(colon + 1);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
  return { text, host, portText, ...(port >= 1 && port <= 65_535 ? { port } : {}), variables };
}

/** True for this machine by its loopback addresses or `localhost`. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1';
}

/** A name that has to be looked up: no IP address, no variable, not the name of an upstream. */
export function isHostName(host: string): boolean {
  return host !== '' && !host.includes('$') && !isIpLiteral(host);
}

/** One text for what is the same place: all loopback names of IPv4 alike, a socket under its shorter path. `undefined` without a port. */
export function placeOf({ host, path, variables }: WrittenAddress, port: number | undefined): string | undefined {
  if (variables.length > 0) return undefined;
  if (path !== undefined) return `unix:${runPath(path)}`;
  if (host === undefined || port === undefined) return undefined;
  return `${isLoopback(host) && host !== '::1' ? '127.0.0.1' : host.toLowerCase()}:${port}`;
}
