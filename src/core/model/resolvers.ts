import type { Address } from './host.ts';

/**
 * The servers of a `resolver` directive (https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver) that are written
 * as addresses: `127.0.0.1`, `[::1]:5353`. Parameters (`valid=30s`) and names are left out.
 */
export function resolversOf(args: readonly string[]): Address[] {
  return args.flatMap((text): Address[] => {
    if (text.includes('=') || text === 'off') return [];
    const close = text.startsWith('[') ? text.indexOf(']') : -1;
    const colon = close === -1 ? text.indexOf(':') : text.indexOf(':', close);
    const host = close === -1 ? (colon === -1 ? text : text.slice(0, colon)) : text.slice(1, close);
    const port = colon === -1 ? 53 : Number(text.slice(colon + 1));
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || !isAddress(host)) return [];
    return [{ kind: 'udp', host, port }];
  });
}

/** The name in `app.internal could not be resolved (3: Host not found)`, `no resolver defined to resolve app.internal` and `host not found in upstream "app.internal:80"`. */
export function unresolvedName(message: string): string | undefined {
  const end = message.indexOf(' could not be resolved');
  if (end > 0 && end <= 255) return message.slice(message.lastIndexOf(' ', end - 1) + 1, end);
  const missing = 'no resolver defined to resolve ';
  const asked = message.indexOf(missing);
  if (asked !== -1) return firstWord(message.slice(asked + missing.length));
  const atStart = 'host not found in upstream "';
  const quoted = message.indexOf(atStart);
  if (quoted === -1) return undefined;
  const close = message.indexOf('"', quoted + atStart.length);
  return close === -1 ? undefined : withoutPort(message.slice(quoted + atStart.length, close));
}

function firstWord(text: string): string {
  const end = text.search(/[\s,]/);
  return (end === -1 ? text : text.slice(0, end)).slice(0, 255);
}

function withoutPort(text: string): string {
  const slash = text.indexOf('/');
  const authority = slash === -1 ? text : text.slice(0, slash);
  const colon = authority.lastIndexOf(':');
  return (colon === -1 ? authority : authority.slice(0, colon)).slice(0, 255);
}

function isAddress(host: string): boolean {
  if (host.includes(':')) return /^[0-9a-fA-F:.]{2,45}$/.test(host);
  const parts = host.split('.');
  return parts.length === 4 && parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
