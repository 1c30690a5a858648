import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * The counters of `/proc/net/netstat` and `/proc/net/snmp` (Linux): a line of names, then a line of values under the
 * same heading. Returned by their bare names for `TcpExt`, with the heading for the rest (`Tcp.AttemptFails`). Sample:
 * ```
 * TcpExt: SyncookiesSent SyncookiesRecv … ListenOverflows ListenDrops …
 * TcpExt: 0 0 … 12 12 …
 * ```
 */
export function parseNetCounters(text: string): Readonly<Record<string, number>> {
  const counters: Record<string, number> = {};
  let heading = '';
  let names: readonly string[] = [];
  for (const line of linesOf(text, 100)) {
    const colon = line.indexOf(': ');
    if (colon < 0) continue;
    const title = line.slice(0, colon);
    const words = wordsOf(line.slice(colon + 1));
    if (title !== heading || names.length === 0) {
      heading = title;
      names = words;
      continue;
    }
    for (const [index, name] of names.entries()) {
      const value = wholeNumber(words[index]);
      if (value !== undefined) counters[title === 'TcpExt' ? name : `${title}.${name}`] = value;
    }
    names = [];
  }
  return counters;
}
