/** SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as GitHub, GitLab and Azure take it for review. */
import type { LintFinding, LintReport, LintSeverity, LintSpan } from '../../model/lint.ts';
import { jsonText } from '../json.ts';

const levels: Readonly<Record<LintSeverity, string>> = { error: 'error', warning: 'warning', notice: 'note' };

/** The report as SARIF with one run. Paths are relative where they were given so; absolute ones become file URIs. */
export function renderLintSarif(report: LintReport): string {
  const ids = [...new Set(report.findings.map(({ rule }) => rule))];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: report.tool.name,
            version: report.tool.version,
            rules: ids.map(id => ruleOf(id, report.findings)),
          },
        },
        // Bytes that are no UTF-8 count as one character each.
        columnKind: 'unicodeCodePoints',
        invocations: [
          {
            executionSuccessful: report.verdict !== 'inconclusive',
            toolExecutionNotifications: report.notChecked.map(({ what, why, how, matters }) => ({
              level: matters ? 'warning' : 'note',
              message: { text: `${what} was not checked: ${why}.${how === undefined ? '' : ` ${how}`}` },
            })),
          },
        ],
        results: report.findings.map(finding => resultOf(finding, ids)),
      },
    ],
  };
  return jsonText(log);
}

function ruleOf(id: string, findings: readonly LintFinding[]): object {
  const first = findings.find(({ rule }) => rule === id);
  return {
    id,
    shortDescription: { text: first?.title ?? id },
    help: { text: `badhop explain ${id}` },
    ...(first?.fault === undefined ? {} : { properties: { fault: first.fault } }),
  };
}

function resultOf(finding: LintFinding, ids: readonly string[]): object {
  const { rule, severity, message, advice, related } = finding;
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: levels[severity],
    message: { text: `${message} ${advice}` },
    locations: [{ physicalLocation: locationOf(finding) }],
    ...(related.length === 0
      ? {}
      : { relatedLocations: related.map((one, index) => ({ id: index + 1, physicalLocation: locationOf(one), message: { text: one.text } })) }),
  };
}

function locationOf({ path, line, column, endLine, endColumn, source }: LintSpan): object {
  return {
    artifactLocation: { uri: uriOf(path) },
    region: { startLine: line, startColumn: column, endLine, endColumn, snippet: { text: source } },
  };
}

function uriOf(path: string): string {
  const parts = path.split('/').map(part => encodeURIComponent(wellFormed(part)).replaceAll('%40', '@'));
  return `${path.startsWith('/') ? 'file://' : ''}${parts.join('/')}`;
}

/** Half a surrogate pair cannot be encoded. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
