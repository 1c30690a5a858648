import type { ChangesReport } from '../core/model/changes-report.ts';
import { jsonText } from '../core/reporters/json.ts';
import { renderChanges } from '../core/reporters/changes/terminal.ts';
import { chooseLook, writeOut } from './output.ts';

/** Prints a report of `fix`, `undo` or `history` in the form that was asked for. */
export async function printChanges(
  report: ChangesReport,
  options: { readonly format: 'terminal' | 'json'; readonly color: boolean; readonly width?: number },
): Promise<void> {
  const { format, color, width } = options;
  await writeOut(format === 'json' ? jsonText(report) : renderChanges(report, chooseLook(process.stdout, process.env, { color, width })));
}
