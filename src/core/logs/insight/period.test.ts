import { describe, expect, it } from 'vitest';
import { findPeriod, type Period } from './period.ts';
import { randomOf, type Random } from './testing.ts';

const day = 86_400;

function periodIn(timesS: readonly number[], spanS: number, widthS = 10, load?: Float64Array): Period | undefined {
  const sorted = timesS.filter(time => time >= 0 && time < spanS).sort((a, b) => a - b);
  const counts = new Float64Array(Math.ceil(spanS / widthS));
  for (const time of sorted) counts[Math.floor(time / widthS)] = (counts[Math.floor(time / widthS)] ?? 0) + 1;
  const timesMs = sorted.map(time => Math.floor(time) * 1000);
  return findPeriod({ counts, widthMs: widthS * 1000, startMs: 0, timesMs, ...(load === undefined ? {} : { load }) }).period;
}

const noise = (random: Random, count: number, spanS: number): number[] => Array.from({ length: count }, () => random() * spanS);

function beats(random: Random, everyS: number, jitterS: number, spanS: number, missed = 0): number[] {
  const times: number[] = [];
  for (let time = random() * everyS; time < spanS; time += everyS) if (random() >= missed) times.push(time + (random() * 2 - 1) * jitterS);
  return times;
}

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

describe.each<[string, number, number, (random: Random) => number[]]>([
  ['under noise of the same rate', 300, day, random => [...beats(random, 300, 4, day), ...noise(random, 288, day)]],
  ['under twenty times as much noise', 300, day, random => [...beats(random, 300, 4, day), ...noise(random, 5760, day)]],
  ['in two hours', 300, 7200, random => [...beats(random, 300, 4, 7200), ...noise(random, 24, 7200)]],
  ['with six of ten beats missed', 300, day, random => [...beats(random, 300, 4, day, 0.6), ...noise(random, 288, day)]],
  ['of an hour', 3600, day, random => [...beats(random, 3600, 5, day), ...noise(random, 24, day)]],
  ['of a minute', 60, day / 4, random => [...beats(random, 60, 2, day / 4), ...noise(random, 360, day / 4)]],
  [
    'of many failures each time',
    900,
    day,
    random => [...beats(random, 900, 4, day).flatMap(time => noise(random, 20, 8).map(more => time + more)), ...noise(random, 2000, day)],
  ],
])('a period %s', (_, everyS, spanS, plant) => {
  it.each(seeds)('is found by seed %i', seed => {
    const period = periodIn(plant(randomOf(seed)), spanS);
    expect(period?.everyMs).toBeGreaterThan(everyS * 990);
    expect(period?.everyMs).toBeLessThan(everyS * 1010);
    expect(period?.pValue).toBeLessThan(1e-4);
  });
});

it.each(seeds)('outages of 40 s each hour are whole outages, and the rest is what it is, by seed %i', seed => {
  const random = randomOf(seed);
  const outages = beats(random, 3600, 2, day).flatMap(time => noise(random, 16, 40).map(more => time + more));
  expect(periodIn(outages, day)?.share).toBeGreaterThan(0.97);
  const share = outages.length / (outages.length + 100);
  expect(Math.abs((periodIn([...outages, ...noise(random, 100, day)], day)?.share ?? 0) - share)).toBeLessThan(0.06);
});

it.each(seeds)('a period whose clock starts anew with each beat is found by seed %i', seed => {
  const random = randomOf(seed);
  const times: number[] = [];
  for (let time = 0; time < day; time += 300 + (random() * 2 - 1) * 6) times.push(time);
  const period = periodIn([...times, ...noise(random, 288, day)], day);
  expect(Math.abs((period?.everyMs ?? 0) - 300_000)).toBeLessThan(5000);
});

it.each(seeds)('of two periods one is told, and none that is neither, by seed %i', seed => {
  const random = randomOf(seed);
  const everyMs = periodIn([...beats(random, 300, 4, day), ...beats(random, 700, 4, day)], day)?.everyMs ?? 0;
  expect(Math.min(Math.abs(everyMs - 300_000), Math.abs(everyMs - 700_000))).toBeLessThan(3000);
});

describe.each<[string, number, (random: Random) => number[]]>([
  ['noise', day, random => noise(random, 1500, day)],
  ['a few failures', 3600, random => noise(random, 20, 3600)],
  [
    'bursts of all sizes',
    day,
    random => noise(random, 40, day).flatMap(time => noise(random, 1 + Math.floor(random() ** 3 * 100), 5 + random() * 600).map(more => time + more)),
  ],
  ['few large bursts', day, random => noise(random, 4, day).flatMap(time => noise(random, 200, 120).map(more => time + more))],
  ['the load of the day', 4 * day, random => noise(random, 4000, 4 * day).filter(time => random() < 0.5 + 0.5 * Math.sin((time / day) * 2 * Math.PI))],
  ['a growing load', day, random => noise(random, 3000, day).filter(time => random() < time / day)],
  [
    'gaps like themselves at all scales',
    day,
    random => {
      const times: number[] = [];
      for (let time = 0; time < day; time += 5 * (random() + 1e-6) ** (-1 / 1.2)) times.push(time);
      return times;
    },
  ],
])('in %s', (_, spanS, plant) => {
  it.each(seeds)('there is no period, by seed %i', seed => {
    expect(periodIn(plant(randomOf(seed)), spanS, spanS > day ? 40 : 10)).toBeUndefined();
  });
});

it('requests that come by the minute and fail at random have no period', () => {
  const random = randomOf(5);
  const load = new Float64Array(day / 10);
  const failed: number[] = [];
  for (let time = 0; time < day; time += 60) {
    for (let each = 0; each < 20; each += 1) {
      load[Math.floor(time / 10)] = (load[Math.floor(time / 10)] ?? 0) + 1;
      if (random() < 0.05) failed.push(time);
    }
    const other = Math.floor((time + random() * 60) / 10);
    load[other] = (load[other] ?? 0) + 10;
    for (let each = 0; each < 10; each += 1) if (random() < 0.05) failed.push(other * 10);
  }
  expect(periodIn(failed, day, 10)?.everyMs).toBe(60_000);
  expect(periodIn(failed, day, 10, load)).toBeUndefined();
});

it('a period without any noise is no part of itself', () => {
  const random = randomOf(9);
  expect(periodIn(beats(random, 600, 3, day / 4), day / 4)?.everyMs).toBe(600_000);
});
