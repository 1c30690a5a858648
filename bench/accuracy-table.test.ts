import { expect, it } from 'vitest';
import type { Score } from './accuracy-score.ts';
import { totalsOf } from './accuracy-score.ts';
import { accuracyPage, scoreboard } from './accuracy-table.ts';

const finding = { fault: 'backend-down', confidence: 'confirmed', status: 'active', share: 1 } as const;
const base: Score = { scenario: 'a', kind: 'fault', isOpen: false, isJudged: true, isAsExpected: true, confidentlyWrong: [], seconds: 4.4 };
const scores: readonly Score[] = [
  { ...base, scenario: 'late', expected: 'backend-down', rank: 3, first: { ...finding, fault: 'firewall-drop' }, confidentlyWrong: ['firewall-drop'] },
  { ...base, scenario: 'calm', kind: 'healthy', isSilent: true, diagnosisMs: 700 },
  { ...base, scenario: 'guess', expected: 'backend-down', isOpen: true, diagnosisMs: 900 },
  { ...base, scenario: 'mute', expected: 'backend-down', isAsExpected: false, failedAt: 'diagnose' },
  { ...base, scenario: 'unbroken', kind: 'twin', expected: 'backend-down', isJudged: false, isAsExpected: false, failedAt: 'symptom' },
  { ...base, scenario: 'good', expected: 'backend-down', rank: 1, first: finding, diagnosisMs: 800 },
];

it('prints one line a scenario, by name, whatever the order in which they ended', () => {
  const [, , ...rows] = scoreboard(scores).split('\n');
  expect(rows).toEqual([
    '| calm | healthy | nothing active | none | silent | - | as expected | 4 | 700 |',
    '| good | fault | backend-down | backend-down, confirmed, active | 1 | - | as expected | 4 | 800 |',
    '| guess | fault | backend-down (open) | none | not found | - | as expected | 4 | 900 |',
    '| late | fault | backend-down | firewall-drop, confirmed, active | 3 (top 3) | firewall-drop | as expected | 4 | - |',
    '| mute | fault | backend-down | no report | not found | - | failed at: diagnose | 4 | - |',
    '| unbroken | twin | backend-down | not asked | - | - | failed at: symptom | 4 | - |',
  ]);
  expect(scoreboard(scores.toReversed())).toBe(scoreboard(scores));
});

it('says on the page when and where it was seen, and the totals', () => {
  const page = accuracyPage(scores, totalsOf(scores, new Map([['backend-down', []]])), { machines: ['2 cores'], days: ['2026-11-21'] });
  expect(page).toContain('Seen 2026-11-21 on 2 cores');
  expect(page).toContain('| Expected fault first (top 1) | 1 of 3 (33.3 %) |');
  expect(page).toContain('| Silent on a healthy host | 1 of 1 (100 %) |');
  expect(page).toContain('| **Sure and wrong** | **1** |');
  expect(page).toContain('| Diagnosis, median | 800 ms |');
});
