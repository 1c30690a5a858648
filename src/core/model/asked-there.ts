import type { Hop } from './facts/hop.ts';
import type { Listener } from './facts/system.ts';
import { formatAddress, runPath, takesConnectionsTo, type Address } from './host.ts';

/**
 * A hop with a route whose requests end at the socket that an address reaches: at the same address, or at another one of a socket that is bound
 * to all of the host's, such as `[::1]:80` and `127.0.0.1:80` of one that listens on `*:80`.
 */
export function askedThere(address: Address, hops: readonly Hop[]): Hop | undefined {
  const id = formatAddress(address);
  const inUse = hops.filter(({ routes }) => routes.length > 0);
  return inUse.find(({ peer }) => peer.id === id) ?? inUse.find(({ peer }) => peer.local && peer.listeners.some(listener => takes(listener, address)));
}

/** Whether a connection to the address comes to this socket. */
function takes(listener: Listener, address: Address): boolean {
  if (address.kind === 'unix') return listener.kind === 'unix' && runPath(listener.path ?? '') === runPath(address.path);
  return listener.kind === 'tcp' && listener.port === address.port && takesConnectionsTo(listener.host, address.host);
}
