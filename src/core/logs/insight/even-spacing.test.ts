import { describe, expect, it } from 'vitest';
import { describeLogs } from './describe-logs.ts';
import { comeEvenly, evenSpacing } from './even-spacing.ts';
import { eventsOf } from './events.ts';
import { combinedFormat, errorFormats, inputOf, randomOf, scanText } from './testing.ts';

const startMs = Date.UTC(2026, 10, 20, 10);
const two = (value: number): string => String(value).padStart(2, '0');
const seeds = Array.from({ length: 10 }, (_, index) => index + 1);

/** One failure each so many seconds, late by a part of that at most. */
function everySeconds(distance: number, count: number, late = 0, seed = 1): number[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, (_, index) => Math.floor(index * distance + random() * late * distance) * 1000);
}

function independent(count: number, spanS: number, seed: number): number[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => Math.floor(random() * spanS) * 1000).sort((a, b) => a - b);
}

function inBins(timesMs: readonly number[], widthMs = 10_000): ReturnType<typeof eventsOf> {
  const counts = new Float64Array(Math.ceil(((timesMs.at(-1) ?? 0) + 1) / widthMs));
  for (const time of timesMs) counts[Math.floor(time / widthMs)] = (counts[Math.floor(time / widthMs)] ?? 0) + 1;
  return eventsOf(counts);
}

function shapeOf(text: string): string | undefined {
  const formats = [combinedFormat, ...errorFormats];
  return describeLogs(inputOf(scanText('/var/log/nginx/a.log', text, formats), formats)).problems[0]?.shape.text;
}

const stamp = (ms: number): string => {
  const at = new Date(startMs + ms);
  return `${at.getUTCFullYear()}/${two(at.getUTCMonth() + 1)}/${two(at.getUTCDate())} ${at.toISOString().slice(11, 19)}`;
};
const refused = (ms: number, index: number): string =>
  `${stamp(ms)} [error] 12#12: *${index} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, server: a.test, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8080/", host: "a.test"\n`;

describe('evenSpacing', () => {
  it.each([2, 3, 4, 7, 7.5, 8, 13, 45])('tells the distance of failures each %d s', distance => {
    const found = evenSpacing(everySeconds(distance, 200));
    expect(Math.abs((found?.everyMs ?? 0) - distance * 1000)).toBeLessThanOrEqual(100);
    expect(found).toMatchObject({ share: 1, met: 200 });
    expect(found?.pValue).toBeLessThan(1e-9);
  });

  it.each(seeds)('finds none in failures that come independently, by seed %i', seed => {
    for (const span of [300, 3000, 30_000]) expect(evenSpacing(independent(150, span, seed))).toBeUndefined();
  });

  it('finds none in a few, nor in many at once', () => {
    expect(evenSpacing(everySeconds(5, 20))).toBeUndefined();
    expect(evenSpacing(everySeconds(300, 20).flatMap(time => Array.from({ length: 10 }, () => time)))).toBeUndefined();
  });
});

describe('comeEvenly', () => {
  it.each([1, 2, 3, 4, 7.5, 8])('is true of all and of two in three of the failures each %d s', distance => {
    const times = everySeconds(distance, 900, 0.3);
    expect(comeEvenly(inBins(times), times)).toBe(true);
    const random = randomOf(3);
    expect(
      comeEvenly(
        inBins(times),
        times.filter(() => random() < 0.66),
      ),
    ).toBe(true);
  });

  it.each(seeds)('is false of failures that come independently, and of bursts, by seed %i', seed => {
    for (const span of [900, 9000]) {
      const times = independent(600, span, seed);
      expect(comeEvenly(inBins(times), times)).toBe(false);
    }
    const bursts = everySeconds(60, 60).flatMap(time => Array.from({ length: 10 }, (_, index) => time + index * 500));
    expect(comeEvenly(inBins(bursts), bursts)).toBe(false);
  });
});

describe('failures that come evenly', () => {
  it('have their distance for a period, not what bins of ten seconds make of it', () => {
    expect(
      shapeOf(
        everySeconds(3, 400)
          .map((ms, index) => refused(ms, index))
          .join(''),
      ),
    ).toBe('every 3 s ± 0.5 s, in 400 of 400 cycles');
  });

  it.each([3, 4, 7.5, 8])('have no longer period where not all of their times are looked at, one each %d s', distance => {
    expect(
      shapeOf(
        everySeconds(distance, 900, 0.3)
          .map((ms, index) => refused(ms, index))
          .join(''),
      ),
    ).toMatch(/^(?:[\d.]+ a minute over|every 8 s) /u);
  });

  it('keep to a period that is as long as their distance', () => {
    expect(
      shapeOf(
        everySeconds(30, 240)
          .map((ms, index) => refused(ms, index))
          .join(''),
      ),
    ).toMatch(/^every 30 s ± /u);
  });
});
