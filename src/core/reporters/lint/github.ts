/** Workflow commands of GitHub Actions, which become annotations of the lines (actions/toolkit, docs/commands.md; escapes as in command.ts). */
import type { LintFinding, LintReport } from '../../model/lint.ts';
import { escapeText } from '../text.ts';

/** One line a finding: `::error file=nginx.conf,line=3,col=5,title=…::…`. GitHub shows the first ten of a kind. */
export function renderLintGithub(report: LintReport): string {
  const gaps = report.notChecked
    .filter(({ matters }) => matters)
    .map(({ what, why }) => `::notice title=badhop::${data(`${what} was not checked: ${why}.`)}\n`);
  return [...report.findings.map(commandOf), ...gaps].join('');
}

function commandOf({ severity, path, line, column, endLine, endColumn, rule, title, message, advice }: LintFinding): string {
  // A column is taken for a range only where it ends on the same line.
  const end = endLine === line ? `,endColumn=${Math.max(column, endColumn - 1)}` : '';
  const properties = `file=${property(path)},line=${line},endLine=${endLine},col=${column}${end},title=${property(`${title} (${rule})`)}`;
  return `::${severity} ${properties}::${data(`${message} ${advice}`)}\n`;
}

function data(text: string): string {
  return escapeText(text).replaceAll('%', '%25');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
