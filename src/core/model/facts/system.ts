import type { Known } from '../fact.ts';
import type { Address, HostClock } from '../host.ts';

/** Who and what the host is, and as whom badhop runs there. */
export interface HostIdentity {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly uid: number;
  readonly user: string;
  readonly clock: HostClock;
  /** True where systemd is pid 1 and answers. */
  readonly systemd: boolean;
  readonly bootMs: number;
  /** IP addresses of this host's interfaces; absent where they could not be read. All of 127.0.0.0/8 is its own besides. */
  readonly addresses?: readonly string[];
  readonly cpus: number;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  /** R, S, D, T, t, Z, X, I as in /proc/PID/stat. */
  readonly state: string;
  readonly comm: string;
  /** Empty for kernel threads. Bounded to 64 arguments of 512 bytes, secrets redacted. */
  readonly argv: readonly string[];
  readonly exe?: string;
  /** The file it was started from is gone or was replaced (an upgrade without a restart). */
  readonly exeDeleted?: boolean;
  readonly cwd?: string;
  readonly cwdDeleted?: boolean;
  readonly uid: number;
  readonly user?: string;
  readonly gids?: readonly number[];
  readonly startMs: number;
  readonly rssBytes: number;
  readonly threads: number;
  /** User and system CPU time used so far, ms. */
  readonly cpuMs: number;
  /** The deepest cgroup path, e.g. `/system.slice/php8.2-fpm.service`. */
  readonly cgroup?: string;
  /** The systemd unit that the cgroup names, e.g. `php8.2-fpm.service`. */
  readonly unit?: string;
  /** The kernel function it sleeps in, where readable: tells accept from a stuck call. */
  readonly wchan?: string;
}

/** What costs more to read, for the processes that matter (nginx, backends). */
export interface ProcessDetail {
  readonly pid: number;
  readonly pssBytes?: number;
  /** Its share of swapped pages, where it has any. */
  readonly swappedBytes?: number;
  /** How much larger its resident set once was. */
  readonly shrunkBytes?: number;
  readonly openFiles?: number;
  readonly openFilesLimit?: number;
  /** Up to what it may raise that itself. */
  readonly openFilesHardLimit?: number;
  /** Of a master of nginx: whether it may go above that one, as CAP_SYS_RESOURCE outside of user namespaces allows; absent where not known. */
  readonly exceedsLimits?: boolean;
  /** Most processes and threads that its user may have (RLIMIT_NPROC), where there is a limit. Root is exempt. */
  readonly processesLimit?: number;
}

/** What is known of the listening sockets before their owners are looked for. */
export interface ListeningSockets {
  readonly sockets: Known<readonly Listener[]>;
  /** `ss` gave an answer. */
  readonly ssWorks: boolean;
  /** It was not asked for the owners, and could be. */
  readonly canSsNameThem: boolean;
}

export interface Listener {
  readonly kind: 'tcp' | 'unix';
  /** tcp: the bound address, `0.0.0.0`, `::` (`*` for both families). unix: the path. */
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  /** tcp on `::`: takes IPv4 too, where known. */
  readonly v6only?: boolean;
  /** Connections that wait to be accepted, and how many may. -1 where not known. */
  readonly queue: number;
  readonly backlog: number;
  /** tcp: connections that the kernel had dropped before the sockets on this address when badhop began to look, where ss tells it. */
  readonly dropped?: number;
  readonly inode?: number;
  readonly pids: readonly number[];
}

/** Connections towards or from one address in one TCP state (`unix` for local sockets). */
export interface ConnectionCount {
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly count: number;
}

export interface Connections {
  /** By remote address and port, as a client sees its peer. */
  readonly byRemote: readonly ConnectionCount[];
  /** By local address and port, as a server sees its clients. */
  readonly byLocal: readonly ConnectionCount[];
  readonly byState: Readonly<Record<string, number>>;
}

/** A TCP server of this host, all of whose listening processes are stopped by a signal. */
export interface StoppedServer {
  readonly address: string;
  /** The workers of services that hold connections to it. */
  readonly clients: readonly { readonly pid: number; readonly connections: number }[];
  /** Connections from this host of which it could not be seen who holds them. */
  readonly unseen: number;
}

