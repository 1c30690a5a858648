import type { Service } from './facts/backend.ts';
import type { Address } from './host.ts';

/** The addresses at which systemd listens for a service, which it starts for the first connection. */
export function heldBySystemd(service: Service): readonly Address[] {
  return service.configuredListen.flatMap(({ source, value }) => (source.startsWith('unit:') && source.endsWith('.socket') ? [value] : []));
}
