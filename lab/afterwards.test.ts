import { expect, it } from 'vitest';
import { failedIn } from './afterwards.ts';
import { defineScenario } from './scenario.ts';
import type { Scenario } from './scenario.ts';

const story = (more: Partial<Scenario> = {}): Scenario =>
  defineScenario({ name: 'a-story', title: 'a story', kind: 'fault', fault: 'backend-down', setUp: async () => {}, expect: {}, ...more });
const good = { fromMs: 1000, toMs: 2000 };
const judged = (answers: readonly (readonly [number, number, string])[], more?: Partial<Scenario>): string | undefined =>
  failedIn(story(more), { answers }, good);

it('holds one bad answer among good ones against the repair', () => {
  const answers = [
    [1100, 1120, '200'],
    [1300, 1320, '502'],
    [1500, 1520, '200'],
    [1700, 1720, 'timeout'],
  ] as const;
  expect(judged(answers)).toBe('of 4 background requests after the repair 2 failed: 502, timeout');
});

it('asks of no request that began before, or ended while the change was taken back', () => {
  expect(
    judged([
      [999, 1019, '502'],
      [1000, 1020, '200'],
      [1990, 2010, '502'],
    ]),
  ).toBeUndefined();
});

it('knows the status of the symptom, and those that were never to go away', () => {
  expect(judged([[1100, 1120, '413']], { fails: 413 })).toContain('413');
  expect(judged([[1100, 1120, '404']])).toBeUndefined();
  expect(judged([[1100, 1120, '500']], { stillFails: [500] })).toBeUndefined();
});
