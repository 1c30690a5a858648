import { ask, askAll, defineCollector, type Request } from '../model/collector.ts';
import { absent, known, valueOr, type Known } from '../model/fact.ts';
import type { NetworkNamespace, NetworkNamespaces } from '../model/facts/network.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import type { NginxLayout } from '../model/facts/topology.ts';
import type { StatResult } from '../model/host.ts';
import { publishedTarget } from '../model/namespaces.ts';
import { containerOfCgroup, parseContainerList } from '../parsers/container-names.ts';
import { parseFibTrie } from '../parsers/proc-fib-trie.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { socketInode } from '../parsers/socket-link.ts';
import { textOf } from './shared/answers.ts';
import { askOfCrowd } from './shared/crowd-answers.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** A host with more containers has the first of them looked into. */
const mostNamespaces = 60;
/** Owners are looked for among so many processes of a namespace, and so many of their open files. */
const mostOwners = 12;
const mostFiles = 64;
const mostNames = 50;
const readOptions = { limit: 1_048_576 } as const;
const execOptions = { timeoutMs: 3000, maxBytes: 2_097_152 } as const;
/** Where one of these is the first process, the system is a whole one, container or not. */
const initPrograms = /^(?:systemd|init|openrc-init|runit|runsvdir)$/;

export default defineCollector({
  id: 'network-namespaces',
  title: 'networks of nginx, of its backends and of containers',
  needs: ['processes', 'nginx-instances', 'nginx-layout', 'listeners'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const userland = facts.processes.value.filter(process => process.argv.length > 0 && process.state !== 'Z');
    const { own, byId, hidden } = yield* groupProcesses(userland);
    const running = valueOr(facts['nginx-instances'], []).filter(instance => instance.running);
    const ofInstances = running.flatMap(({ id, masterPid, workers }) => {
      const pid = masterPid ?? workers[0]?.pid;
      const namespace = pid === undefined ? undefined : [...byId].find(([, members]) => members.some(member => member.pid === pid))?.[0];
      return pid === undefined || namespace === undefined ? [] : [{ instanceId: id, pid, namespace }];
    });
    const inside = yield* ownContainer();
    const wanted = portsInQuestion(valueOr(facts['nginx-layout'], undefined), valueOr(facts.listeners, []), facts.processes.value);
    const isNeeded = ofInstances.length > 0 || wanted;
    const others = isNeeded ? yield* describe([...byId].slice(0, mostNamespaces)) : [];
    const left = isNeeded ? Math.max(0, byId.size - mostNamespaces) : 0;
    const problems = [
      ...ofInstances.map(
        ({ instanceId, pid }) =>
          `${instanceId} (pid ${pid}) is in another network namespace than badhop: its backends were not asked from here. Run badhop there: nsenter -t ${pid} -n badhop diagnose.`,
      ),
      ...(hidden.length > 0 && wanted
        ? [
            `A port that nginx asks for is taken by nobody here, and the network of ${hidden.length} processes could not be read: run as root to see whether one of them listens there.`,
          ]
        : []),
      ...(left > 0 ? [`${left} more network namespaces of this host were not looked into.`] : []),
    ];
    return known({ own, others, ofInstances, ...(inside === undefined ? {} : { inside }) } satisfies NetworkNamespaces, problems);
  },
});

interface Grouped {
  readonly own: string;
  /** Processes of other namespaces, by namespace. */
  readonly byId: ReadonlyMap<string, readonly ProcessInfo[]>;
  /** Processes of which it is not known; they count as badhop's own. */
  readonly hidden: readonly number[];
}

/**
 * The link says it, to root and of one's own processes. To anybody else the kernel's list of sockets does: each namespace has
 * a list of its own, a file with a number of its own.
 */
function* groupProcesses(processes: readonly ProcessInfo[]): Steps<Grouped> {
  const byLink = yield* idsOf(processes, 'ns/net', stat => stat.target);
  const isWhole = byLink.own === undefined || byLink.hidden.length === 0;
  const { own, ids, hidden } = isWhole ? byLink : yield* idsOf(processes, 'net/tcp', stat => `net/tcp of inode ${stat.inode}`);
  const byId = new Map<string, ProcessInfo[]>();
  // A recording of an older badhop has neither: then all counts as one network.
  if (own === undefined) return { own: '', byId, hidden };
  for (const process of processes) {
    const id = ids.get(process.pid);
    if (id !== undefined && id !== own) byId.set(id, [...(byId.get(id) ?? []), process]);
  }
  return { own, byId, hidden };
}

