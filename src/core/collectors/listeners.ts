import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import type { StatResult } from '../model/host.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import { socketInode } from '../parsers/socket-link.ts';
import { parseSsTcpListeners, parseSsUnixListeners } from '../parsers/ss.ts';
import type { SsListener } from '../parsers/ss.ts';
import { outputOf, problemText, textOf } from './shared/answers.ts';

const NET_LIMIT = { limit: 33_554_432 } as const;

/** Bounds of the search for owners through /proc/PID/fd, used where ss cannot name them. Listening sockets are opened early. */
const MAX_OWNERS = 300;
const MAX_FDS = 128;

export default defineCollector({
  id: 'listeners',
  title: 'Listening sockets, their accept queues and owners',
  needs: ['processes'],
  *collect(facts) {
    const [tcp4, tcp6, unix, ssTcp, ssUnix] = yield* ask(
      { kind: 'read', path: '/proc/net/tcp', options: NET_LIMIT },
      { kind: 'read', path: '/proc/net/tcp6', options: NET_LIMIT },
      { kind: 'read', path: '/proc/net/unix', options: NET_LIMIT },
      { kind: 'exec', argv: ['ss', '-Hltnpe'], options: { timeoutMs: 3000 } },
      { kind: 'exec', argv: ['ss', '-Hlxp'], options: { timeoutMs: 3000 } },
    );
    const problems: string[] = [];
    const fromSsTcp = parseSsTcpListeners(valueOr(outputOf(ssTcp, 'ss'), ''));
    const fromSsUnix = parseSsUnixListeners(valueOr(outputOf(ssUnix, 'ss'), ''));
    const said = outputOf(ssUnix, 'ss');
    const ssWorks = said.state === 'known';
    if (said.state !== 'known')
      problems.push(problemText('The backlogs of the listening sockets are not known', said.state === 'absent' ? { ...said, how: 'install iproute2' } : said));

    const found: Listener[] = [];
    for (const text of [textOf(tcp4), textOf(tcp6)]) found.push(...tcpListeners(text ?? '', fromSsTcp));
    if (tcp4.state !== 'known') {
      if (fromSsTcp.length === 0 && !ssWorks) return tcp4;
      found.push(...fromSsTcp.map(listenerOfSs));
    }
    found.push(...unixListeners(textOf(unix), fromSsUnix));

    const orphans = found.filter(listener => listener.pids.length === 0).length;
    if (orphans === 0) return known(found, problems);
    const owners: ReadonlyMap<number, readonly number[]> = ssWorks ? new Map() : yield* ownersOf(valueOr(facts.processes, []));
    const owned = found.map(listener => (listener.pids.length > 0 ? listener : { ...listener, pids: owners.get(listener.inode ?? -1) ?? [] }));
    const left = owned.filter(listener => listener.pids.length === 0 && listener.inode !== 0).length;
    if (left > 0)
      problems.push(`The owners of ${left} listening sockets are not known (run as root to see them; processes outside of this container stay hidden).`);
    return known(owned, problems);
  },
});

function tcpListeners(text: string, fromSs: readonly SsListener[]): readonly Listener[] {
  const byInode = new Map(fromSs.map(listener => [listener.inode ?? -1, listener]));
  const found: Listener[] = [];
  scanProcNetTcp(text, socket => {
    if (socket.state !== 'LISTEN') return;
    const ss = byInode.get(socket.inode) ?? fromSs.find(one => one.inode === undefined && one.port === socket.localPort && one.host === socket.localHost);
    const v6only = socket.localHost === '::' ? ss?.v6only : undefined;
    found.push({
      kind: 'tcp',
      host: v6only === false ? '*' : socket.localHost,
      port: socket.localPort,
      ...(v6only === undefined ? {} : { v6only }),
      queue: ss?.queue ?? socket.rxQueue,
      backlog: ss?.backlog ?? -1,
      inode: socket.inode,
      pids: ss?.pids ?? [],
    });
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

function listenerOfSs(listener: SsListener): Listener {
  return listener;
}

/** Pids by socket inode, from the links in /proc/PID/fd. */
function* ownersOf(processes: readonly ProcessInfo[]): Generator<readonly Request[], ReadonlyMap<number, readonly number[]>, readonly Known<unknown>[]> {
  const candidates = processes.filter(one => one.argv.length > 0).slice(0, MAX_OWNERS);
  const folders = yield* askAll(candidates.map(one => ({ kind: 'list', path: `/proc/${one.pid}/fd` }) as const));
  const links = candidates.flatMap((one, index) => {
    const names = valueOr(folders[index] ?? { state: 'absent', why: '' }, []);
    const numbers = names.filter(name => /^\d{1,9}$/.test(name)).map(Number);
    return numbers
      .sort((a, b) => a - b)
      .slice(0, MAX_FDS)
      .map(fd => ({ pid: one.pid, path: `/proc/${one.pid}/fd/${fd}` }));
  });
  const stats: readonly Known<StatResult>[] = yield* askAll(links.map(link => ({ kind: 'stat', path: link.path }) as const));
  const owners = new Map<number, number[]>();
  for (const [index, stat] of stats.entries()) {
    const inode = socketInode(stat.state === 'known' ? stat.value.target : undefined);
    const pid = links[index]?.pid;
    if (inode === undefined || pid === undefined) continue;
    const pids = owners.get(inode) ?? [];
    if (!pids.includes(pid)) pids.push(pid);
    owners.set(inode, pids);
  }
  return owners;
}
