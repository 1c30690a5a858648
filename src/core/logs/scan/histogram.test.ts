import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addHistograms, coarseSteps, coarseStepOf, emptyHistogram, histogramSteps, lowestOf, middleStepOf, quantile, stepOf } from './histogram.ts';
import { mostMicros } from './program.ts';
import type { Histogram } from './roll-up.ts';

const micros = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.double({ min: 0, max: 1, noNaN: true }).map(share => Math.floor(mostMicros ** share)),
);
const histogramOf = (values: readonly number[]): Histogram =>
  values.reduce((sum, value) => addHistograms(sum, { steps: [stepOf(value)], counts: [1], sum: value }), emptyHistogram);

describe('the steps of a histogram', () => {
  it('are as they are described', () => {
    expect([0, 1, 2, 3, 4, 1023, 1024, 1087, 1088, 2047, 2048, 2 ** 32 - 1, 2 ** 32, mostMicros].map(stepOf)).toEqual([
      0, 1, 2, 2, 3, 10, 11, 11, 12, 26, 27, 362, 363, 522,
    ]);
    expect(stepOf(mostMicros)).toBe(histogramSteps - 1);
    expect(coarseStepOf(stepOf(mostMicros))).toBe(coarseSteps - 1);
  });

  it('hold each value between the lowest of its step and that of the next', () => {
    fc.assert(
      fc.property(micros, value => {
        expect(lowestOf(stepOf(value))).toBeLessThanOrEqual(value);
        expect(lowestOf(stepOf(value) + 1)).toBeGreaterThan(value);
        const coarse = coarseStepOf(stepOf(value));
        expect(coarseStepOf(middleStepOf(coarse))).toBe(coarse);
      }),
    );
  });
});

describe('quantile', () => {
  it('is wrong by 1/32 at most from a millisecond on', () => {
    fc.assert(
      fc.property(fc.array(micros, { minLength: 1, maxLength: 50 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1] ?? 0;
        const estimate = quantile(histogramOf(values), q);
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact / (exact >= 1024 ? 32 : 2));
      }),
    );
  });

  it('of the latency of a bucket is wrong by 1/8 at most', () => {
    fc.assert(
      fc.property(micros, value => {
        fc.pre(value >= 1024);
        const estimate = quantile({ steps: [middleStepOf(coarseStepOf(stepOf(value)))], counts: [1], sum: value }, 0.5);
        expect(Math.abs(estimate - value)).toBeLessThanOrEqual(value / 8);
      }),
    );
  });

  it('of nothing is no number', () => {
    expect(quantile(emptyHistogram, 0.5)).toBeNaN();
  });
});

describe('addHistograms', () => {
  it('is the histogram of all values, in any order', () => {
    fc.assert(
      fc.property(fc.array(micros), fc.array(micros), (a, b) => {
        const whole = histogramOf([...a, ...b]);
        expect(addHistograms(histogramOf(a), histogramOf(b))).toEqual(whole);
        expect(addHistograms(histogramOf(b), histogramOf(a))).toEqual(whole);
      }),
    );
  });
});