function* idsOf(
  processes: readonly ProcessInfo[],
  file: string,
  idOf: (stat: StatResult) => string | undefined,
): Steps<{ readonly own: string | undefined; readonly ids: ReadonlyMap<number, string>; readonly hidden: readonly number[] }> {
  const [self] = yield* ask({ kind: 'stat', path: `/proc/self/${file}` });
  const own = self.state === 'known' ? idOf(self.value) : undefined;
  const stats: ReadonlyMap<number, Known<StatResult>> = own === undefined
    ? new Map()
    : yield* askOfCrowd(
        processes,
        pid => ({ kind: 'stat', path: `/proc/${pid}/${file}` }) as const,
        stat => (stat.state === 'known' ? idOf(stat.value) : stat.state === 'absent' ? undefined : stat.state),
      );
  const ids = new Map<number, string>();
  const hidden: number[] = [];
  for (const { pid } of processes) {
    const stat = stats.get(pid);
    const id = stat?.state === 'known' ? idOf(stat.value) : undefined;
    if (id !== undefined) ids.set(pid, id);
    else if (stat !== undefined && stat.state !== 'known' && stat.state !== 'absent') hidden.push(pid);
  }
  return { own, ids, hidden };
}

/** Whether a port that nginx asks for is taken by nobody here, or by the program that leads into a container. */
function portsInQuestion(layout: NginxLayout | undefined, listeners: readonly Listener[], processes: readonly ProcessInfo[]): boolean {
  const ports = new Set((layout?.groups ?? []).flatMap(group => group.members.flatMap(member => member.port ?? [])));
  const proxies = new Set(processes.flatMap(process => (publishedTarget(process.argv) === undefined ? [] : [process.pid])));
  return [...ports].some(port => {
    const here = listeners.filter(listener => listener.kind === 'tcp' && listener.port === port);
    return here.length === 0 || here.some(listener => listener.pids.some(pid => proxies.has(pid)));
  });
}

function* describe(groups: readonly (readonly [id: string, members: readonly ProcessInfo[]])[]): Steps<readonly NetworkNamespace[]> {
  if (groups.length === 0) return [];
  const names = yield* namedNamespaces();
  const containers = yield* containersOf(groups.flatMap(([, members]) => members));
  const found: NetworkNamespace[] = [];
  for (const [id, members] of groups) {
    const pid = members[0]?.pid ?? 0;
    const [tcp4, tcp6, trie] = yield* ask(
      { kind: 'read', path: `/proc/${pid}/net/tcp`, options: readOptions },
      { kind: 'read', path: `/proc/${pid}/net/tcp6`, options: readOptions },
      { kind: 'read', path: `/proc/${pid}/net/fib_trie`, options: readOptions },
    );
    const listeners = listenersIn([textOf(tcp4) ?? '', textOf(tcp6) ?? '']);
    const name = names.get(id);
    const container = members.flatMap(member => containers.get(member.pid) ?? [])[0];
    found.push({
      id,
      ...(name === undefined ? {} : { name }),
      ...(container === undefined ? {} : { container }),
      units: [...new Set(members.flatMap(member => member.unit ?? []))].slice(0, 20),
      pids: members.map(member => member.pid),
      listeners: yield* withOwners(listeners, members),
      addresses: parseFibTrie(textOf(trie) ?? ''),
    });
  }
  return found;
}

function listenersIn(texts: readonly string[]): readonly Listener[] {
  const found: Listener[] = [];
  for (const text of texts)
    scanProcNetTcp(text, socket => {
      if (socket.state !== 'LISTEN') return;
      // `::` takes IPv4 too unless its owner says otherwise, which this list does not tell.
      found.push({ kind: 'tcp', host: socket.localHost, port: socket.localPort, queue: socket.rxQueue, backlog: -1, inode: socket.inode, pids: [] });
    });
  return found;
}

