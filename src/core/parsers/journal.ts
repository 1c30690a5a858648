import type { JournalLine } from '../model/facts/system.ts';
import { decodeUtf8, linesOf, wholeNumber } from './text.ts';

/** A journal entry with the unit that it is about. */
export interface JournalEntry extends JournalLine {
  readonly unit?: string;
}

const MAX_TEXT = 4096;
/** What a clock is slewed by between two lines, and what journald takes to store one, is less. */
const leastSetMs = 10_000;

/** What `--output-fields` should name: everything that is read here and no command lines, which may hold secrets. */
export const JOURNAL_FIELDS = 'MESSAGE,SYSLOG_IDENTIFIER,_COMM,_PID,UNIT,_SYSTEMD_UNIT,COREDUMP_UNIT,OBJECT_SYSTEMD_UNIT,_TRANSPORT';

/** The same for the kernel's lines, with the time at which the kernel wrote them. */
export const KERNEL_FIELDS = `${JOURNAL_FIELDS},_SOURCE_MONOTONIC_TIMESTAMP`;

/**
 * Reads `journalctl -o json`: one object a line, in the journal's order. `MESSAGE` is a text, an array of bytes where
 * it is no printable UTF-8, or null where it is too long. What systemd says of a unit carries `UNIT`, what the unit
 * itself says `_SYSTEMD_UNIT`. Sample (systemd 252):
 * `{"UNIT":"loop.service","MESSAGE":"Started loop.service - Loops.","_PID":"1","__REALTIME_TIMESTAMP":"1795246204342251",…}`
 */
export function parseJournal(text: string): { readonly entries: readonly JournalEntry[]; readonly unread: number } {
  const entries: JournalEntry[] = [];
  let unread = 0;
  let before: Clocks | undefined;
  for (const line of linesOf(text)) {
    if (!line.startsWith('{')) {
      if (line !== '') unread += 1;
      continue;
    }
    const read = readEntry(line);
    if (read === undefined) {
      unread += 1;
      continue;
    }
    const { clocks, ...entry } = read;
    const setMs = clocks !== undefined && before?.boot === clocks.boot ? clocks.timeMs - before.timeMs - (clocks.uptimeMs - before.uptimeMs) : 0;
    entries.push(Math.abs(setMs) < leastSetMs ? entry : { ...entry, clockSetMs: setMs });
    before = clocks;
  }
  return { entries, unread };
}

/** What both clocks of one boot said as an entry came: where they drift apart, the wall clock was set, or the machine slept. */
interface Clocks {
  readonly boot: string;
  readonly timeMs: number;
  readonly uptimeMs: number;
}

function clocksOf(fields: Readonly<Record<string, unknown>>, timeMs: number): Clocks | undefined {
  const boot = fieldText(fields['_BOOT_ID']);
  const uptime = wholeNumber(fieldText(fields['__MONOTONIC_TIMESTAMP']));
  return boot === undefined || uptime === undefined ? undefined : { boot, timeMs, uptimeMs: uptime / 1000 };
}

function readEntry(line: string): (JournalEntry & { readonly clocks?: Clocks }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const received = wholeNumber(fieldText(fields['__REALTIME_TIMESTAMP'])?.slice(0, -3));
  if (received === undefined) return undefined;
  const time = received - delayMs(fields);
  const clocks = clocksOf(fields, received);
  const pid = wholeNumber(fieldText(fields['_PID']));
  const unit =
    fieldText(fields['UNIT']) ?? fieldText(fields['COREDUMP_UNIT']) ?? fieldText(fields['OBJECT_SYSTEMD_UNIT']) ?? fieldText(fields['_SYSTEMD_UNIT']);
  return {
    timeMs: time,
    identifier: fieldText(fields['SYSLOG_IDENTIFIER']) ?? fieldText(fields['_COMM']) ?? '',
    text: (fieldText(fields['MESSAGE']) ?? '').slice(0, MAX_TEXT),
    ...(pid === undefined ? {} : { pid }),
    ...(unit === undefined ? {} : { unit }),
    ...(clocks === undefined ? {} : { clocks }),
  };
}

/**
 * How long the kernel's line had waited: a journald that has just started takes the whole ring buffer in, and in a container
 * that holds what happened on the machine long before.
 */
function delayMs(fields: Readonly<Record<string, unknown>>): number {
  const received = wholeNumber(fieldText(fields['__MONOTONIC_TIMESTAMP']));
  const written = wholeNumber(fieldText(fields['_SOURCE_MONOTONIC_TIMESTAMP']));
  return received === undefined || written === undefined ? 0 : Math.max(0, Math.floor((received - written) / 1000));
}

/** A field that occurs more than once is an array of its values: the first counts. */
function fieldText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const list: readonly unknown[] = value;
  if (typeof list[0] === 'string') return list[0];
  const bytes = list.slice(0, MAX_TEXT).filter(byte => typeof byte === 'number');
  return decodeUtf8(Uint8Array.from(bytes));
}
