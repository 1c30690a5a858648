import { linesOf } from './text.ts';

/**
 * The IPv4 addresses of a network namespace but its loopback's, from `/proc/PID/net/fib_trie`. Sample (Linux 6.18):
 * ```
 *            |-- 192.0.2.2
 *               /32 host LOCAL
 * ```
 */
export function parseFibTrie(text: string, most = 200): readonly string[] {
  const found = new Set<string>();
  let address = '';
  for (const line of linesOf(text, 100_000)) {
    const at = line.indexOf('|-- ');
    if (at >= 0) address = line.slice(at + 4).trim();
    else if (line.endsWith('/32 host LOCAL') && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address) && !address.startsWith('127.')) found.add(address);
    if (found.size >= most) break;
  }
  return [...found];
}
