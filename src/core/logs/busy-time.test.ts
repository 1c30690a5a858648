import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BusyTime } from './busy-time.ts';

const startMs = 1_795_245_300_000;
const window = (seconds: number) => new BusyTime(startMs, startMs + seconds * 1000);

it('counts two requests that overlap as two, and two in a row as one', () => {
  const busy = window(60);
  busy.add(startMs + 12_000, 2000);
  busy.add(startMs + 12_000, 2000);
  busy.add(startMs + 30_000, 1000);
  busy.add(startMs + 31_000, 1000);
  expect(busy.peak()).toMatchObject({ requests: 4, busyMs: 6000, peak: 2, peakMs: startMs + 10_000 });
});

it('takes the mean over a second for short requests: 40 of 50 ms are two at once', () => {
  const busy = window(60);
  for (let index = 0; index < 80; index += 1) busy.add(startMs + 5000 + index * 25, 50);
  const { peak, peakRate } = busy.peak();
  expect(peak).toBeCloseTo(2, 1);
  expect(peakRate).toBe(40);
});

it('leaves out what a request took before the window', () => {
  const busy = window(60);
  busy.add(startMs + 1000, 3_600_000);
  expect(busy.peak()).toMatchObject({ busyMs: 1000, peak: 1, peakMs: startMs });
});

it('is the same for two halves of a log as for the whole of it', () => {
  const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 0, max: 100_000 })), { maxLength: 60 });
  fc.assert(
    fc.property(requests, requests, (some, others) => {
      const [whole, first, second] = [window(90), window(90), window(90)];
      for (const [end, took] of some) for (const one of [whole, first]) one.add(startMs + end, took);
      for (const [end, took] of others) for (const one of [whole, second]) one.add(startMs + end, took);
      first.addAll(second);
      expect(first.peak().peak).toBeCloseTo(whole.peak().peak, 2);
      expect(whole.peak().peak).toBeLessThanOrEqual(some.length + others.length + 0.01);
    }),
  );
});

it('holds out whatever the numbers are, in bounded memory', () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), fc.double({ min: 0, max: 1e12, noNaN: true }), (end, took, length) => {
      const busy = new BusyTime(startMs, startMs + length);
      busy.add(end, took);
      busy.add(startMs + length / 2, took);
      const { peak, busyMs } = busy.peak();
      return Number.isFinite(peak) && peak >= 0 && busyMs >= 0;
    }),
  );
});
