import { readFileSync } from 'node:fs';
import type { LabHost } from '../host.ts';

/** Waits until something listens: on a TCP port (`8080`, `127.0.0.1:8080`, `[::1]:8080`) or a unix socket (a path, with or without `unix:`). */
export async function waitForListener(host: LabHost, address: string, timeoutMs = 15_000): Promise<void> {
  await host.until(`a listener on ${address}`, () => Promise.resolve(isListening(host, address)), timeoutMs);
}

/** Read from /proc, with no connection made: a probe would stand in the server's log and in its queue. */
export function isListening(host: LabHost, address: string): boolean {
  const path = address.replace(/^unix:/, '');
  if (path.startsWith('/')) {
    // Flags 00010000: the socket accepts connections.
    return readNet(host, 'unix').some(line => line.endsWith(` ${path}`) && line.split(/\s+/)[3] === '00010000');
  }
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
    .toString(16)
    .toUpperCase()
    .padStart(4, '0');
  return ['tcp', 'tcp6']
    .flatMap(table => readNet(host, table))
    .some(line => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      return state === '0A' && local.endsWith(`:${port}`);
    });
}

function readNet(host: LabHost, table: string): string[] {
  return readFileSync(`/proc/${host.pid}/net/${table}`, 'utf8').split('\n');
}
