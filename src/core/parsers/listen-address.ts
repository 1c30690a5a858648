/**
 * Addresses as backends write what they bind to, after the manuals and `--help` of php-fpm 8.2, gunicorn 20.1,
 * uWSGI 2.0.21, Puma 5.6 and uvicorn 0.17. Samples: `127.0.0.1:9000`, `9000`, `*:9000`, `:3031`, `[::1]:80`,
 * `unix:/run/x.sock`, `/run/x.sock`, `tcp://0.0.0.0:9292`, `unix:///run/x.sock?umask=0111`.
 */
import type { Address } from '../model/host.ts';

const wildcard = '*';

/**
 * One address, or `undefined` where the text is none (`fd://3`, a name without a port). A port without a host is
 * the host `*`; a relative socket path is resolved against `folder` where that is given.
 */
export function parseListenAddress(text: string, options: { readonly folder?: string; readonly defaultPort?: number } = {}): Address | undefined {
  let rest = text.trim();
  if (rest === '' || rest.length > 4096) return undefined;
  // uWSGI's `@(file)` and `$(VARIABLE)`, and what others leave unfilled.
  if (/^@\(|[$%][({]/.test(rest)) return undefined;
  const scheme = rest.indexOf('://');
  if (scheme > 0) {
    const name = rest.slice(0, scheme).toLowerCase();
    rest = rest.slice(scheme + 3);
    if (name === 'unix') return socketPath(cutAt(rest, '?'), options.folder);
    if (!['tcp', 'ssl', 'http', 'https', 'fcgi', 'uwsgi'].includes(name)) return undefined;
    rest = cutAt(cutAt(rest, '?'), '/');
  }
  if (rest.startsWith('unix:')) return socketPath(rest.slice(5), options.folder);
  if (rest.startsWith('/') || rest.startsWith('@') || rest.startsWith('./')) return socketPath(rest, options.folder);
  return hostAndPort(rest, options);
}

/** A port number in decimal, 1 to 65535. */
export function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Joins `path` to `folder` where it is relative, and takes `.` and `..` parts out. */
export function resolvePath(path: string, folder: string | undefined): string {
  const full = path.startsWith('/') || folder === undefined ? path : `${folder}/${path}`;
  if (!full.startsWith('/')) return full;
  const parts: string[] = [];
  for (const part of full.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function hostAndPort(text: string, options: { readonly folder?: string; readonly defaultPort?: number }): Address | undefined {
  const alone = parsePort(text);
  if (alone !== undefined) return { kind: 'tcp', host: wildcard, port: alone };
  const colon = text.lastIndexOf(':');
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close < 2) return undefined;
    const host = text.slice(1, close);
    const port = close === text.length - 1 ? options.defaultPort : text.charAt(close + 1) === ':' ? parsePort(text.slice(close + 2)) : undefined;
    return port === undefined || !isHost(host) ? undefined : { kind: 'tcp', host, port };
  }
  if (colon >= 0) {
    const host = text.slice(0, colon);
    const port = parsePort(text.slice(colon + 1));
    if (port === undefined) return undefined;
    if (host === '' || host === wildcard) return { kind: 'tcp', host: wildcard, port };
    // Node prints `:::3000`; other IPv6 addresses without brackets cannot be told from their ports.
    const isPlain = !host.includes(':') || host === '::' || host === '::1';
    return isPlain && isHost(host) ? { kind: 'tcp', host, port } : undefined;
  }
  if (text.includes('/') || text.endsWith('.sock')) return socketPath(text, options.folder);
  return options.defaultPort !== undefined && isHost(text) ? { kind: 'tcp', host: text, port: options.defaultPort } : undefined;
}

function isHost(text: string): boolean {
  return text.length <= 255 && /^[A-Za-z0-9._:%-]+$/.test(text);
}

function socketPath(path: string, folder: string | undefined): Address | undefined {
  if (path === '' || path === '/') return undefined;
  if (path.startsWith('@')) return { kind: 'unix', path };
  const full = resolvePath(path, folder);
  return { kind: 'unix', path: full };
}

function cutAt(text: string, mark: string): string {
  const at = text.indexOf(mark, mark === '/' ? 1 : 0);
  return at < 0 ? text : text.slice(0, at);
}
