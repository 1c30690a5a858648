import type { Service } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';
import { askedThere } from './asked-there.ts';
import { formatAddress, type Address } from './host.ts';
import type { ProbeResult } from './probe.ts';

/** What took a connection, or let it wait, and gave no byte by which it could be told from the backend that is missed. */
export interface SilentListener {
  readonly name: string;
  readonly address: Address;
}

/** Kinds of programs that stand behind nginx. */
const backendKinds: ReadonlySet<Service['kind']> = new Set(['php-fpm', 'gunicorn', 'uwsgi', 'tomcat', 'java', 'node', 'puma', 'unicorn', 'uvicorn', 'apache']);

/** The first that no upstream uses and that may be the backend of a peer at whose address nobody listens: at its port, or a server of applications. */
export function silentListener(
  { peer }: Hop,
  { hops, services, probes }: { readonly hops: readonly Hop[]; readonly services: readonly Service[]; readonly probes: readonly ProbeResult[] },
): SilentListener | undefined {
  const named = new Set(hops.map(hop => hop.peer.id));
  const answered = new Set(probes.flatMap(({ request, outcome }) => (request.kind !== 'dns' && outcome.state === 'answered' ? [keyOf(request.address)] : [])));
  for (const { request, outcome } of probes) {
    if (request.kind === 'dns' || (outcome.state !== 'no-answer' && outcome.state !== 'connect-timeout')) continue;
    const { address } = request;
    if (named.has(keyOf(address)) || askedThere(address, hops) !== undefined || answered.has(keyOf(address))) continue;
    const owner = services.find(({ listening }) => listening.some(other => keyOf(reachable(other)) === keyOf(address)));
    const hasPort = address.kind !== 'unix' && peer.address.kind !== 'unix' && address.port === peer.address.port;
    if (hasPort || (owner !== undefined && backendKinds.has(owner.kind))) return { name: owner?.name ?? 'Something', address };
  }
  return undefined;
}

function keyOf(address: Address): string {
  return formatAddress(address);
}

/** Where a question to it is sent. */
function reachable(address: Address): Address {
  if (address.kind === 'unix') return address;
  return { ...address, host: address.host === '0.0.0.0' || address.host === '*' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host };
}
