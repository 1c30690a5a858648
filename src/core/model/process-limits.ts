import type { Hop } from './facts/hop.ts';
import type { ProcessDetail, ProcessInfo } from './facts/system.ts';

/** Processes and threads that count towards one limit. */
export interface ProcessCount {
  /** `TasksMax of shop.service`, `the limit of user www-data`. */
  readonly name: string;
  readonly kind: 'unit' | 'user';
  readonly count: number;
  readonly limit: number;
}

/** The limit on processes that the hop's service is nearest to; `undefined` where none is known. */
export function processCountOf(hop: Hop, processes: readonly ProcessInfo[], details: readonly ProcessDetail[]): ProcessCount | undefined {
  const { unit, master } = hop;
  const found: ProcessCount[] = [];
  if (unit?.tasksMax !== undefined && unit.tasksMax > 0)
    found.push({ name: `TasksMax of ${unit.name}`, kind: 'unit', count: threadsOf(processes.filter(one => one.unit === unit.name)), limit: unit.tasksMax });
  for (const process of [...(master === undefined ? [] : [master]), ...hop.workers]) {
    const limit = details.find(one => one.pid === process.pid)?.processesLimit;
    if (limit === undefined || limit === 0 || process.uid === 0) continue;
    const count = threadsOf(processes.filter(one => one.uid === process.uid));
    found.push({ name: `the limit of user ${process.user ?? process.uid}`, kind: 'user', count, limit });
  }
  return found.toSorted((a, b) => b.count / b.limit - a.count / a.limit)[0];
}

function threadsOf(processes: readonly ProcessInfo[]): number {
  return processes.reduce((sum, one) => sum + Math.max(1, one.threads), 0);
}
