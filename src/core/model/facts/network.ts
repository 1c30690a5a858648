import type { ProbeResult } from '../probe.ts';

/** How the kernel of this host gets packets to an address of another host. Asked after the probes, so that its answers are fresh. */
export interface NetworkPath {
  readonly address: string;
  /** `none`: no route covers it. `blocked`: a route says unreachable, blackhole or prohibit. */
  readonly route: 'found' | 'none' | 'blocked' | 'unknown';
  /** As `ip route get` prints it. */
  readonly routeText: string;
  readonly dev?: string;
  readonly via?: string;
  /** The address of this host that the packets carry. */
  readonly source?: string;
  /** The entry of the next hop (the router, or the address itself) in the neighbour table. */
  readonly neighbour?: Neighbour;
  readonly link?: { readonly up: boolean; readonly text: string };
  /** Absent where ping is not installed. */
  readonly ping?: { readonly answered: boolean; readonly text: string };
}

export interface Neighbour {
  readonly address: string;
  /** REACHABLE, STALE, DELAY, PROBE, FAILED, INCOMPLETE, PERMANENT … */
  readonly state: string;
  readonly text: string;
}

/** What gets through to a peer on another host that lets requests time out, by its size. */
export interface PathSizes {
  readonly peerId: string;
  /** The address alone, without the port. */
  readonly address: string;
  /** The largest packet that this host sends there (the route's MTU, else the interface's), and the line that says so. */
  readonly mtu?: number;
  readonly mtuText?: string;
  /** The size that a router told this host: `ip route get` shows it for ten minutes. */
  readonly learned?: { readonly mtu: number; readonly text: string };
  /** The same question in requests of different lengths, each one packet except where it is longer than the MTU. In the order they were asked. */
  readonly asked: readonly SizedQuestion[];
  /** A page on which nginx gave up, asked directly at the same time as the long request. */
  readonly page?: ProbeResult;
  /** The same page, asked after a router had told the size. */
  readonly pageAgain?: ProbeResult;
  /** Connections of this host to the peer. */
  readonly transfers: readonly TcpTransfer[];
}

export interface SizedQuestion {
  /** The largest IP packet that the request needs, about. */
  readonly packetBytes: number;
  readonly probe: ProbeResult;
}

/** What the kernel knows of one connection's transfer. */
export interface TcpTransfer {
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly mss: number;
  readonly pathMtu: number;
  /** Segments that were sent and are not acknowledged. */
  readonly unacked: number;
  /** Segments that were sent again, over the connection's life. */
  readonly retransmits: number;
  readonly bytesRetransmitted: number;
  /** Counts the SYN as one. */
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  /** Segments that came before an earlier one that is missing. */
  readonly outOfOrder: number;
  readonly lastReceivedMs: number;
  readonly text: string;
}
