import type { Address } from './host.ts';

/** The address that a backend's log names, where it is one of this host without a doubt: `127.0.0.1:5432`, `localhost:6379`, `unix:/run/x.sock`. */
export function localAddress(text: string): Address | undefined {
  if (text.startsWith('unix:/')) return text.includes('\0') ? undefined : { kind: 'unix', path: text.slice('unix:'.length) };
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (host === 'localhost') return { kind: 'tcp', host: '127.0.0.1', port };
  return host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) ? { kind: 'tcp', host, port } : undefined;
}
