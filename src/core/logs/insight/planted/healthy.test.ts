import { describe, expect, it } from 'vitest';
import { insightOf } from '../testing.ts';
import { healthy } from './testing.ts';

describe('healthy logs', () => {
  it.each(Array.from({ length: 50 }, (_, index) => index + 1))('of seed %i have no problem', seed => {
    const insight = insightOf(healthy(seed), seed % 2 === 0);
    expect([insight.verdict, insight.problems, insight.findings, insight.peers.filter(({ standsOut }) => standsOut)]).toEqual(['healthy', [], [], []]);
  });
});
