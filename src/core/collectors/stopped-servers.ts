import { ask, defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { Listener, ProcessInfo, StoppedServer } from '../model/facts/system.ts';
import { formatAddress, takesConnectionsTo } from '../model/host.ts';
import { isStopped } from '../model/process-states.ts';
import { scanProcNetTcp, type TcpSocket } from '../parsers/proc-net-tcp.ts';
import { textOf } from './shared/answers.ts';

const netLimit = { limit: 67_108_864 } as const;
const mostServers = 16;
const mostConnections = 4096;
/** Who may hold the other end: the workers of this host's services. */
const mostProcesses = 512;

/** Whose connections a server holds that answers nobody. Nothing is read where no server is stopped. */
export default defineCollector({
  id: 'stopped-servers',
  title: 'Servers that are stopped by a signal, and who is connected to them',
  needs: ['listeners', 'processes', 'services'],
  *collect({ listeners, processes, services }) {
    if (listeners.state !== 'known') return listeners;
    if (processes.state !== 'known') return processes;
    const byPid = new Map(processes.value.map(process => [process.pid, process]));
    const stopped = listeners.value.filter(listener => listener.kind === 'tcp' && areStopped(listener.pids, byPid)).slice(0, mostServers);
    if (stopped.length === 0) return known([]);
    const answers = yield* ask({ kind: 'read', path: '/proc/net/tcp', options: netLimit }, { kind: 'read', path: '/proc/net/tcp6', options: netLimit });
    if (answers[0].state !== 'known') return answers[0];
    const open: TcpSocket[] = [];
    for (const answer of answers)
      scanProcNetTcp(textOf(answer) ?? '', socket => {
        if (socket.state === 'ESTAB') open.push(socket);
      });
    const ends = stopped.map(listener => clientEnds(listener, open));
    const inodes = ends.flat().map(({ inode }) => inode);
    const pids = services.state === 'known' ? [...new Set(services.value.flatMap(({ workerPids }) => workerPids))].slice(0, mostProcesses) : [];
    const [owners] = inodes.length === 0 || pids.length === 0 ? [undefined] : yield* ask({ kind: 'owners', inodes, pids });
    const holders = new Map(owners?.state === 'known' ? owners.value.owners.map(owner => [owner.inode, owner.pids]) : []);
    return known(stopped.map((listener, index) => serverOf(listener, ends[index] ?? [], holders)));
  },
});

function areStopped(pids: readonly number[], byPid: ReadonlyMap<number, ProcessInfo>): boolean {
  const states = pids.flatMap(pid => byPid.get(pid)?.state ?? []);
  return states.length > 0 && states.every(isStopped);
}

/** Of connections within this host, the ends that are not the server's. */
function clientEnds(listener: Listener, open: readonly TcpSocket[]): readonly TcpSocket[] {
  const served = new Set(open.filter(socket => isServed(listener, socket)).map(socket => `${socket.remoteHost} ${socket.remotePort}`));
  const ends = open.filter(socket => socket.remotePort === listener.port && socket.inode > 0 && served.has(`${socket.localHost} ${socket.localPort}`));
  return ends.slice(0, mostConnections);
}

function isServed({ host, port }: Listener, { localHost, localPort }: TcpSocket): boolean {
  return localPort === port && takesConnectionsTo(host, localHost);
}

function serverOf({ host, port }: Listener, ends: readonly TcpSocket[], holders: ReadonlyMap<number, readonly number[]>): StoppedServer {
  const counts = new Map<number, number>();
  let unseen = 0;
  for (const { inode } of ends) {
    const pids = holders.get(inode) ?? [];
    if (pids.length === 0) unseen += 1;
    for (const pid of pids) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  return {
    address: formatAddress({ kind: 'tcp', host, port }),
    clients: [...counts].map(([pid, connections]) => ({ pid, connections })),
    unseen,
  };
}
