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
