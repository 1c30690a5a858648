import { ask, askAll, defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { ControlGroup } from '../model/facts/control-group.ts';
import { parseCpuMax, parseCpuQuota, parseInactiveFile, parseMemoryLimit } from '../parsers/cgroup-files.ts';
import { folderOfGroup, parseCgroupMounts, type CgroupMount } from '../parsers/mountinfo.ts';
import { groupIn } from '../parsers/proc-cgroup.ts';
import { wholeNumber } from '../parsers/text.ts';
import { textOf } from './shared/answers.ts';

const maxPids = 300;
/** A container in a container in a slice: groups nest, and each of them may have a limit. */
const maxGroups = 60;

interface Place {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly pids: Set<number>;
}

export default defineCollector({
  id: 'control-groups',
  title: 'Memory and processor limits of the groups that the backends run in',
  needs: ['services', 'processes'],
  *collect(facts) {
    if (facts.services.state !== 'known') return facts.services;
    const alive = new Set(facts.processes.state === 'known' ? facts.processes.value.map(one => one.pid) : []);
    const services = facts.services.value.filter(service => service.kind !== 'other');
    const all = [...new Set(services.flatMap(service => [...(service.masterPid === undefined ? [] : [service.masterPid]), ...service.workerPids]))];
    const pids = all.filter(pid => alive.has(pid)).slice(0, maxPids);
    if (pids.length === 0) return known([]);
    const [mountinfo] = yield* ask({ kind: 'read', path: '/proc/self/mountinfo', options: { limit: 4_194_304 } });
    if (mountinfo.state !== 'known') return mountinfo;
    const mounts = parseCgroupMounts(textOf(mountinfo) ?? '');
    const answers = yield* askAll(pids.map(pid => ({ kind: 'read', path: `/proc/${pid}/cgroup`, options: { limit: 16_384 } }) as const));
    const texts = new Map(pids.map((pid, index) => [pid, textOf(answers[index]) ?? '']));

    const memory = placesOf(mountOf(mounts, 'memory'), 'memory', texts);
    const cpu = placesOf(mountOf(mounts, 'cpu'), 'cpu', texts);
    const paths = [...new Set([...memory.places.flatMap(memoryFiles), ...cpu.places.flatMap(cpuFiles)])];
    const files = yield* askAll(paths.map(path => ({ kind: 'read', path, options: { limit: 16_384 } }) as const));
    const read = new Map(paths.map((path, index) => [path, textOf(files[index]) ?? '']));
    const groups = new Map<string, ControlGroup>();
    for (const place of memory.places) {
      const limit = memoryOf(place, read);
      if (limit !== undefined) groups.set(place.folder, { folder: place.folder, pids: [...place.pids], memory: limit });
    }
    for (const place of cpu.places) {
      const cpus = cpusOf(place, read);
      if (cpus !== undefined) groups.set(place.folder, { ...groups.get(place.folder), folder: place.folder, pids: [...place.pids], cpus });
    }
    const outside = Math.max(memory.outside, cpu.outside);
    const problems = outside === 0 ? [] : [`The control groups of ${outside} processes lie outside of what is mounted here: their limits are not known.`];
    if (memory.isCut || cpu.isCut) problems.push(`Only ${maxGroups} control groups were read.`);
    return known([...groups.values()], problems);
  },
});

/** The hierarchy that has the controller: its own of v1, else v2. */
function mountOf(mounts: readonly CgroupMount[], controller: string): CgroupMount | undefined {
  return mounts.find(mount => mount.controllers.includes(controller)) ?? mounts.find(mount => mount.version === 2);
}

interface Places {
  readonly places: readonly Place[];
  /** Processes whose group is not below what is mounted. */
  readonly outside: number;
  readonly isCut: boolean;
}

/** The groups of these processes and every group around them. */
function placesOf(mount: CgroupMount | undefined, controller: string, texts: ReadonlyMap<number, string>): Places {
  const places = new Map<string, Place>();
  let outside = 0;
  if (mount === undefined) return { places: [], outside, isCut: false };
  for (const [pid, text] of texts) {
    const group = groupIn(text, mount.version === 1 ? controller : undefined);
    if (group === undefined) continue;
    const folder = folderOfGroup(mount, group);
    if (folder === undefined) {
      outside += 1;
      continue;
    }
    for (const path of pathsTo(mount.folder, folder)) {
      const place = places.get(path) ?? { folder: path, version: mount.version, pids: new Set<number>() };
      place.pids.add(pid);
      places.set(path, place);
    }
  }
  return { places: [...places.values()].slice(0, maxGroups), outside, isCut: places.size > maxGroups };
}

function pathsTo(top: string, folder: string): readonly string[] {
  const parts = folder.slice(top.length).split('/').filter(Boolean);
  return [top, ...parts.map((_, index) => `${top}/${parts.slice(0, index + 1).join('/')}`)];
}

function memoryFiles({ folder, version }: Place): readonly string[] {
  const names = version === 1 ? ['limit_in_bytes', 'usage_in_bytes', 'stat'] : ['max', 'current', 'stat', 'high'];
  return names.map(name => `${folder}/memory.${name}`);
}

function cpuFiles({ folder, version }: Place): readonly string[] {
  return version === 1 ? [`${folder}/cpu.cfs_quota_us`, `${folder}/cpu.cfs_period_us`] : [`${folder}/cpu.max`];
}

function memoryOf(place: Place, read: ReadonlyMap<string, string>): ControlGroup['memory'] {
  const [limitFile = '', usedFile = '', statFile = '', highFile] = memoryFiles(place);
  const limit = parseMemoryLimit(read.get(limitFile) ?? '') ?? Number.POSITIVE_INFINITY;
  // A soft limit of v1 only counts where the whole host is short; v2 slows a group down that is over `memory.high`.
  const high = (highFile === undefined ? undefined : parseMemoryLimit(read.get(highFile) ?? '')) ?? Number.POSITIVE_INFINITY;
  const limitBytes = Math.min(limit, high);
  const usedBytes = wholeNumber((read.get(usedFile) ?? '').trim());
  if (!Number.isFinite(limitBytes) || usedBytes === undefined || usedBytes < 0) return undefined;
  const reclaimableBytes = Math.min(usedBytes, parseInactiveFile(read.get(statFile) ?? ''));
  return { limitBytes, usedBytes, reclaimableBytes, source: `file:${limitBytes === limit ? limitFile : highFile}` };
}

function cpusOf(place: Place, read: ReadonlyMap<string, string>): number | undefined {
  const [first = '', second] = cpuFiles(place).map(path => read.get(path) ?? '');
  return second === undefined ? parseCpuMax(first) : parseCpuQuota(first, second);
}
