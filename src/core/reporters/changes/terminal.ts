import type { ChangeResult } from '../../model/change.ts';
import type { ChangesReport, FixReport, HistoryEntry, HistoryReport, PlannedFix, UndoReport } from '../../model/changes-report.ts';
import type { FixStep } from '../../model/finding.ts';
import { line, render, styled, wholeLine, type Line, type Look, type Style } from '../layout.ts';
import { shellLine } from '../text.ts';
import { sentence } from '../wording.ts';

const widest = 100;
const narrowest = 24;

/** The reports of `fix`, `undo` and `history` for a person. Every character of the host is escaped. Ends with a newline. */
export function renderChanges(report: ChangesReport, look: Look): string {
  return `${render(linesOf(report), { ...look, width: Math.min(widest, Math.max(narrowest, Math.floor(look.width))) })}\n`;
}

function linesOf(report: ChangesReport): readonly Line[] {
  switch (report.command) {
    case 'fix':
      return fixLines(report);
    case 'undo':
      return undoLines(report);
    case 'history':
      return historyLines(report);
  }
}

function fixLines(report: FixReport): readonly Line[] {
  const { plans, results, verdict, summary } = report;
  if (plans.length === 0) return [line(0, [styled('strong', sentence(summary))]), line(0, nothingText(report))];
  const shown = results.length > 0 ? plans.filter(({ plan }) => results.some(one => one.plan === plan.id)) : plans;
  const lines = shown.flatMap((planned, index) => [...(index === 0 ? [] : [line(0, '')]), ...planLines(planned)]);
  if (results.length > 0) return [...lines, ...results.flatMap(({ result }) => [line(0, ''), ...resultLines(result)])];
  const first = plans.find(({ plan }) => plan.automatic);
  const after =
    first === undefined
      ? [line(0, 'No plan here is applied by badhop: its steps are for you.')]
      : [line(0, ['Nothing was changed. To apply it: ']), wholeLine(2, styled('code', applyCommand(first)))];
  return [...lines, line(0, ''), ...(verdict === 'recovered' ? [line(0, 'What failed has stopped by itself.')] : []), ...after];
}

function applyCommand({ plan, disruptive, fault }: PlannedFix): string {
  return `badhop fix ${disruptive.length > 0 ? plan.id : fault} --apply`;
}

function nothingText({ verdict }: FixReport): string {
  if (verdict === 'healthy' || verdict === 'recovered') return 'There is nothing to fix.';
  return 'There is no plan for it. `badhop diagnose --verbose` shows all that was found and not checked.';
}

function planLines({ plan, title, subject, confidence, fault, diffs, disruptive }: PlannedFix): readonly Line[] {
  const how = plan.automatic ? [] : [styled('warn', ' (for you to carry out)')];
  const commands = plan.steps.filter(step => step.kind !== 'edit');
  return [
    line(0, [styled('strong', `${plan.id}: `), styled('strong', plan.summary), ...how], { hang: 2 }),
    line(2, [styled('quiet', `for ${fault} (${confidence}): `), `${title}, ${subject.name}`], { hang: 4 }),
    line(2, styled('quiet', `${plan.risk} risk, about ${plan.minutes} min`)),
    ...diffs.flatMap(({ diff }) => diffLines(diff)),
    ...commands.flatMap(stepLines),
    ...(plan.automatic
      ? plan.validate.map(argv => line(2, [styled('quiet', 'tested before anything takes it up with '), styled('code', shellLine(argv))], { hang: 4 }))
      : []),
    ...(disruptive.length > 0
      ? [line(2, styled('warn', 'Requests under way are cut off by it: it is applied only where the plan is named, or you say yes.'), { hang: 4 })]
      : []),
    line(2, [styled('quiet', 'verified by: '), plan.verify], { hang: 4 }),
  ];
}

