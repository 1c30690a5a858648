import type { Known } from '../../model/fact.ts';
import type { ExecResult } from '../../model/host.ts';
import { parseSsServer } from '../../parsers/ss-server.ts';
import { outputOf } from './answers.ts';

/** Asks what the kernel has dropped before each TCP listener since it was opened. */
export const listenerDrops = { kind: 'exec', argv: ['ss', '-Htlnm'], options: { timeoutMs: 2000 } } as const;

/** Connections dropped before all sockets of an address (`host port`). One of which a socket does not tell is not in it. */
export function dropsByAddress(answer: Known<ExecResult> | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const printed = answer === undefined ? undefined : outputOf(answer, 'ss');
  if (printed?.state !== 'known') return found;
  for (const { host, port, drops } of parseSsServer(printed.value)) {
    const address = `${host} ${port}`;
    found.set(address, (found.get(address) ?? 0) + (drops ?? Number.NaN));
  }
  for (const [address, drops] of found) if (Number.isNaN(drops)) found.delete(address);
  return found;
}
