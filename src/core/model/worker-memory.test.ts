import { expect, it } from 'vitest';
import { absent, known } from './fact.ts';
import type { Service } from './facts/backend.ts';
import type { Facts } from './facts.ts';
import { workerMemory } from './worker-memory.ts';

const mebibyte = 2 ** 20;
const service = { id: 's', workerPids: [1, 2, 3] } as unknown as Service;

function memory(details: readonly object[], processes: readonly object[] = [1, 2, 3].map(pid => ({ pid, rssBytes: 50 * mebibyte }))) {
  return workerMemory(service, { 'process-details': known(details), processes: known(processes), 'service-load': absent('not asked') } as unknown as Facts);
}

it('counts what workers hold at work: one that did an import once does not speak for the others', () => {
  const details = [0, 20, 400].map((grown, index) => ({ pid: index + 1, pssBytes: 10 * mebibyte, shrunkBytes: grown * mebibyte }));
  expect(memory(details)).toEqual({
    measured: 3,
    running: 3,
    how: 'PSS',
    meanBytes: 10 * mebibyte,
    inWorkBytes: 30 * mebibyte,
    largestBytes: 410 * mebibyte,
    usedBytes: 30 * mebibyte,
  });
});

it('counts swapped pages, and extends a part that was measured to all that run', () => {
  expect(memory([{ pid: 1, pssBytes: 10 * mebibyte, swappedBytes: 5 * mebibyte }])).toMatchObject({
    measured: 1,
    running: 3,
    meanBytes: 15 * mebibyte,
    usedBytes: 45 * mebibyte,
  });
});

it('takes resident sizes where PSS cannot be read, and says so', () => {
  expect(memory([{ pid: 1, shrunkBytes: 6 * mebibyte }])).toMatchObject({ how: 'RSS', meanBytes: 50 * mebibyte, largestBytes: 56 * mebibyte });
});

it('is not known where no worker runs', () => {
  expect(memory([], [])).toBeUndefined();
});