function* withOwners(listeners: readonly Listener[], members: readonly ProcessInfo[]): Steps<readonly Listener[]> {
  if (listeners.length === 0) return listeners;
  const pids = members.slice(0, mostOwners).map(member => member.pid);
  const folders = yield* askAll(pids.map(pid => ({ kind: 'list', path: `/proc/${pid}/fd` }) as const));
  const files = pids.flatMap((pid, index) =>
    valueOr(folders[index] ?? absent('not read'), [])
      .slice(0, mostFiles)
      .map(fd => ({ pid, path: `/proc/${pid}/fd/${fd}` })),
  );
  const links: readonly Known<StatResult>[] = yield* askAll(files.map(({ path }) => ({ kind: 'stat', path }) as const));
  const owners = new Map<number, number[]>();
  files.forEach(({ pid }, index) => {
    const link = links[index];
    const inode = link?.state === 'known' ? socketInode(link.value.target) : undefined;
    if (inode !== undefined) owners.set(inode, [...(owners.get(inode) ?? []), pid]);
  });
  return listeners.map(listener => ({ ...listener, pids: owners.get(listener.inode ?? -1) ?? [] }));
}

/** `ip netns add NAME` binds the namespace to a file, whose inode is the namespace's number. */
function* namedNamespaces(): Steps<ReadonlyMap<string, string>> {
  const [folder] = yield* ask({ kind: 'list', path: '/run/netns' });
  const names = valueOr(folder, []).slice(0, mostNames);
  const stats = yield* askAll(names.map(name => ({ kind: 'stat', path: `/run/netns/${name}` }) as const));
  return new Map(
    names.flatMap((name, index) => {
      const stat = stats[index];
      return stat?.state === 'known' ? [[`net:[${stat.value.inode}]`, name] as const] : [];
    }),
  );
}

/** The container of each process, with the name that its engine knows it by. */
function* containersOf(processes: readonly ProcessInfo[]): Steps<ReadonlyMap<number, NonNullable<NetworkNamespace['container']>>> {
  const found = processes.flatMap(({ pid, cgroup }) => {
    const of = cgroup === undefined ? undefined : containerOfCgroup(cgroup);
    return of === undefined ? [] : [{ pid, ...of }];
  });
  if (found.length === 0) return new Map();
  const asked = [
    ...(found.some(({ engine }) => engine !== 'podman') ? [['docker', 'ps', '--no-trunc', '--format', '{{json .}}']] : []),
    ...(found.some(({ engine }) => engine === 'podman') ? [['podman', 'ps', '--no-trunc', '--format', 'json']] : []),
  ];
  const printed = yield* askAll(asked.map(argv => ({ kind: 'exec', argv, options: execOptions }) as const));
  const listed = printed.flatMap(answer => (answer.state === 'known' && answer.value.code === 0 ? parseContainerList(answer.value.stdout) : []));
  return new Map(
    found.map(({ pid, engine, id }) => {
      const name = listed.find(one => one.id === id || (one.id.length >= 12 && id.startsWith(one.id)));
      return [pid, { ...(name ?? { id, name: id.slice(0, 12), networks: [], published: '' }), engine }] as const;
    }),
  );
}

/** Whether badhop itself is in a container for one program. */
function* ownContainer(): Steps<NetworkNamespaces['inside']> {
  const [docker, podman, group, first] = yield* ask(
    { kind: 'stat', path: '/.dockerenv' },
    { kind: 'stat', path: '/run/.containerenv' },
    { kind: 'read', path: '/proc/1/cgroup' },
    { kind: 'read', path: '/proc/1/comm' },
  );
  const comm = textOf(first)?.trim();
  if (comm === undefined || initPrograms.test(comm)) return undefined;
  if (docker.state === 'known') return { engine: 'docker', sign: '/.dockerenv is there', path: '/.dockerenv' };
  if (podman.state === 'known') return { engine: 'podman', sign: '/run/.containerenv is there', path: '/run/.containerenv' };
  const line = (textOf(group) ?? '').split('\n').find(one => containerOfCgroup(one) !== undefined);
  const engine = line === undefined ? undefined : containerOfCgroup(line)?.engine;
  return line === undefined || engine === undefined ? undefined : { engine, sign: line, path: '/proc/1/cgroup' };
}
