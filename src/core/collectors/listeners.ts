import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { Listener } from '../model/facts/system.ts';
import type { StatResult } from '../model/host.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import { socketInode } from '../parsers/socket-link.ts';
import { parseSsTcpListeners, parseSsUnixListeners } from '../parsers/ss.ts';
import type { SsListener } from '../parsers/ss.ts';
import { outputOf, problemText, textOf } from './shared/answers.ts';
import { dropsByAddress, listenerDrops } from './shared/listener-drops.ts';

const NET_LIMIT = { limit: 33_554_432 } as const;

/** Bounds of the search for owners through /proc/PID/fd, used where ss cannot name them. Listening sockets are opened early. */
const MAX_LOOKED_AT = 4000;
const MAX_OWNERS = 300;
const MAX_FDS = 128;

const SS_OPTIONS = { timeoutMs: 3000, maxBytes: 8_388_608 } as const;
/** Once for both kinds of sockets. */
const ssListening = { kind: 'exec', argv: ['ss', '-Hltxne'], options: SS_OPTIONS } as const;
const ssWithOwners = { kind: 'exec', argv: ['ss', '-Hltxnpe'], options: SS_OPTIONS } as const;

export default defineCollector({
  id: 'listeners',
  title: 'Listening sockets, their accept queues and owners',
  needs: [],
  *collect() {
    // What is dropped from here on until the last sample of the backends' load shows a queue that runs over only now and then.
    const [quick, unix, drops] = yield* ask(ssListening, { kind: 'read', path: '/proc/net/unix', options: NET_LIMIT }, listenerDrops);
    const dropped = dropsByAddress(drops);
    // A recording of an older badhop holds only this one.
    const [ss] = quick.state === 'absent' ? yield* ask(ssWithOwners) : [quick];
    const printed = outputOf(ss, 'ss');
    const ssWorks = printed.state === 'known';
    const fromSs = valueOr(printed, '');
    const problems: string[] = [];
    if (printed.state !== 'known')
      problems.push(
        problemText('The backlogs of the listening sockets are not known', printed.state === 'absent' ? { ...printed, how: 'install iproute2' } : printed),
      );

    const found: Listener[] = parseSsTcpListeners(fromSs).map(socket => {
      const listener = listenerOfSs(socket);
      const before = dropped.get(`${listener.host} ${listener.port}`);
      return before === undefined ? listener : { ...listener, dropped: before };
    });
    if (found.length === 0) {
      // Much slower than ss on a host with many connections, and there all the same.
      const [tcp4, tcp6] = yield* ask(
        { kind: 'read', path: '/proc/net/tcp', options: NET_LIMIT },
        { kind: 'read', path: '/proc/net/tcp6', options: NET_LIMIT },
      );
      if (tcp4.state !== 'known' && !ssWorks) return tcp4;
      for (const text of [textOf(tcp4), textOf(tcp6)]) found.push(...tcpListeners(text ?? ''));
    }
    found.push(...unixListeners(textOf(unix), parseSsUnixListeners(fromSs)));

    const orphans = found.flatMap(({ pids, inode = 0 }) => (pids.length === 0 && inode !== 0 ? [inode] : []));
    if (orphans.length === 0) return known(found, problems);
    const owners = yield* ownersOf(orphans, ssWorks && ss === quick, ssWorks);
    const owned = found.map(listener => (listener.pids.length > 0 ? listener : { ...listener, pids: owners.get(listener.inode ?? -1) ?? [] }));
    const left = owned.filter(listener => listener.pids.length === 0 && listener.inode !== 0).length;
    if (left > 0)
      problems.push(`The owners of ${left} listening sockets are not known (run as root to see them; processes outside of this container stay hidden).`);
    return known(owned, problems);
  },
});

type Owners = ReadonlyMap<number, readonly number[]>;

/**
 * Pids by socket inode. On a host with many connections ss takes a second of a processor to name the owners, because it
 * follows every open file of every process: it is asked only for what the quick search has left.
 */