export interface SystemdUnit {
  readonly name: string;
  readonly description: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly result: string;
  readonly restarts: number;
  readonly mainPid: number;
  readonly execMainStatus: number;
  readonly execMainCode: string;
  readonly activeEnterMs?: number;
  readonly inactiveEnterMs?: number;
  readonly fragmentPath?: string;
  readonly dropIns: readonly string[];
  readonly execStart?: string;
  readonly environmentFiles?: readonly string[];
  readonly unitFileState?: string;
  readonly privateTmp?: boolean;
  readonly limitNofile?: number;
  readonly tasksMax?: number;
  readonly memoryMax?: number;
  /** `simple`, `notify`, `forking` … */
  readonly type?: string;
  /** `Restart=`: `no`, `always`, `on-failure` … */
  readonly restartPolicy?: string;
  readonly user?: string;
  readonly group?: string;
  readonly workingDirectory?: string;
  /** Folders below /run that systemd makes at the start and removes at the stop. */
  readonly runtimeDirectory?: string;
  /** The unit file on disk is newer than what systemd has loaded. */
  readonly needsReload?: boolean;
  /** When the main process ended last. */
  readonly execMainExitMs?: number;
  /** `ProtectHome=yes`: nobody in the unit may look into /home, /root and /run/user. */
  readonly protectHome?: boolean;
  /** Likewise closed to the unit, whatever the modes say. */
  readonly inaccessiblePaths?: readonly string[];
  /** Units that start this one, such as its socket. */
  readonly triggeredBy?: readonly string[];
  /** Those of them that are sockets. */
  readonly sockets?: readonly SocketUnit[];
  /** Last lines of its journal in time order, at most 40. */
  readonly journal: readonly JournalLine[];
  /** Where these lines say that it listens or has listened, each address with the last line that says so. */
  readonly saidListens?: readonly SaidAddress[];
}

/** A socket that systemd opens itself, and for whose connections it starts a service. */
export interface SocketUnit {
  readonly name: string;
  readonly activeState: string;
  /** `service-start-limit-hit` where it was closed because the service could not be started. */
  readonly result: string;
  readonly addresses: readonly Address[];
}

export interface SaidAddress {
  readonly address: Address;
  readonly line: JournalLine;
}

export interface JournalLine {
  readonly timeMs: number;
  readonly identifier: string;
  readonly pid?: number;
  readonly text: string;
  /** How far the clock was set since the line before, forward or back: times on both sides of it do not compare. */
  readonly clockSetMs?: number;
}

/** Events from the kernel log that can end or block a request. */
export interface KernelEvent {
  readonly kind: 'oom-kill' | 'segfault' | 'conntrack-full' | 'syn-flood' | 'access-denied' | 'other';
  readonly timeMs: number;
  readonly text: string;
  readonly source: string;
  readonly pid?: number;
  readonly comm?: string;
  /** The cgroup path in an OOM record (`task_memcg`, `oom_memcg`). */
  readonly cgroup?: string;
  /** The control group is not on this host: a container's neighbour was hit, or the group is gone. */
  readonly elsewhere?: true;
  readonly rssBytes?: number;
  /** Of an `access-denied`: what mandatory access control forbade. */
  readonly denial?: AccessDenial;
}

/** One denial of SELinux or AppArmor, as its record tells it. */
export interface AccessDenial {
  readonly by: 'selinux' | 'apparmor';
  /** SELinux: the permissions in braces. AppArmor: the operation. */
  readonly action: string;
  /** SELinux: class of the object (`tcp_socket`, `sock_file`). AppArmor: `class`, where it is told. */
  readonly objectClass?: string;
  /** Port that was to be connected to. */
  readonly port?: number;
  /** Whole path, or what the record has of it: SELinux names a file by its last part. */
  readonly path?: string;
  /** SELinux: type of the process (`httpd_t`). AppArmor: the profile. */
  readonly domain: string;
  /** SELinux: type of the object (`http_cache_port_t`). */
  readonly targetType?: string;
}

export interface Resources {
  readonly memory?: { readonly totalBytes: number; readonly availableBytes: number; readonly swapTotalBytes: number; readonly swapFreeBytes: number };
  readonly load?: readonly [number, number, number];
  /** PSI `some avg10` in percent, where the kernel has it. */
  readonly pressure?: Readonly<Partial<Record<'cpu' | 'memory' | 'io', { readonly someAvg10: number; readonly fullAvg10: number }>>>;
  readonly disks: readonly Disk[];
  /** sysctl values by name, e.g. `net.core.somaxconn`. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** TcpExt and other counters by name: ListenOverflows, ListenDrops, TCPTimeouts … */
  readonly netCounters: Readonly<Record<string, number>>;
  /** How much each counter grew over the sampling pause of the run. */
  readonly netCounterGrowth: Readonly<Record<string, number>>;
}

