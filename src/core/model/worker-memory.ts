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
  /** Of each on average, now. */
  readonly meanBytes: number;
  /** While it works on a request: the median of what each held at most. Workers give memory back in between. */
  readonly inWorkBytes: number;
  /** Nine of ten never held more. */
  readonly largestBytes: number;
  /** All workers together, now. */
  readonly usedBytes: number;
}

type Needed = Pick<Facts, 'process-details' | 'service-load' | 'processes'>;

/** `undefined` where no worker runs or none could be measured. */
export function workerMemory(service: Service, facts: Needed): WorkerMemory | undefined {
  const workers = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid));
  const details = valueOr(facts['process-details'], []).filter(detail => service.workerPids.includes(detail.pid));
  const sizes = details.flatMap(({ pssBytes, swappedBytes = 0, shrunkBytes = 0 }) =>
    pssBytes === undefined ? [] : [{ now: pssBytes + swappedBytes, most: pssBytes + swappedBytes + shrunkBytes }],
  );
  const sampled = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const running = workers.length > 0 ? workers.length : (sampled?.workers ?? 0);
  if (sizes.length > 0) return summary(sizes, Math.max(running, sizes.length), 'PSS');
  const mean = sampled?.pssPerWorkerBytes;
  if (mean !== undefined) return summary([{ now: mean, most: mean }], running, 'PSS');
  const shrunk = new Map(details.map(detail => [detail.pid, detail.shrunkBytes ?? 0]));
  const resident = workers.map(({ pid, rssBytes }) => ({ now: rssBytes, most: rssBytes + (shrunk.get(pid) ?? 0) }));
  return resident.length === 0 ? undefined : summary(resident, running, 'RSS');
}

function summary(sizes: readonly { readonly now: number; readonly most: number }[], running: number, how: 'PSS' | 'RSS'): WorkerMemory {
  const meanBytes = sizes.reduce((sum, { now }) => sum + now, 0) / sizes.length;
  const most = sizes.map(size => size.most).toSorted((a, b) => a - b);
  const at = (share: number): number => most[Math.max(0, Math.min(most.length - 1, Math.ceil(most.length * share) - 1))] ?? meanBytes;
  // One that did an import once does not speak for the others.
  const inWorkBytes = Math.max(meanBytes, at(0.5));
  return { measured: sizes.length, running, how, meanBytes, inWorkBytes, largestBytes: Math.max(inWorkBytes, at(0.9)), usedBytes: meanBytes * running };
}
