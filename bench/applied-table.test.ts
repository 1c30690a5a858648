import { expect, it } from 'vitest';
import type { ScenarioRecord } from '../lab/results.ts';
import { appliedPartOf, appliedSection } from './applied-table.ts';
import { accuracyPage } from './accuracy-table.ts';
import { totalsOf } from './accuracy-score.ts';

const base: ScenarioRecord = { scenario: 'b', kind: 'fault', fault: 'backend-down', result: 'passed', at: '2026-11-21T00:00:00Z', machine: 'm', seconds: 9 };
const applied = { plan: 'start-unit', before: { requests: 20, failed: 12 }, after: { requests: 31, failed: 0 }, undone: true };
const records: readonly ScenarioRecord[] = [
  { ...base, applied },
  { ...base, scenario: 'a', applied: { plan: 'start-unit', undone: false }, result: 'failed', failedAt: 'undo' },
  { ...base, scenario: 'c', result: 'failed', failedAt: 'apply' },
  { ...base, scenario: 'by-hand' },
];

it('tells of each plan that was carried out what came of it', () => {
  const section = appliedSection(records, ['2026-11-21']);
  expect(section).toContain('1 of 3 ended the errors');
  expect(
    section
      .split('\n')
      .filter(line => line.startsWith('| '))
      .slice(2),
  ).toEqual([
    '| a | backend-down | start-unit | - | - | failed at: undo |',
    '| b | backend-down | start-unit | 12 of 20 | 0 of 31 | bytes, owner, mode as before |',
    '| c | backend-down | - | - | - | failed at: apply |',
  ]);
});

it('keeps that part when the page is made anew', () => {
  const section = appliedSection(records, ['2026-11-21']);
  const page = accuracyPage([], totalsOf([], new Map()), { machines: ['2 cores'], days: ['2026-11-22'] }, section);
  expect(appliedPartOf(page)?.trim()).toBe(section.trim());
  expect(accuracyPage([], totalsOf([], new Map()), { machines: ['2 cores'], days: ['2026-11-22'] }, appliedPartOf(page))).toBe(page);
  expect(appliedPartOf('# Accuracy\n')).toBeUndefined();
});