export interface Disk {
  readonly mount: string;
  readonly path: string;
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/**
 * One step of what the kernel does with a packet at a hook, in evaluation order. Chains that a built-in chain
 * jumps to are laid out in place, so the list of a hook can be read from top to bottom; `firewallVerdict` does so.
 */
export interface FirewallRule {
  readonly tool: 'iptables' | 'ip6tables' | 'nft';
  /** The packets that pass here: IPv4, IPv6 or both. Absent: `ip` for iptables, `ip6` for ip6tables, both for nft. */
  readonly family?: 'ip' | 'ip6' | 'inet';
  readonly table: string;
  readonly chain: string;
  /** Built-in hook the chain hangs on, directly or by jumps: input, output, forward. */
  readonly hook?: 'input' | 'output' | 'forward' | 'prerouting' | 'postrouting';
  /**
   * `reject` and `drop` end the packet; `accept` ends this base chain (`stage`) alone; `return` goes on at `skipTo`;
   * `rewrite` changes the destination (DNAT, REDIRECT), after which destination matches cannot be judged.
   */
  readonly verdict: 'accept' | 'reject' | 'drop' | 'return' | 'rewrite';
  readonly rejectWith?: string;
  /** Matches of the rule itself, for people, where it has them and they were understood. Absent = matches any. */
  readonly protocol?: string;
  readonly destination?: string;
  readonly source?: string;
  readonly destinationPorts?: readonly (readonly [number, number])[];
  readonly sourcePorts?: readonly (readonly [number, number])[];
  readonly inInterface?: string;
  readonly outInterface?: string;
  /** Owner uid of a local sender, where matched (`-m owner --uid-owner`). */
  readonly uid?: number;
  /** Everything that must hold, the jumps that lead here included. This is what `firewallVerdict` judges. */
  readonly matches?: readonly FirewallMatch[];
  /** Match parts that were not understood, those of the jumps included: the rule may be narrower than it looks. */
  readonly unparsed: readonly string[];
  readonly packets?: number;
  /** The rule as its tool prints it. */
  readonly text: string;
  /** Position in evaluation order, over all hooks. */
  readonly order: number;
  /** Number of the base chain in its hook's order: an `accept` goes on with the next one. */
  readonly stage?: number;
  /** For `return`: the `order` at which evaluation goes on. */
  readonly skipTo?: number;
  /** A chain policy (`:INPUT DROP`) instead of a rule. */
  readonly policy?: boolean;
}

/** One condition on a packet. `negated` turns it round (`!`, `!=`). */
export interface FirewallMatch {
  readonly negated: boolean;
  readonly on: FirewallCondition;
}

export type FirewallCondition =
  | { readonly kind: 'protocol'; readonly values: readonly string[] }
  /** Addresses, `a.b.c.d/n` blocks or `from-to` ranges. */
  | { readonly kind: 'source' | 'destination'; readonly values: readonly string[] }
  | { readonly kind: 'sourcePort' | 'destinationPort' | 'anyPort'; readonly values: readonly (readonly [number, number])[] }
  /** Names; a trailing `+` or `*` stands for any ending. */
  | { readonly kind: 'inInterface' | 'outInterface'; readonly values: readonly string[] }
  | { readonly kind: 'uid'; readonly values: readonly (readonly [number, number])[] }
  /** Connection tracking states in lower case: new, established, related, invalid, untracked. */
  | { readonly kind: 'state'; readonly values: readonly string[] }
  /** Of the flags in `mask` exactly those in `set` are on. Lower case: fin, syn, rst, psh, ack, urg. */
  | { readonly kind: 'tcpFlags'; readonly mask: readonly string[]; readonly set: readonly string[] }
  /** No route leads back to the sender over the interface that the packet came from. */
  | { readonly kind: 'reversePathFails' }
  /** The destination of the connection was rewritten by NAT. */
  | { readonly kind: 'rewritten' }
  /** `-m addrtype`: LOCAL, UNICAST, BROADCAST … */
  | { readonly kind: 'sourceType' | 'destinationType'; readonly values: readonly string[] }
  | { readonly kind: 'family'; readonly values: readonly ('ip' | 'ip6')[] }
  /** Of the packet mark the bits in `mask` make `value`. Packets start with 0. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  /** Something that cannot be judged from outside: a rate, a set, a mark that other rules set. */
  | { readonly kind: 'other'; readonly text: string };

/** What a name means, by the system's resolver and by the one nginx is configured to use. */
export interface NameResolution {
  readonly name: string;
  /** By getaddrinfo (hosts file, search list, DNS) in the order that nginx gets at start. */
  readonly system: readonly string[];
  readonly systemError?: string;
  /** The `nameserver` addresses of /etc/resolv.conf, which the system asks. */
  readonly nameServers?: readonly string[];
}
