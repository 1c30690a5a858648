import type { LintFinding, LintReport, LintSeverity, LintSpan } from '../../model/lint.ts';
import { glue, line, render, styled, wholeLine, type Line, type Look, type Span, type Style } from '../layout.ts';
import { escapeText, textWidth } from '../text.ts';

const styles: Readonly<Record<LintSeverity, Style>> = { error: 'bad', warning: 'warn', notice: 'quiet' };
const mostIgnored = 10;

/** The report for a terminal, with a final newline. `withFixes` shows the diff of every finding that has one. */
export function renderLintTerminal(report: LintReport, look: Look, { withFixes = false }: { readonly withFixes?: boolean } = {}): string {
  const blocks = [
    ...report.findings.map(finding => findingLines(finding, look, withFixes)),
    ...(report.ignored.length === 0 ? [] : [ignoredLines(report)]),
    ...(report.notChecked.length === 0 ? [] : [gapLines(report)]),
    summary(report, withFixes),
  ];
  return `${blocks.map(lines => render(lines, look)).join('\n\n')}\n`;
}

function findingLines(finding: LintFinding, look: Look, withFixes: boolean): Line[] {
  const { severity, rule, message, advice, related, fix } = finding;
  return [
    line(0, [styled(styles[severity], severity), ` ${placeOf(finding)} `, styled('quiet', rule)], { hang: 2 }),
    ...sourceLines(finding, look, styles[severity]),
    line(2, message),
    line(2, [styled('strong', '→ '), advice], { hang: 4 }),
    ...related.flatMap(one => [line(2, [styled('quiet', `${placeOf(one)}: `), one.text], { hang: 4 }), ...sourceLines(one, look, 'quiet')]),
    ...(fix === undefined || !withFixes ? [] : [line(2, [styled('good', 'Fix: '), `${fix.summary}.`], { hang: 4 }), ...fix.diffs.flatMap(diffLines)]),
  ];
}

function placeOf({ path, line: row, column }: LintSpan): string {
  return `${path}:${row}:${column}`;
}

/** The line as written with the range underlined; a long one as the window around the range. */
function sourceLines({ source, line: row, column, endLine, endColumn }: LintSpan, look: Look, style: Style): Line[] {
  const gutter = `${row} `.padStart(6);
  const bar = look.unicode ? '│ ' : '| ';
  const room = Math.max(20, look.width - gutter.length - 2);
  const shown = Array.from(source.replaceAll('\t', ' '));
  const end = endLine === row ? Math.max(endColumn, column + 1) : shown.length + 1;
  const from = column - 1 > room - 12 ? Math.max(0, column - 12) : indentOf(shown, column - 1);
  const cells = shown.slice(from, from + room);
  const escape = (text: string): string => escapeText(text, !look.unicode);
  const before = textWidth(escape(cells.slice(0, column - 1 - from).join('')));
  const marked = textWidth(escape(cells.slice(column - 1 - from, end - 1 - from).join('')));
  const count = Math.max(1, Math.min(marked, room - before));
  // Rows must neither be wrapped nor lose their blanks: that is what the mark stands under.
  const keep = (text: string): string => text.replaceAll(' ', glue);
  const code = keep(cells.join('').trimEnd());
  if (code === '') return [];
  return [
    wholeLine(0, [styled('quiet', keep(gutter + bar)), code]),
    wholeLine(0, [styled('quiet', keep(' '.repeat(gutter.length) + bar)), keep(' '.repeat(Math.max(0, before))), styled(style, '^'.repeat(count))]),
  ];
}

/** Blanks in front that are not shown: all but two, and never a part of the range. */
function indentOf(characters: readonly string[], column: number): number {
  const first = characters.findIndex(char => char !== ' ');
  return Math.max(0, Math.min(first, column) - 2);
}

function diffLines(diff: string): Line[] {
  return diff.split('\n').map(text => {
    const style: Style = text.startsWith('+') ? 'good' : text.startsWith('-') ? 'bad' : 'quiet';
    return wholeLine(4, styled(style, text.replaceAll(' ', glue).replaceAll('\t', glue.repeat(4))));
  });
}

function ignoredLines({ ignored }: LintReport): Line[] {
  const rest = ignored.length - mostIgnored;
  return [
    line(0, styled('strong', 'Ignored by comments')),
    ...ignored
      .slice(0, mostIgnored)
      .map(one => line(2, [`${one.path}:${one.line} `, styled('quiet', `${one.rule}${one.reason === '' ? '' : `: ${one.reason}`}`)], { hang: 4 })),
    ...(rest > 0 ? [line(2, styled('quiet', `and ${rest} more`))] : []),
  ];
}

function gapLines({ notChecked }: LintReport): Line[] {
  return [
    line(0, styled('strong', 'Not checked')),
    ...notChecked.map(({ what, why, how }) => line(2, [`${what}: ${why}.`, styled('quiet', how === undefined ? '' : ` ${how}`)], { hang: 4 })),
  ];
}

function summary(report: LintReport, withFixes: boolean): Line[] {
  const { findings, subject, nginx, verdict } = report;
  const counts = (['error', 'warning', 'notice'] as const).flatMap(severity => {
    const count = findings.filter(finding => finding.severity === severity).length;
    return count === 0 ? [] : [styled(styles[severity], `${count} ${severity}${count === 1 ? '' : 's'}`)];
  });
  const from = { option: 'as given', installed: 'installed here', 'newest-known': 'the newest that badhop knows' }[nginx.from];
  const upgrade = nginx.upgradeTo === undefined ? '' : `, upgraded to ${nginx.upgradeTo}`;
  const what = `${subject.files} ${subject.files === 1 ? 'file' : 'files'}, ${subject.lines} lines, for nginx ${nginx.version} (${from}${upgrade})`;
  const fixable = findings.filter(({ fix }) => fix !== undefined).length;
  const result: readonly Span[] =
    counts.length > 0
      ? counts.flatMap((span, index) => (index === 0 ? [span] : [', ', span]))
      : verdict === 'inconclusive'
        ? [styled('warn', 'Nothing found in what could be read')]
        : [styled('good', 'Nothing found')];
  return [
    line(0, [...result, styled('quiet', ` · ${what}`)], { hang: 2 }),
    ...(fixable > 0 && !withFixes ? [line(0, styled('quiet', `${fixable} can be fixed: \`badhop lint --fix\` shows how.`))] : []),
  ];
}
