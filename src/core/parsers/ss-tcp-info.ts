import type { TcpTransfer } from '../model/facts/network.ts';
import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * Reads `ss -Htin` (State Recv-Q Send-Q Local Peer, and on a second line what the kernel knows of the transfer). Sample (iproute2 6.1.0):
 * ```
 * ESTAB 0      78192  192.0.2.11:57042 198.51.100.12:3908
 * 	 bbr wscale:10,10 rto:800 backoff:2 mss:1448 pmtu:1500 bytes_sent:18824 bytes_retrans:2896 bytes_acked:1 unacked:11 retrans:1/2
 * ```
 */
export function parseSsTransfers(text: string, most = 500): readonly TcpTransfer[] {
  const transfers: TcpTransfer[] = [];
  let head: readonly string[] | undefined;
  for (const line of linesOf(text)) {
    if (transfers.length >= most) break;
    const isDetail = line.startsWith('\t') || line.startsWith(' ');
    const words = wordsOf(line);
    if (isDetail && head !== undefined) {
      const transfer = transferOf(head, words, line.trim());
      if (transfer !== undefined) transfers.push(transfer);
    }
    head = isDetail ? undefined : words;
  }
  return transfers;
}

function transferOf(head: readonly string[], words: readonly string[], text: string): TcpTransfer | undefined {
  const [state, , , local, remote] = head;
  const values = new Map<string, string>();
  for (const word of words) {
    const colon = word.indexOf(':');
    if (colon > 0 && !values.has(word.slice(0, colon))) values.set(word.slice(0, colon), word.slice(colon + 1));
  }
  const number = (name: string): number => wholeNumber(values.get(name)) ?? 0;
  const mss = number('mss');
  if (state === undefined || local === undefined || remote === undefined || mss <= 0) return undefined;
  // `retrans:NOW/ALL`
  const retransmits = wholeNumber(values.get('retrans')?.split('/')[1]) ?? 0;
  return {
    state,
    local,
    remote,
    mss,
    pathMtu: number('pmtu'),
    unacked: number('unacked'),
    retransmits,
    bytesRetransmitted: number('bytes_retrans'),
    bytesAcked: number('bytes_acked'),
    bytesReceived: number('bytes_received'),
    outOfOrder: number('rcv_ooopack'),
    lastReceivedMs: number('lastrcv'),
    text: `${local} ${remote} ${text}`.slice(0, 600),
  };
}
