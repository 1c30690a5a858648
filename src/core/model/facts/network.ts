import type { ProbeResult } from '../probe.ts';
import type { Listener } from './system.ts';

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

/** The networks of this host's processes. A container has one of its own, and so has a unit with `PrivateNetwork=`. */
export interface NetworkNamespaces {
  /** The one that badhop and its probes are in: `net:[4026531840]`. */
  readonly own: string;
  /** Others, as far as nginx or a port that nginx asks for has to do with them. */
  readonly others: readonly NetworkNamespace[];
  /** The namespace of each running nginx that is in another one, by the id of the instance. */
  readonly ofInstances: readonly { readonly instanceId: string; readonly pid: number; readonly namespace: string }[];
  /** badhop itself, and with it nginx, runs in a container that is made for one program: what shows it. */
  readonly inside?: { readonly engine: string; readonly sign: string; readonly path: string };
}

export interface NetworkNamespace {
  readonly id: string;
  /** As `ip netns` knows it. */
  readonly name?: string;
  readonly container?: ContainerName & { readonly engine: string };
  /** Units whose processes are in it. */
  readonly units: readonly string[];
  readonly pids: readonly number[];
  /** TCP alone. */
  readonly listeners: readonly Listener[];
  /** IPv4 addresses without the loopback's. */
  readonly addresses: readonly string[];
}

export interface ContainerName {
  readonly id: string;
  readonly name: string;
  readonly networks: readonly string[];
  /** Ports as the engine prints them: `0.0.0.0:8080->80/tcp`, `80/tcp`. */
  readonly published: string;
}
