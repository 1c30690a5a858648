import { describe, expect, it } from 'vitest';
import { haproxy, healthy, insightBy, plantIn } from './testing.ts';

describe.each([1, 2, 3])('planted by seed %i', seed => {
  plantIn(haproxy, seed);
});

describe('healthy logs', () => {
  it.each(Array.from({ length: 8 }, (_, index) => index + 101))('of seed %i have no problem', seed => {
    const insight = insightBy(haproxy, healthy(seed));
    expect([insight.verdict, insight.problems, insight.findings, insight.peers.filter(({ standsOut }) => standsOut)]).toEqual(['healthy', [], [], []]);
  });
});
