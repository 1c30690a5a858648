import type { LogsReport } from '../core/model/logs-report.ts';
import { followLine } from '../core/reporters/logs/follow-line.ts';
import { renderLogsTerminal } from '../core/reporters/logs/terminal.ts';
import type { OutputLook } from './output.ts';

/** What is shown while logs are followed. */
export interface FollowView {
  readonly everyMs: number;
  show(report: LogsReport): Promise<void>;
  /** The last word, when the following ends. */
  end(report: LogsReport): Promise<void>;
}

interface Place {
  /** It can be drawn over. */
  readonly isScreen: boolean;
  readonly rows: number;
  readonly verbose: boolean;
  write(text: string): Promise<void>;
}

const clear = '\u001B[H\u001B[2J';

/** A terminal shows the report as it stands, drawn anew; anything else gets a row whenever something came, and the report in the end. */
export function createFollowView(place: Place, look: OutputLook): FollowView {
  const screenOf = (report: LogsReport): string => renderLogsTerminal(report, { ...look, verbose: place.verbose });
  if (place.isScreen) {
    return {
      everyMs: 2000,
      show: report => place.write(clear + firstRows(screenOf(report), place.rows)),
      end: report => place.write(clear + screenOf(report)),
    };
  }
  let before: LogsReport | undefined;
  return {
    everyMs: 5000,
    async show(report) {
      const row = followLine(report, before, look);
      before = report;
      if (row !== '') await place.write(`${row}\n`);
    },
    end: report => place.write(`\n${screenOf(report)}`),
  };
}

/** What fits, so that nothing scrolls while it is drawn again and again. */
function firstRows(text: string, rows: number): string {
  const lines = text.split('\n');
  return rows > 3 && lines.length >= rows ? lines.slice(0, rows - 1).join('\n') : text;
}
