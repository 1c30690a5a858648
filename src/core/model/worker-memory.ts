import { valueOr } from './fact.ts';
import type { Service } from './facts/backend.ts';
import type { Facts } from './facts.ts';

/** What the workers of a service hold in memory now. */
export interface WorkerMemory {
  /** Processes that were measured, and those that there are. */
  readonly measured: number;
  readonly running: number;
  /** `PSS` counts a shared page once over all who share it, swapped ones included; `RSS` counts it to each of them and is too much. */
  readonly how: 'PSS' | 'RSS';
  readonly meanBytes: number;
  /** Nine of ten are no larger. */
  readonly largestBytes: number;
  /** All workers together. */
  readonly usedBytes: number;
}

type Needed = Pick<Facts, 'process-details' | 'service-load' | 'processes'>;

/** `undefined` where no worker runs or none could be measured. */
export function workerMemory(service: Service, facts: Needed): WorkerMemory | undefined {
  const workers = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid));
  const details = valueOr(facts['process-details'], []).filter(detail => service.workerPids.includes(detail.pid));
  const sizes = details.flatMap(({ pssBytes, swappedBytes = 0 }) => (pssBytes === undefined ? [] : [pssBytes + swappedBytes]));
  const sampled = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const running = workers.length > 0 ? workers.length : (sampled?.workers ?? 0);
  if (sizes.length > 0) return summary(sizes, Math.max(running, sizes.length), 'PSS');
  if (sampled?.pssPerWorkerBytes !== undefined) return summary([sampled.pssPerWorkerBytes], running, 'PSS');
  return workers.length === 0
    ? undefined
    : summary(
        workers.map(worker => worker.rssBytes),
        running,
        'RSS',
      );
}

function summary(sizes: readonly number[], running: number, how: 'PSS' | 'RSS'): WorkerMemory {
  const sorted = sizes.toSorted((a, b) => a - b);
  const meanBytes = sorted.reduce((sum, size) => sum + size, 0) / sorted.length;
  const largestBytes = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.9) - 1)] ?? meanBytes;
  return { measured: sizes.length, running, how, meanBytes, largestBytes, usedBytes: meanBytes * running };
}