function diffLines(diff: string): readonly Line[] {
  const styles: Readonly<Record<string, Style>> = { '+': 'good', '-': 'bad', '@': 'quiet' };
  return diff.split('\n').map(text => {
    const style = text.startsWith('+++') || text.startsWith('---') ? 'quiet' : styles[text.charAt(0)];
    return wholeLine(2, style === undefined ? text : styled(style, text));
  });
}

function stepLines(step: FixStep): readonly Line[] {
  if (step.kind === 'command') return [wholeLine(2, styled('code', shellLine(step.argv))), line(4, styled('quiet', sentence(step.why)))];
  if (step.kind === 'manual') return [line(2, step.text, { hang: 4 }), ...step.commands.map(text => wholeLine(4, styled('code', text)))];
  return [];
}

const outcomes: Readonly<Record<ChangeResult['outcome'], { readonly mark: string; readonly word: string; readonly style: Style }>> = {
  applied: { mark: '✓', word: 'APPLIED', style: 'good' },
  unverified: { mark: '?', word: 'APPLIED, NOT VERIFIED', style: 'warn' },
  'rolled-back': { mark: '✗', word: 'TAKEN BACK', style: 'warn' },
  'roll-back-failed': { mark: '✗', word: 'NOT ALL TAKEN BACK', style: 'bad' },
  refused: { mark: '✗', word: 'NOT APPLIED', style: 'warn' },
};

function resultLines({ outcome, id, why, diff, notes, verification }: ChangeResult): readonly Line[] {
  const { mark, word, style } = outcomes[outcome];
  const what = why ?? verification?.text ?? '';
  const isInForce = outcome === 'applied' || outcome === 'unverified';
  return [
    line(0, [styled(style, `${mark} ${word}`), ...(what === '' ? [] : ['  ', sentence(what)])], { hang: 2 }),
    ...(diff === undefined || diff === '' ? [] : diffLines(diff)),
    ...notes.map(text => line(2, sentence(text), { hang: 4 })),
    ...(outcome === 'rolled-back' ? [line(2, 'Every file is as it was before.', { hang: 4 })] : []),
    ...(isInForce && id !== undefined ? [line(0, ['To take it back: ', styled('code', `badhop undo ${id}`)])] : []),
  ];
}

function undoLines({ id, summary, files, result }: UndoReport): readonly Line[] {
  const word = result.outcome === 'applied' ? styled('good', '✓ UNDONE') : undefined;
  if (word === undefined) return [line(0, [styled('strong', `${id}: `), summary]), ...resultLines(result)];
  return [
    line(0, [word, '  ', summary], { hang: 2 }),
    ...files.map(path => line(2, `${path} has its old bytes, owner and mode again.`)),
    ...result.notes.map(text => line(2, sentence(text), { hang: 4 })),
  ];
}

const results: Readonly<Record<HistoryEntry['result'], Style>> = {
  applied: 'good',
  undone: 'quiet',
  'rolled-back': 'warn',
  conflict: 'bad',
  open: 'bad',
  unreadable: 'bad',
};

function historyLines({ changes }: HistoryReport): readonly Line[] {
  if (changes.length === 0) return [line(0, 'badhop has changed nothing on this host.')];
  return changes.flatMap(({ id, result, who, summary, files, commands, text, at }) => {
    const person = who === undefined ? '' : who.sudoUser === undefined ? who.user : `${who.sudoUser} (sudo, as ${who.user})`;
    const head = [styled('strong', id), '  ', styled(results[result], result), styled('quiet', `  ${at ?? ''}  ${person}`)];
    return [
      line(0, head, { hang: 2 }),
      ...(summary === undefined ? [] : [line(2, summary, { hang: 4 })]),
      ...(files.length === 0 ? [] : [line(2, styled('quiet', files.join(', ')), { hang: 4 })]),
      ...(commands.length === 0 ? [] : [line(2, styled('quiet', commands.map(argv => shellLine(argv)).join('; ')), { hang: 4 })]),
      ...(text === '' ? [] : [line(2, sentence(text), { hang: 4, maxRows: 3 })]),
    ];
  });
}
