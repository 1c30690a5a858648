import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TimeBuckets } from '../model/facts/logs.ts';
import { attributeAnswer } from './attribution.ts';
import { BucketCounter, mergeBuckets, NumberSampler } from './buckets.ts';
import { CountTable } from './intern.ts';
import { isOngoing, shapeOf } from './shape.ts';
import { urlTemplate } from './url-template.ts';

function bucketsOf(times: readonly number[]): TimeBuckets {
  const counter = new BucketCounter();
  for (const time of times) counter.add(time);
  return counter.toBuckets();
}

function every(stepMs: number, fromMs: number, toMs: number): readonly number[] {
  const times: number[] = [];
  for (let at = fromMs; at < toMs; at += stepMs) times.push(at);
  return times;
}

const minute = 60_000;

describe('shape', () => {
  const shape = (times: readonly number[], nowMs = 900_000) => shapeOf({ buckets: bucketsOf(times), windowFromMs: 0, nowMs });
  const ongoing = (times: readonly number[], nowMs: number) => isOngoing({ buckets: bucketsOf(times), nowMs, lastMs: times.at(-1) ?? 0 });

  it('names once, a burst, steady and periodic', () => {
    expect(shape([1000]).when).toBe('once');
    expect(shape([1000, 2000, 3000, 15_000])).toMatchObject({ when: 'burst', text: '4 within 20 s' });
    expect(shape(every(1000, 0, 900_000))).toMatchObject({ when: 'steady', text: '1 a second over 15 min' });
    expect(shape(every(5 * minute, 0, 900_000))).toMatchObject({ when: 'periodic', periodMs: 5 * minute, text: 'every 5 min' });
    expect(shape([0, 1, 2].flatMap(index => every(500, index * 2 * minute, index * 2 * minute + 8000)))).toMatchObject({
      when: 'periodic',
      periodMs: 2 * minute,
    });
    expect(shape([]).when).toBe('unknown');
  });

  it('judges whether they go on by their own rhythm', () => {
    expect(ongoing(every(1000, 0, 600_000), 610_000)).toBe(true);
    expect(ongoing(every(1000, 0, 600_000), 660_000)).toBe(false);
    expect(ongoing(every(5 * minute, 0, 16 * minute), 24 * minute)).toBe(true);
    expect(ongoing(every(5 * minute, 0, 16 * minute), 26 * minute)).toBe(false);
    expect(ongoing([0, 5 * minute], 11 * minute)).toBe(true);
    expect(ongoing([0, 5 * minute], 14 * minute)).toBe(false);
    expect(ongoing([0], 90_000)).toBe(true);
    expect(ongoing([0], 200_000)).toBe(false);
  });

  it('takes a pause inside one long outage for no rhythm', () => {
    expect(ongoing([...every(1000, 0, 180_000), ...every(1000, 280_000, 400_000)], 480_000)).toBe(false);
  });
});

describe('url templates', () => {
  it.each([
    ['/users/4711/orders/9f86d081-1111-4222-8333-444455556666?x=1', '/users/{n}/orders/{id}'],
    ['/v1/api/v2', '/v1/api/v2'],
    ['/a/9f86d081884c7d65', '/a/{id}'],
    ['/item-12345.html', '/item-{n}.html'],
    ['/assets/app.8f3a2b1c.css', '/assets/app.{id}.css'],
    ['/deadbeef', '/deadbeef'],
    ['http://shop.example/x/1?y', '/x/{n}'],
    ['/', '/'],
    ['', ''],
    ['/t/eyJhbGciOiJIUzI1NiIsInR5cCI6', '/t/{id}'],
  ])('%s', (uri, expected) => {
    expect(urlTemplate(uri)).toBe(expected);
  });

  it('are bounded and never throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 10_000 }), uri => urlTemplate(uri).length <= 161));
  });
});

