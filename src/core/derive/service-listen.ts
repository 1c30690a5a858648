import { runPath, type Address } from '../model/host.ts';
import type { Listener } from '../model/facts/system.ts';

const wildcards = new Set(['*', '0.0.0.0', '::']);
const loopbacks = new Set(['localhost', '127.0.0.1', '::1']);

/** A listener's address as the model writes addresses. */
export function addressOf(listener: Listener): Address {
  return listener.kind === 'unix' ? { kind: 'unix', path: listener.path ?? '' } : { kind: 'tcp', host: listener.host, port: listener.port };
}

/** Whether a configured address is what this listener is bound to: `*`, a name for the loopback and `/var/run` are resolved. */
export function isBoundTo(listener: Listener, address: Address): boolean {
  if (address.kind === 'unix') return listener.kind === 'unix' && runPath(listener.path ?? '') === runPath(address.path);
  if (listener.kind !== 'tcp' || address.kind !== 'tcp' || listener.port !== address.port) return false;
  if (listener.host === address.host) return true;
  if (wildcards.has(address.host)) return wildcards.has(listener.host);
  return address.host === 'localhost' && loopbacks.has(listener.host);
}

/** Each address once. */
export function uniqueAddresses(listeners: readonly Listener[]): readonly Address[] {
  const seen = new Map<string, Address>();
  for (const listener of listeners) {
    const address = addressOf(listener);
    seen.set(address.kind === 'unix' ? address.path : `${address.host}:${address.port}`, address);
  }
  return [...seen.values()];
}
