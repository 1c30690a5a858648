import type { NetworkNamespace, NetworkNamespaces } from './facts/network.ts';
import type { Hop } from './facts/hop.ts';
import type { Listener, ProcessInfo } from './facts/system.ts';
import { formatAddress, takesConnectionsTo } from './host.ts';

/** What listens on a peer's port in a network namespace that nginx is not in. */
export interface ListensElsewhere {
  /** Absent: badhop's own. */
  readonly namespace?: NetworkNamespace;
  readonly listener: Listener;
  readonly processes: readonly ProcessInfo[];
  /** Its settings, its command line or its unit's journal name the very address that nginx asks for. */
  readonly isMeant: boolean;
}

/** Where nobody listens for nginx on an address of its own host: those who do in other namespaces, the surest first. */
export function listensElsewhere(
  hop: Hop,
  namespaces: NetworkNamespaces | undefined,
  around: { readonly listeners: readonly Listener[]; readonly processes: readonly ProcessInfo[]; readonly hops: readonly Hop[] },
): readonly ListensElsewhere[] {
  const { address, local, listeners, namespace } = hop.peer;
  if (namespaces === undefined || address.kind !== 'tcp' || !local || listeners.length > 0) return [];
  const text = formatAddress(address);
  // What another peer of badhop's own namespace uses is taken.
  const used = new Set(around.hops.filter(other => other !== hop && other.routes.length > 0).flatMap(other => other.peer.listeners.map(one => one.inode)));
  const places: readonly { readonly namespace?: NetworkNamespace; readonly listeners: readonly Listener[] }[] = [
    ...namespaces.others.filter(other => other.id !== namespace).map(other => ({ namespace: other, listeners: other.listeners })),
    ...(namespace === undefined ? [] : [{ listeners: around.listeners }]),
  ];
  const servicePids = new Set([...(hop.service?.masterPid === undefined ? [] : [hop.service.masterPid]), ...(hop.service?.workerPids ?? [])]);
  const found = places.flatMap(({ listeners: all, ...place }) =>
    all
      .filter(
        listener => listener.kind === 'tcp' && listener.port === address.port && takesConnectionsTo(listener.host, address.host) && !used.has(listener.inode),
      )
      .map((listener): ListensElsewhere => {
        const processes = around.processes.filter(process => listener.pids.includes(process.pid));
        const isNamed = processes.some(process => process.argv.some(argument => names(argument, text)));
        // Whose socket it is, only root sees; who is in that namespace, everybody.
        const isOwn =
          listener.pids.length > 0 ? listener.pids.some(pid => servicePids.has(pid)) : [...servicePids].some(pid => isIn(pid, place.namespace, namespaces));
        const isMeant = isOwn || isNamed;
        return { ...place, listener, processes, isMeant };
      }),
  );
  return found.toSorted((a, b) => Number(b.isMeant) - Number(a.isMeant));
}

function isIn(pid: number, namespace: NetworkNamespace | undefined, { others }: NetworkNamespaces): boolean {
  return namespace === undefined ? !others.some(other => other.pids.includes(pid)) : namespace.pids.includes(pid);
}

/** The place as people call it. */
export function namespaceName(namespace: NetworkNamespace | undefined): string {
  if (namespace === undefined) return 'the network that badhop runs in';
  const { container, name, units } = namespace;
  if (container !== undefined) {
    const networks = container.networks.length === 0 ? '' : `, network ${container.networks.join(' and ')}`;
    return `the container ${container.name} (${container.engine}${networks})`;
  }
  if (name !== undefined) return `the network namespace "${name}"`;
  return units.length === 0 ? `another network namespace (${namespace.id})` : `the network namespace of ${units.slice(0, 3).join(', ')}`;
}

/** `127.0.0.1:8000`, `--bind=127.0.0.1:8000`, `http://127.0.0.1:8000/`; not `127.0.0.1:80001`. */
function names(argument: string, address: string): boolean {
  const at = argument.indexOf(address);
  if (at < 0) return false;
  const [before, after] = [argument[at - 1] ?? ' ', argument[at + address.length] ?? ' '];
  return !/[\d.]/.test(before) && !/\d/.test(after);
}

/** A published port whose container has nobody at the end of it. */
export interface DeadEnd {
  readonly proxy: ProcessInfo;
  /** `172.17.0.2:80`. */
  readonly target: string;
  readonly namespace: NetworkNamespace;
  /** What does listen there. */
  readonly others: readonly Listener[];
}

/** Where the peer's listener is docker-proxy, and the container listens elsewhere. A container in which nobody listens at all is another matter. */
export function deadEnd(hop: Hop, namespaces: NetworkNamespaces, processes: readonly ProcessInfo[]): DeadEnd | undefined {
  if (namespaces.others.length === 0) return undefined;
  const pids = new Set(hop.peer.listeners.flatMap(listener => listener.pids));
  for (const proxy of processes) {
    const target = pids.has(proxy.pid) ? publishedTarget(proxy.argv) : undefined;
    const namespace = target === undefined ? undefined : namespaces.others.find(other => other.addresses.includes(target.host));
    if (target === undefined || namespace === undefined || namespace.listeners.length === 0) continue;
    if (namespace.listeners.some(listener => listener.port === target.port && takesConnectionsTo(listener.host, target.host))) continue;
    return { proxy, target: formatAddress({ kind: 'tcp', ...target }), namespace, others: namespace.listeners };
  }
  return undefined;
}

/** The arguments of docker-proxy: `-container-ip 172.17.0.3 -container-port 80`. */
export function publishedTarget(argv: readonly string[]): { readonly host: string; readonly port: number } | undefined {
  const program = argv[0] ?? '';
  if (program !== 'docker-proxy' && !program.endsWith('/docker-proxy')) return undefined;
  const after = (name: string): string => (argv.includes(name) ? (argv[argv.indexOf(name) + 1] ?? '') : '');
  const [host, port] = [after('-container-ip'), Number(after('-container-port'))];
  return host === '' || !Number.isInteger(port) || port < 1 || port > 65_535 ? undefined : { host, port };
}