describe('who made the answer', () => {
  it.each([
    [{ status: 502, statuses: ['502'], headerTimes: ['0.010'] }, 'backend'],
    [{ status: 502, statuses: ['502'], headerTimes: ['-'] }, 'nginx'],
    [{ status: 502, statuses: ['502'], headerTimes: [] }, 'nginx'],
    [{ status: 502, statuses: ['502'], connectTimes: [] }, 'nginx'],
    [{ status: 502, headerTimes: [] }, 'nginx'],
    [{ status: 502, statuses: ['502'], addresses: ['backend'] }, 'nginx'],
    [{ status: 502, statuses: [], addresses: [] }, 'nginx'],
    [{ status: 504, statuses: ['504'], headerTimes: ['-'] }, 'nginx'],
    [{ status: 504, statuses: ['504'], headerTimes: ['1.0'] }, 'backend'],
    [{ status: 502, statuses: ['502', '502'], headerTimes: ['-', '0.1'] }, 'backend'],
    [{ status: 200, statuses: ['502', '200'], headerTimes: ['-', '0.1'] }, 'nginx'],
    [{ status: 200, statuses: ['502'], headerTimes: [] }, 'nginx'],
    [{ status: 404, statuses: ['502'], headerTimes: ['0.1'] }, 'backend'],
    [{ status: 500, statuses: ['200'], headerTimes: ['0.1'] }, 'nginx'],
    [{ status: 500, statuses: ['-'], addresses: [''] }, 'nginx'],
    [{ status: 500, statuses: ['500'] }, 'backend'],
    [{ status: 503, statuses: ['503'] }, 'backend'],
    [{ status: 503, statuses: [] }, 'nginx'],
    [{ status: 499, statuses: ['-'] }, 'client'],
    [{ status: 413, statuses: [] }, 'client'],
    [{ status: 413, statuses: ['413'] }, 'backend'],
    [{ status: 9, statuses: ['200'] }, 'backend'],
    [{ status: 502, statuses: ['502'], connectTimes: ['-'] }, 'nginx'],
    [{ status: 502, statuses: ['502'], bytesReceived: ['0'] }, 'nginx'],
  ])('%o', (facts, expected) => {
    expect(attributeAnswer(facts).madeBy).toBe(expected);
  });

  it('is unknown where the format lacks what tells', () => {
    expect(attributeAnswer({ status: 502 })).toEqual({ madeBy: 'unknown', because: 'the log format lacks $upstream_status' });
    expect(attributeAnswer({ status: 502, statuses: ['502'] })).toEqual({ madeBy: 'unknown', because: 'the log format lacks $upstream_header_time' });
  });
});

describe('counts', () => {
  it('are never lost, however many buckets there are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 6000 }), times => {
        const { counts, starts } = bucketsOf(times);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(times.length);
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
        expect(starts.length).toBeLessThanOrEqual(4097);
      }),
      { numRuns: 20 },
    );
  });

  it('merge', () => {
    expect(mergeBuckets([bucketsOf([0, 1]), bucketsOf([5, 20_000])])).toEqual({ widthMs: 10_000, starts: [0, 20_000], counts: [3, 1] });
  });

  it('summarise numbers', () => {
    const sampler = new NumberSampler();
    for (let value = 1; value <= 10_000; value += 1) sampler.add(value);
    const summary = sampler.summary();
    expect(summary).toMatchObject({ count: 10_000, min: 1, max: 10_000 });
    expect(summary?.median).toBeGreaterThan(4800);
    expect(summary?.median).toBeLessThan(5200);
    expect(new NumberSampler().summary()).toBeUndefined();
  });

  it('go to `(other)` beyond the limit, and digits alone make no new name', () => {
    const decode = (bytes: Uint8Array, start: number, end: number): string => new TextDecoder().decode(bytes.subarray(start, end));
    const table = new CountTable(2, true, (bytes, start, end) => urlTemplate(decode(bytes, start, end)));
    for (const path of ['/a/1', '/a/22?x', '/b', '/c', '/d', '/v1', '/v2']) {
      const bytes = new TextEncoder().encode(path);
      table.find(bytes, 0, bytes.length).total += 1;
    }
    expect(table.list().map(({ key, total }) => [key, total])).toEqual([
      ['(other)', 4],
      ['/a/{n}', 2],
      ['/b', 1],
    ]);
  });
});
