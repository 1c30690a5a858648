import { askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ProcessDetail } from '../model/facts/system.ts';
import type { ReadResult, StatResult } from '../model/host.ts';
import { parseOpenFilesLimit, parseProcessesLimit } from '../parsers/proc-limits.ts';
import { parsePss } from '../parsers/proc-smaps.ts';
import { socketInode } from '../parsers/socket-link.ts';
import { textOf } from './shared/answers.ts';

const MAX_PROCESSES = 300;
/** Links read of one process and of all; a busy nginx worker has tens of thousands. */
const MAX_LINKS_EACH = 256;
const MAX_LINKS = 20_000;

export default defineCollector({
  id: 'process-details',
  title: 'Memory, open files and sockets of nginx and its backends',
  needs: ['processes', 'nginx-instances', 'services'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const alive = new Set(facts.processes.value.map(one => one.pid));
    const wanted = new Set<number>();
    for (const instance of valueOr(facts['nginx-instances'], [])) {
      if (instance.masterPid !== undefined) wanted.add(instance.masterPid);
      for (const worker of instance.workers) wanted.add(worker.pid);
    }
    const services = valueOr(facts.services, []);
    for (const service of services) if (service.masterPid !== undefined) wanted.add(service.masterPid);
    for (const service of services) for (const pid of service.workerPids) wanted.add(pid);
    const all = [...wanted].filter(pid => alive.has(pid));
    const pids = all.slice(0, MAX_PROCESSES);
    const problems = all.length > pids.length ? [`Details of only ${pids.length} of ${all.length} processes were read.`] : [];

    const basics = yield* askAll(pids.flatMap(filesOf));
    const links: { readonly pid: number; readonly path: string }[] = [];
    const details = pids.map((pid, index): ProcessDetail => {
      const [smaps, limits, folder] = basics.slice(index * 3, index * 3 + 3) as [Known<ReadResult>, Known<ReadResult>, Known<readonly string[]>];
      const pssBytes = parsePss(textOf(smaps) ?? '');
      const openFilesLimit = parseOpenFilesLimit(textOf(limits) ?? '');
      const processesLimit = parseProcessesLimit(textOf(limits) ?? '');
      const fds = valueOr(folder, undefined);
      for (const fd of fds?.slice(0, MAX_LINKS_EACH) ?? []) if (links.length < MAX_LINKS) links.push({ pid, path: `/proc/${pid}/fd/${fd}` });
      return {
        pid,
        ...(pssBytes === undefined ? {} : { pssBytes }),
        ...(fds === undefined ? {} : { openFiles: fds.length }),
        ...(openFilesLimit === undefined ? {} : { openFilesLimit }),
        ...(processesLimit === undefined ? {} : { processesLimit }),
        socketInodes: [],
      };
    });
    const refused = details.filter(detail => detail.openFiles === undefined).length;
    if (refused > 0) problems.push(`Open files and memory of ${refused} processes could not be read (run as root to see them).`);

    const inodes = new Map<number, number[]>();
    const stats: readonly Known<StatResult>[] = yield* askAll(links.map(link => ({ kind: 'stat', path: link.path }) as const));
    for (const [index, stat] of stats.entries()) {
      const inode = socketInode(stat.state === 'known' ? stat.value.target : undefined);
      const pid = links[index]?.pid;
      if (inode === undefined || pid === undefined) continue;
      const list = inodes.get(pid) ?? [];
      list.push(inode);
      inodes.set(pid, list);
    }
    return known(
      details.map(detail => ({ ...detail, socketInodes: inodes.get(detail.pid) ?? [] })),
      problems,
    );
  },
});

function filesOf(pid: number): readonly Request[] {
  return [
    { kind: 'read', path: `/proc/${pid}/smaps_rollup` },
    { kind: 'read', path: `/proc/${pid}/limits` },
    { kind: 'list', path: `/proc/${pid}/fd` },
  ];
}
