import { expect, it } from 'vitest';
import type { Look } from '../layout.ts';
import { followLine } from './follow-line.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';

const look: Look = { width: 100, colour: false, unicode: true };
const { failing, healthy, hostile } = sampleReports;
const [refused] = failing.problems;
const later = {
  ...failing,
  totals: { ...failing.totals, requests: failing.totals.requests + 1200, failed: failing.totals.failed + 30 },
  problems:
    refused === undefined ? [] : [{ ...refused, count: refused.count + 30, peers: [{ peer: '10.0.0.7:8080', count: (refused.peers[0]?.count ?? 0) + 30 }] }],
};

it('tells what came since the report before', () => {
  expect(followLine(later, { ...failing, problems: failing.problems.slice(0, 1) }, look)).toBe(
    '07:59:59  1,200 requests, 30 failed (2.5 %): 502 × 30; 10.0.0.7:8080 (30)',
  );
});

it('tells all of it the first time', () => {
  expect(followLine(healthy, undefined, look)).toBe('06:00:00  954,820 requests');
});

it('is silent where nothing came', () => {
  expect(followLine(failing, failing, look)).toBe('');
});

it('takes one row and lets nothing through that a terminal acts on', () => {
  for (const width of [24, 80]) {
    const row = followLine(hostile, undefined, { ...look, width });
    expect(row).not.toMatch(/\p{Cc}/u);
    expect(row.length).toBeLessThanOrEqual(width);
  }
});
