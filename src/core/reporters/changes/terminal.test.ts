import { describe, expect, it } from 'vitest';
import type { FixReport, HistoryReport, UndoReport } from '../../model/changes-report.ts';
import type { ChangeResult } from '../../model/change.ts';
import type { Report } from '../../model/report.ts';
import { sampleReports } from '../terminal.fixtures/sample-reports.ts';
import { renderChanges } from './terminal.ts';

const look = { width: 100, colour: false, unicode: true };
const head = { schemaVersion: 1, tool: { name: 'badhop', version: '0.0.0' }, hostname: 'web1', startedAt: '2026-11-21T07:40:00.000Z' } as const;
const { findings }: Report = sampleReports.failing;
const [finding] = findings;
const [plan] = finding?.fixes ?? [];
if (finding === undefined || plan === undefined) throw new Error('the sample has no plan');
const { fault, title, confidence, status, subject } = finding;
const planned = {
  fault,
  title,
  confidence,
  status,
  subject,
  plan,
  diffs: [{ path: '/etc/x', diff: '--- /etc/x\n+++ /etc/x\n@@ -1,1 +1,1 @@\n-a\n+b' }],
  disruptive: [],
};
const fix: FixReport = { ...head, command: 'fix', verdict: 'failing', summary: 'it fails', diagnosedAt: head.startedAt, plans: [planned], results: [] };

function withResult(result: ChangeResult): string {
  return renderChanges({ ...fix, results: [{ plan: plan?.id ?? '', fault, subject: subject.id, result }] }, look);
}

describe('the report of fix', () => {
  it('shows a plan with its diff, its test and what applies it', () => {
    const text = renderChanges(fix, look);
    for (const piece of [plan.summary, '  -a\n  +b', 'low risk', 'tested before', 'Nothing was changed', `badhop fix ${fault} --apply`])
      expect(text).toContain(piece);
  });

  it('names the plan itself where it cuts requests off, and applies none that is for a person', () => {
    expect(renderChanges({ ...fix, plans: [{ ...planned, disruptive: [['systemctl', 'restart', 'x']] }] }, look)).toContain(`badhop fix ${plan.id} --apply`);
    const byHand = renderChanges({ ...fix, plans: [{ ...planned, plan: { ...plan, automatic: false } }] }, look);
    expect(byHand).toContain('for you to carry out');
    expect(byHand).not.toContain('--apply');
  });

  it('says where there is nothing to do', () => {
    expect(renderChanges({ ...fix, plans: [], verdict: 'healthy' }, look)).toContain('There is nothing to fix.');
    expect(renderChanges({ ...fix, plans: [] }, look)).toContain('There is no plan for it.');
  });

  it.each([
    [{ outcome: 'applied', id: 'X', notes: ['a note'] }, ['✓ APPLIED', 'a note.', 'badhop undo X']],
    [{ outcome: 'unverified', id: 'X', notes: [] }, ['? APPLIED, NOT VERIFIED', 'badhop undo X']],
    [{ outcome: 'rolled-back', id: 'X', why: 'it still fails', notes: [] }, ['✗ TAKEN BACK', 'it still fails.', 'Every file is as it was before.']],
    [{ outcome: 'roll-back-failed', id: 'X', why: 'w', diff: '+theirs', notes: [] }, ['✗ NOT ALL TAKEN BACK', '+theirs']],
    [{ outcome: 'refused', why: 'changed since', notes: [] }, ['✗ NOT APPLIED', 'changed since.']],
  ] as const)('says how it ended: %j', (result, pieces) => {
    for (const piece of pieces) expect(withResult(result)).toContain(piece);
  });
});

it('tells an undo by its files, and one that was refused by what somebody changed', () => {
  const undo: UndoReport = { ...head, command: 'undo', id: 'X', summary: 'Say more', files: ['/etc/x'], result: { outcome: 'applied', notes: [] } };
  expect(renderChanges(undo, look)).toBe('✓ UNDONE  Say more\n  /etc/x has its old bytes, owner and mode again.\n');
  expect(renderChanges({ ...undo, result: { outcome: 'refused', why: 'it was changed', diff: '+# mine', notes: [] } }, look)).toContain('+# mine');
});

it('lists who did what, and lets nothing of the host act on the terminal', () => {
  const entry = {
    id: 'X',
    result: 'undone',
    who: { uid: 0, user: 'root', sudoUser: 'ada\u001B[2J' },
    summary: 'Say\u202Emore',
    files: ['/etc/x'],
    commands: [['systemctl', 'reload', 'a b']],
    text: '',
  } as const;
  const history: HistoryReport = { ...head, command: 'history', changes: [entry] };
  const text = renderChanges(history, look);
  expect(text).toContain(String.raw`ada\x1b[2J (sudo, as root)`);
  expect(text).toContain("systemctl reload 'a b'");
  expect(text).not.toMatch(/[\u001B\u202E]/);
  expect(renderChanges({ ...history, changes: [] }, look)).toContain('has changed nothing');
});
