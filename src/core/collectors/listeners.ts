import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { SocketOwners, StatResult } from '../model/host.ts';
import { socketInode } from '../parsers/socket-link.ts';
import { parseSsTcpListeners, parseSsUnixListeners } from '../parsers/ss.ts';
import { outputOf } from './shared/answers.ts';
import { crowdsOfProcesses } from './shared/crowd-answers.ts';
import { ssWithOwners } from './shared/ss-listening.ts';

/** Bounds of the search for owners through /proc/PID/fd, used where ss cannot name them. Listening sockets are opened early. */
const MAX_LOOKED_AT = 4000;
const MAX_OWNERS = 300;
const MAX_FDS = 128;

export default defineCollector({
  id: 'listeners',
  title: 'Listening sockets, their accept queues and owners',
  needs: ['listening-sockets', 'processes'],
  *collect(facts) {
    if (facts['listening-sockets'].state !== 'known') return facts['listening-sockets'];
    const { sockets, ssWorks, canSsNameThem } = facts['listening-sockets'].value;
    if (sockets.state !== 'known') return sockets;
    const found = sockets.value;
    const problems = [...(sockets.problems ?? [])];
    const orphans = found.flatMap(({ pids, inode = 0 }) => (pids.length === 0 && inode !== 0 ? [inode] : []));
    if (orphans.length === 0) return known(found, problems);
    const owners = yield* ownersOf(orphans, valueOr(facts.processes, []), canSsNameThem, ssWorks);
    const owned = found.map(listener => (listener.pids.length > 0 ? listener : { ...listener, pids: owners.get(listener.inode ?? -1) ?? [] }));
    const left = owned.filter(listener => listener.pids.length === 0 && listener.inode !== 0).length;
    if (left > 0)
      problems.push(`The owners of ${left} listening sockets are not known (run as root to see them; processes outside of this container stay hidden).`);
    return known(owned, problems);
  },
});

type Owners = ReadonlyMap<number, readonly number[]>;
type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/**
 * Pids by socket inode. On a host with many connections ss takes a second of a processor to name the owners, because it
 * follows every open file of every process: it is asked only for what the quick search has left.
 */
function* ownersOf(inodes: readonly number[], processes: readonly ProcessInfo[], canSsNameThem: boolean, ssWorks: boolean): Steps<Owners> {
  const answer = yield* lookForOwners(inodes, processes);
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

/** Of a crowd some are looked into, and the others where one of these holds a listening socket; all of them where a socket is left without an owner. */
function* lookForOwners(inodes: readonly number[], processes: readonly ProcessInfo[]): Steps<Known<SocketOwners>> {
  const crowds = crowdsOfProcesses(processes);
  const spared = new Set(crowds.flatMap(({ members, witnesses }) => members.filter(member => !witnesses.includes(member))));
  if (spared.size > 0) {
    const [some] = yield* ask({ kind: 'owners', inodes, pids: processes.filter(one => !spared.has(one)).map(({ pid }) => pid) });
    if (some.state === 'known' && inodes.every(inode => some.value.owners.some(owner => owner.inode === inode))) {
      const holders = new Set(some.value.owners.flatMap(({ pids }) => pids));
      const isSpared = crowds.every(({ witnesses }) => witnesses.every(({ pid }) => !holders.has(pid)));
      if (isSpared) return some;
    }
  }
  const [all] = yield* ask({ kind: 'owners', inodes });
  return all;
}

/** Pids by socket inode, from the links in /proc/PID/fd. Kernel threads have no open files. */
function* findOwners(): Steps<Owners> {
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
