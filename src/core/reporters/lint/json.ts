import type { LintReport } from '../../model/lint.ts';
import { jsonText, type JsonOptions } from '../json.ts';

/** The report as text: valid JSON for any text, and nothing in it that a terminal acts on. Ends with a newline. */
export function renderLintJson(report: LintReport, options: JsonOptions = {}): string {
  return jsonText(report, options);
}
