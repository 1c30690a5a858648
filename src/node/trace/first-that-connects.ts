import { Deadline } from '../probes/exchange.ts';
import { openSocket } from './attempt.ts';

const eachMs = 1000;

/** The first of these addresses that takes a connection on the port; undefined where none does. */
export async function firstThatConnects(addresses: readonly string[], port: number): Promise<string | undefined> {
  for (const address of new Set(addresses)) {
    const connected = await openSocket(address, port, new Deadline(eachMs, eachMs));
    if ('failed' in connected) continue;
    connected.socket.destroy();
    return address;
  }
  return undefined;
}
