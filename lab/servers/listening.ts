import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { scanProcNetTcp } from '../../src/core/parsers/proc-net-tcp.ts';
import type { LabHost } from '../host.ts';

const anyAddress = new Set(['0.0.0.0', '::', '*']);

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
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  const wanted = address.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '');
  let found = false;
  for (const table of ['tcp', 'tcp6']) {
    scanProcNetTcp(readNet(host, table).join('\n'), ({ state, localHost, localPort }) => {
      // Two servers may listen on one port of different addresses.
      const isHere = !isIP(wanted) || anyAddress.has(localHost) || localHost === wanted || localHost === `::ffff:${wanted}`;
      found ||= state === 'LISTEN' && localPort === port && isHere;
    });
  }
  return found;
}

function readNet(host: LabHost, table: string): string[] {
  return readFileSync(`/proc/${host.pid}/net/${table}`, 'utf8').split('\n');
}
