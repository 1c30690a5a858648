import { askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ProcessDetail } from '../model/facts/system.ts';
import type { ReadResult, StatResult } from '../model/host.ts';
import { parseOpenFilesLimit, parseProcessesLimit } from '../parsers/proc-limits.ts';
import { parsePss, parseSwapPss } from '../parsers/proc-smaps.ts';
import { parseMayExceedLimits, parseShrunk } from '../parsers/proc-status.ts';
import { isOwnUserNamespace } from '../parsers/proc-uid-map.ts';
import { textOf } from './shared/answers.ts';

const MAX_PROCESSES = 300;

export default defineCollector({
  id: 'process-details',
  title: 'Memory and open files of nginx and its backends',
  needs: ['processes', 'nginx-instances', 'services'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const alive = new Set(facts.processes.value.map(one => one.pid));
    const wanted = new Set<number>();
    const masters = new Set<number>();
    for (const instance of valueOr(facts['nginx-instances'], [])) {
      if (instance.masterPid !== undefined) masters.add(instance.masterPid);
      for (const pid of [instance.masterPid, ...instance.workers.map(worker => worker.pid)]) if (pid !== undefined) wanted.add(pid);
    }
    const services = valueOr(facts.services, []);
    for (const service of services) if (service.masterPid !== undefined) wanted.add(service.masterPid);
    for (const service of services) for (const pid of service.workerPids) wanted.add(pid);
    const all = [...wanted].filter(pid => alive.has(pid));
    const pids = all.slice(0, MAX_PROCESSES);
    const problems = all.length > pids.length ? [`Details of only ${pids.length} of ${all.length} processes were read.`] : [];

    const basics = yield* askAll(pids.flatMap(filesOf));
    // Listing the tens of thousands of open files of a busy worker takes the kernel long; since Linux 6.2 the folder's size is their number.
    const unsized = pids.filter((_, index) => sizeOf(basics[index * filesEach + 2]) === 0);
    const lists = yield* askAll(unsized.map(pid => ({ kind: 'list', path: `/proc/${pid}/fd` }) as const));
    const listed = new Map(unsized.map((pid, index) => [pid, valueOr(lists[index] ?? absent('not asked'), undefined)?.length]));
    const told = pids.filter(pid => masters.has(pid));
    const maps = yield* askAll(told.map(pid => ({ kind: 'read', path: `/proc/${pid}/uid_map`, options: { limit: 4096 } }) as const));
    const ownNamespace = new Map(told.map((pid, index) => [pid, isOwnUserNamespace(textOf(maps[index]) ?? '')]));
    const details = pids.map((pid, index): ProcessDetail => {
      const [smaps, limits, folder, status] = basics.slice(index * filesEach, (index + 1) * filesEach) as [
        Known<ReadResult>,
        Known<ReadResult>,
        Known<StatResult>,
        Known<ReadResult>,
      ];
      const pssBytes = parsePss(textOf(smaps) ?? '');
      const swappedBytes = parseSwapPss(textOf(smaps) ?? '');
      const shrunkBytes = parseShrunk(textOf(status) ?? '');
      const { soft: openFilesLimit, hard: openFilesHardLimit } = parseOpenFilesLimit(textOf(limits) ?? '');
      const exceedsLimits = masters.has(pid) ? both(parseMayExceedLimits(textOf(status) ?? ''), ownNamespace.get(pid)) : undefined;
      const processesLimit = parseProcessesLimit(textOf(limits) ?? '');
      const openFiles = sizeOf(folder) || listed.get(pid);
      return {
        pid,
        ...(pssBytes === undefined ? {} : { pssBytes }),
        ...(swappedBytes === undefined || swappedBytes === 0 ? {} : { swappedBytes }),
        ...(shrunkBytes === undefined ? {} : { shrunkBytes }),
        ...(openFiles === undefined ? {} : { openFiles }),
        ...(openFilesLimit === undefined ? {} : { openFilesLimit }),
        ...(openFilesHardLimit === undefined ? {} : { openFilesHardLimit }),
        ...(exceedsLimits === undefined ? {} : { exceedsLimits }),
        ...(processesLimit === undefined ? {} : { processesLimit }),
      };
    });
    const refused = details.filter(({ openFiles }, index) => openFiles === undefined || basics[index * filesEach]?.state === 'denied').length;
    if (refused > 0) problems.push(`Open files and memory of ${refused} processes could not be read (run as root to see them).`);
    return known(details, problems);
  },
});

const filesEach = 4;

function filesOf(pid: number): readonly Request[] {
  return [
    { kind: 'read', path: `/proc/${pid}/smaps_rollup` },
    { kind: 'read', path: `/proc/${pid}/limits` },
    { kind: 'stat', path: `/proc/${pid}/fd` },
    { kind: 'read', path: `/proc/${pid}/status` },
  ];
}

/** One that is not so settles it; otherwise both must be known. */
function both(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  return one === false || other === false ? false : one === undefined || other === undefined ? undefined : true;
}

function sizeOf(answer: Known<unknown> | undefined): number {
  return valueOr(answer as Known<StatResult>, undefined)?.size ?? 0;
}
