import { expect, test } from 'vitest';
import { createGate, createTurns, withinTime } from './time-limit.ts';

const after = (ms: number): Promise<string> => new Promise(resolve => setTimeout(() => resolve('done'), ms));

test('work in time gives its value, late work the other; a failure passes through', async () => {
  expect(await withinTime(after(5), 500, () => 'late')).toBe('done');
  expect(await withinTime(new Promise<string>(() => undefined), 20, () => 'late')).toBe('late');
  await expect(withinTime(Promise.reject(new Error('no')), 100, () => 'late')).rejects.toThrow('no');
});

test('a gate lets so many in at once, in order, and survives failures', async () => {
  const gate = createGate(3);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const work = (index: number) => async (): Promise<void> => {
    order.push(index);
    most = Math.max(most, ++running);
    await after(2);
    running--;
    if (index % 4 === 0) throw new Error('fails');
  };
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => gate(work(index))));
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(results.filter(result => result.status === 'rejected')).toHaveLength(5);
});

test('a gate hands on a throw, and goes on', async () => {
  const gate = createGate(1);
  const broken = (): never => {
    throw new Error('no');
  };
  const results = await Promise.allSettled([gate(broken), gate(broken), gate(() => after(1))]);
  expect(results.map(result => result.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('turns give each value back and hand on a throw', async () => {
  const turn = createTurns();
  const values = await Promise.all(Array.from({ length: 100 }, (_, index) => turn(() => index)));
  expect(values).toEqual(Array.from({ length: 100 }, (_, index) => index));
  const broken = (): never => {
    throw new Error('no');
  };
  await expect(turn(broken)).rejects.toThrow('no');
  expect(await turn(() => 1)).toBe(1);
});
