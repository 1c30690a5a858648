import type { Asking } from '../../logs/window.ts';
import { ask, type CollectContext } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import { known } from '../../model/fact.ts';
import { JOURNAL_FIELDS, parseJournal, type JournalEntry } from '../../parsers/journal.ts';
import { outputOf } from './answers.ts';

const maxEntries = 20_000;

/** What nginx wrote to standard error or to syslog since the window's start, from the journal. */
export function* readNginxJournal(units: readonly string[], tags: readonly string[], context: CollectContext): Asking<Known<readonly JournalEntry[]>> {
  const since = `@${Math.max(0, Math.floor(context.sinceMs / 1000))}`;
  const matches = ['_COMM=nginx', ...units.map(unit => `_SYSTEMD_UNIT=${unit}`), ...new Set(tags.map(tag => `SYSLOG_IDENTIFIER=${tag}`))];
  const [answer] = yield* ask({
    kind: 'exec',
    argv: [
      'journalctl',
      '-o',
      'json',
      `--output-fields=${JOURNAL_FIELDS}`,
      '--no-pager',
      '--since',
      since,
      '-n',
      String(maxEntries),
      ...matches.flatMap((match, index) => (index === 0 ? [match] : ['+', match])),
    ],
    options: { timeoutMs: 4000, maxBytes: 33_554_432 },
  });
  const output = outputOf(answer, 'journalctl', 'run as root, or as a member of systemd-journal');
  if (output.state !== 'known') return output;
  const { entries, unread } = parseJournal(output.value);
  return known(entries, unread === 0 ? [] : [`${unread} journal lines could not be read`]);
}
