import type { Evidence } from './finding.ts';
import type { Connections, Resources } from './facts/system.ts';

/** The local ports in use towards one address, against those that the kernel may give out. */
export interface LocalPorts {
  readonly peer: string;
  /** Connections to it in any state: each keeps a local port from another one to the same address. */
  readonly used: number;
  /** Of these, closed by this host and kept for a minute. */
  readonly timeWait: number;
  /** Ports in `net.ipv4.ip_local_port_range`, and its text; absent where it could not be read. */
  readonly range?: { readonly ports: number; readonly text: string };
}

/** Counts the connections to one peer. IPv6 takes its ports from the same range. */
export function localPortsTo(peer: string, connections: Connections, resources: Resources | undefined): LocalPorts {
  const own = connections.byRemote.filter(one => one.remote === peer);
  const range = portRange(resources?.sysctl['net.ipv4.ip_local_port_range']);
  return {
    peer,
    used: own.reduce((sum, one) => sum + one.count, 0),
    timeWait: own.filter(one => one.state === 'TIME-WAIT').reduce((sum, one) => sum + one.count, 0),
    ...(range === undefined ? {} : { range }),
  };
}

/** `32768 60999`: the first and the last one. */
function portRange(text: string | undefined): LocalPorts['range'] {
  const [first = Number.NaN, last = Number.NaN] = (text ?? '').split(/\s+/).map(Number);
  return Number.isInteger(first) && Number.isInteger(last) && last >= first ? { ports: last - first + 1, text: `${first} ${last}` } : undefined;
}

/** The count and the range, each as one line. */
export function localPortsEvidence({ peer, used, timeWait, range }: LocalPorts): [Evidence, ...Evidence[]] {
  return [
    { source: 'exec:ss -Htan', text: `${used} connections to ${peer}, ${timeWait} of them in TIME-WAIT` },
    ...(range === undefined ? [] : [{ source: 'file:/proc/sys/net/ipv4/ip_local_port_range', text: range.text }]),
  ];
}