function* ownersOf(inodes: readonly number[], canSsNameThem: boolean, ssWorks: boolean): Generator<readonly Request[], Owners, readonly Known<unknown>[]> {
  const [answer] = yield* ask({ kind: 'owners', inodes });
  if (answer.state !== 'known' && !ssWorks) return yield* findOwners();
  const owners = new Map(valueOr(answer, { owners: [], isWhole: false }).owners.map(({ inode, pids }) => [inode, pids] as const));
  const isDone = inodes.every(inode => owners.has(inode)) || (answer.state === 'known' && answer.value.isWhole);
  if (isDone || !canSsNameThem) return owners;
  const [ss] = yield* ask(ssWithOwners);
  const printed = valueOr(outputOf(ss, 'ss'), '');
  for (const { inode = 0, pids } of [...parseSsTcpListeners(printed), ...parseSsUnixListeners(printed)]) {
    if (pids.length > 0) owners.set(inode, pids);
  }
  return owners;
}

/** What the kernel's own list says; only ss knows the length of a queue and whether a socket takes both families. */
function tcpListeners(text: string): readonly Listener[] {
  const found: Listener[] = [];
  scanProcNetTcp(text, socket => {
    if (socket.state !== 'LISTEN') return;
    found.push({ kind: 'tcp', host: socket.localHost, port: socket.localPort, queue: socket.rxQueue, backlog: -1, inode: socket.inode, pids: [] });
  });
  return found;
}

function unixListeners(text: string | undefined, fromSs: readonly SsListener[]): readonly Listener[] {
  if (text === undefined) return fromSs.map(listenerOfSs);
  const byInode = new Map(fromSs.map(listener => [listener.inode ?? -1, listener]));
  const sockets = parseProcNetUnix(text);
  const waiting = new Map<string, number>();
  for (const socket of sockets) if (socket.state === 'waiting') waiting.set(socket.path, (waiting.get(socket.path) ?? 0) + 1);
  return sockets
    .filter(socket => socket.state === 'listening')
    .map(socket => {
      const ss = byInode.get(socket.inode);
      // Without the kernel's unix_diag, ss prints 0 for both: a backlog of 0 means that it does not know.
      const counted = ss !== undefined && ss.backlog > 0;
      return {
        kind: 'unix',
        host: '',
        port: 0,
        path: socket.path,
        queue: counted ? ss.queue : (waiting.get(socket.path) ?? 0),
        backlog: counted ? ss.backlog : -1,
        inode: socket.inode,
        pids: ss?.pids ?? [],
      };
    });
}

/** A socket of the kernel itself has no inode, which ss leaves out. Only a wildcard of IPv6 may take both families. */
function listenerOfSs({ v6only, inode = 0, ...listener }: SsListener): Listener {
  if (listener.kind === 'unix' || (listener.host !== '::' && listener.host !== '*')) return { ...listener, inode };
  if (v6only === undefined) return { ...listener, inode };
  return { ...listener, host: v6only ? '::' : '*', v6only, inode };
}

/** Pids by socket inode, from the links in /proc/PID/fd. Kernel threads have no open files. */
function* findOwners(): Generator<readonly Request[], ReadonlyMap<number, readonly number[]>, readonly Known<unknown>[]> {
  const [proc] = yield* ask({ kind: 'list', path: '/proc' });
  const pids = valueOr(proc, [])
    .filter(name => /^\d{1,10}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .slice(0, MAX_LOOKED_AT);
  const folders = yield* askAll(pids.map(pid => ({ kind: 'list', path: `/proc/${pid}/fd` }) as const));
  const open = pids.map((pid, index) => ({ pid, names: valueOr(folders[index] ?? absent('not read'), []) })).filter(one => one.names.length > 0);
  const links = open.slice(0, MAX_OWNERS).flatMap(({ pid, names }) => {
    const numbers = names.filter(name => /^\d{1,9}$/.test(name)).map(Number);
    return numbers
      .sort((a, b) => a - b)
      .slice(0, MAX_FDS)
      .map(fd => ({ pid, path: `/proc/${pid}/fd/${fd}` }));
  });
  const stats: readonly Known<StatResult>[] = yield* askAll(links.map(link => ({ kind: 'stat', path: link.path }) as const));
  const owners = new Map<number, number[]>();
  for (const [index, stat] of stats.entries()) {
    const inode = socketInode(stat.state === 'known' ? stat.value.target : undefined);
    const pid = links[index]?.pid;
    if (inode === undefined || pid === undefined) continue;
    const holders = owners.get(inode) ?? [];
    if (!holders.includes(pid)) holders.push(pid);
    owners.set(inode, holders);
  }
  return owners;
}
