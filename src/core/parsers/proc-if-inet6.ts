import { formatIpv6 } from './proc-net-tcp.ts';
import { linesOf } from './text.ts';

/**
 * The IPv6 addresses of a network namespace, from `/proc/net/if_inet6` (Linux, `if6_seq_show`): the address in network byte order, then
 * index, prefix length, scope, flags and name of the interface. Sample (Linux 6.18):
 * `20010db8000000000000000000000012 01 80 00 80       lo`
 */
export function parseIfInet6(text: string, most = 200): readonly string[] {
  const found = new Set<string>();
  for (const line of linesOf(text, 100_000)) {
    const hex = /^([0-9a-f]{32}) [0-9a-f]{2} /i.exec(line)?.[1];
    if (hex === undefined) continue;
    found.add(formatIpv6(Array.from({ length: 8 }, (_, group) => Number.parseInt(hex.slice(group * 4, group * 4 + 4), 16))));
    if (found.size >= most) break;
  }
  return [...found];
}
