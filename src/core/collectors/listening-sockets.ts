import { ask, defineCollector } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Listener } from '../model/facts/system.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import { parseSsTcpListeners, parseSsUnixListeners } from '../parsers/ss.ts';
import type { SsListener } from '../parsers/ss.ts';
import { outputOf, problemText, textOf } from './shared/answers.ts';
import { dropsByAddress, listenerDrops } from './shared/listener-drops.ts';
import { ssListening, ssWithOwners } from './shared/ss-listening.ts';

const NET_LIMIT = { limit: 33_554_432 } as const;

/** Apart from their owners, because it needs nothing: the kernel answers while the processes are read. */
export default defineCollector({
  id: 'listening-sockets',
  title: 'Listening sockets and their accept queues',
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
      if (tcp4.state !== 'known' && !ssWorks) return known({ sockets: tcp4, ssWorks, canSsNameThem: false });
      for (const text of [textOf(tcp4), textOf(tcp6)]) found.push(...tcpListeners(text ?? ''));
    }
    found.push(...unixListeners(textOf(unix), parseSsUnixListeners(fromSs)));

    return known({ sockets: known(found, problems), ssWorks, canSsNameThem: ssWorks && ss === quick });
  },
});

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
