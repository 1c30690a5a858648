import { describe, expect, it } from 'vitest';
import { goesWith } from './goes-with.ts';
import { lnFisherTail, lnGamma, lnGammaTail, lnNormalTail, oddsRatio, ranksOf, shareInterval } from './statistics.ts';
import { randomOf } from './testing.ts';
import { countOf, rateText, shareText, spanText } from './words.ts';

describe('probabilities are those of the tables', () => {
  it.each([
    [1, 0],
    [5, Math.log(24)],
    [0.5, Math.log(Math.sqrt(Math.PI))],
    [171, 706.5730622457874],
  ])('ln gamma(%d)', (x, expected) => {
    expect(lnGamma(x)).toBeCloseTo(expected, 8);
  });

  it.each([
    [0, 0.5],
    [1.959964, 0.025],
    [-1, 0.841344746],
    [6, 9.865876e-10],
  ])('normal tail of %d', (z, expected) => {
    expect(Math.exp(lnNormalTail(z)) / expected).toBeCloseTo(1, 4);
  });

  it('of sums of exponentials', () => {
    expect(lnGammaTail(1, 3)).toBeCloseTo(-3);
    expect(Math.exp(lnGammaTail(3, 2))).toBeCloseTo(Math.exp(-2) * (1 + 2 + 2), 10);
  });

  it("of Fisher's tea", () => {
    expect(Math.exp(lnFisherTail(4, 4, 0, 4))).toBeCloseTo(1 / 70, 10);
    expect(Math.exp(lnFisherTail(3, 4, 1, 4))).toBeCloseTo(17 / 70, 10);
    expect(lnFisherTail(2, 4, 2, 4)).toBe(0);
  });

  it('and so are odds, shares and ranks', () => {
    expect(oddsRatio([[90, 10, 50, 50]]).ratio).toBeCloseTo(8.6, 0);
    expect(oddsRatio([[90, 10, 50, 50]]).low).toBeGreaterThan(3.5);
    // Within each of the strata there is no difference, though there is one in their sum.
    expect(
      oddsRatio([
        [900, 100, 90, 10],
        [10, 90, 100, 900],
      ]).ratio,
    ).toBeCloseTo(1, 1);
    expect(shareInterval(0, 100)[0]).toBeCloseTo(0, 10);
    expect(shareInterval(5, 100).map(each => Math.round(each * 1000))).toEqual([22, 112]);
    expect([...ranksOf([3, 1, 3, 2])]).toEqual([3.5, 1, 3.5, 2]);
  });
});

describe('what failures go with', () => {
  const steps = Array.from({ length: 200 }, (_, step) => step);
  const requests = steps.map(step => Math.round(400 + 300 * Math.sin(step / 5)));
  const median = steps.map(step => 0.1 + 0.05 * Math.sin(step / 3));

  it.each(Array.from({ length: 20 }, (_, index) => index))('is neither load nor latency where the share is the same all the time, by seed %i', seed => {
    const random = randomOf(seed);
    expect(
      goesWith(
        requests.map(count => count * 0.02 * (0.5 + random())),
        { requests, median },
      ),
    ).toEqual([]);
  });

  it('is the load where a larger share fails when it is busy', () => {
    const random = randomOf(1);
    const failed = requests.map(count => count * 0.02 * (count / 400) ** 2 * (0.8 + 0.4 * random()));
    expect(goesWith(failed, { requests, median }).map(({ what }) => what)).toEqual(['load']);
  });

  it('is latency where a larger share fails when answers are slow', () => {
    const random = randomOf(2);
    const failed = requests.map((count, step) => count * 0.2 * (median[step] ?? 0) ** 2 * (0.8 + 0.4 * random()));
    expect(goesWith(failed, { requests, median }).map(({ what }) => what)).toEqual(['latency']);
  });
});

it('numbers read well', () => {
  expect([countOf(1, 'request'), countOf(4120, 'request'), countOf(1_234_567, 'line')]).toEqual(['1 request', '4,120 requests', '1,234,567 lines']);
  expect([0.000001, 0.0021, 0.00034, 0.052, 0.34, 0.9999, 1].map(shareText)).toEqual([
    'less than 0.001 %',
    '0.21 %',
    '0.034 %',
    '5.2 %',
    '34 %',
    '99.9 %',
    '100 %',
  ]);
  expect([400, 40_000, 300_000, 720_000, 12_600_000, 3 * 86_400_000].map(spanText)).toEqual(['0.4 s', '40 s', '300 s', '12 min', '3.5 h', '3 days']);
  expect([rateText(120, 10_000), rateText(45, 600_000), rateText(2, 3_600_000), rateText(3, 86_400_000)]).toEqual([
    '12 a second',
    '4.5 a minute',
    '2 an hour',
    '3 a day',
  ]);
});
