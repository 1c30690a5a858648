import { valueOr } from './fact.ts';
import type { ProcessDetail, ProcessInfo } from './facts/system.ts';
import type { Facts } from './facts.ts';

/** Memory that processes share: that of the host, or what a limit leaves to a unit or a control group. */
export interface MemoryRoom {
  readonly kind: 'host' | 'unit' | 'group';
  /** `this host`, `shop.service`, `/sys/fs/cgroup/memory/shop`. */
  readonly name: string;
  /** Where its size stands: `file:/proc/meminfo`, `MemoryMax of shop.service`, `file:/sys/fs/cgroup/…/memory.max`. */
  readonly source: string;
  readonly totalBytes: number;
  /** Free beside what is used now; files that the kernel would give up count as free. */
  readonly availableBytes: number;
  /** Stays free: for the page cache and for whatever else grows under load. */
  readonly reserveBytes: number;
  /** Whether a process is in it. */
  holds(process: Pick<ProcessInfo, 'pid' | 'unit'>): boolean;
}

const leastReserveBytes = 256 * 2 ** 20;
const reserveShare = 0.1;

type Needed = Pick<Facts, 'resources' | 'control-groups' | 'systemd-units' | 'processes' | 'process-details'>;

/** The rooms of this host, smaller ones first and the host last. Empty where the host's memory is not known. */
export function memoryRooms(facts: Needed): readonly MemoryRoom[] {
  const memory = valueOr(facts.resources, undefined)?.memory;
  if (memory === undefined || memory.totalBytes <= 0) return [];
  const host: MemoryRoom = {
    kind: 'host',
    name: 'this host',
    source: 'file:/proc/meminfo',
    totalBytes: memory.totalBytes,
    availableBytes: Math.max(0, memory.availableBytes),
    reserveBytes: Math.max(leastReserveBytes, Math.round(memory.totalBytes * reserveShare)),
    holds: () => true,
  };
  const inner = [...groupRooms(facts), ...unitRooms(facts)].filter(room => room.totalBytes < memory.totalBytes);
  return [...inner.toSorted((a, b) => a.totalBytes - b.totalBytes), host];
}

function groupRooms(facts: Needed): readonly MemoryRoom[] {
  return valueOr(facts['control-groups'], []).flatMap(({ folder, pids, memory }): MemoryRoom[] => {
    if (memory === undefined) return [];
    const { limitBytes, usedBytes, reclaimableBytes, source } = memory;
    const inside = new Set(pids);
    return [
      {
        kind: 'group',
        name: folder,
        source,
        totalBytes: limitBytes,
        availableBytes: Math.max(0, limitBytes - usedBytes + reclaimableBytes),
        reserveBytes: Math.round(limitBytes * reserveShare),
        holds: process => inside.has(process.pid),
      },
    ];
  });
}

/** By what systemd says of its units. What their processes use is added up, as the group itself may have no such limit yet. */
function unitRooms(facts: Needed): readonly MemoryRoom[] {
  const processes = valueOr(facts.processes, []);
  const details = new Map(valueOr(facts['process-details'], []).map(detail => [detail.pid, detail]));
  return valueOr(facts['systemd-units'], []).flatMap(({ name, memoryMax }): MemoryRoom[] => {
    if (memoryMax === undefined) return [];
    const used = processes.filter(process => process.unit === name).reduce((sum, process) => sum + sizeOf(process, details.get(process.pid)), 0);
    return [
      {
        kind: 'unit',
        name,
        source: `MemoryMax of ${name}`,
        totalBytes: memoryMax,
        availableBytes: Math.max(0, memoryMax - used),
        reserveBytes: Math.round(memoryMax * reserveShare),
        holds: process => process.unit === name,
      },
    ];
  });
}

function sizeOf(process: ProcessInfo, detail: ProcessDetail | undefined): number {
  return detail?.pssBytes ?? process.rssBytes;
}
