/**
 * The time at the start of a backend's log line. Captured from php-fpm 8.2, gunicorn 20.1, uWSGI 2.0.21,
 * Puma 5.6, Tomcat 10.1; the Ruby logger's and syslog's forms are from their manuals. Samples:
 *
 *   [21-Nov-2026 07:29:56] WARNING: …            [2026-11-21 07:31:32 +0000] [18166] [CRITICAL] …
 *   Sat Nov 21 07:31:50 2026 - *** HARAKIRI …    2026-11-21T07:31:50.123Z …
 *   Nov 21, 2026 7:38:10 AM org.apache…          I, [2026-11-21T07:31:50.123456 #12]  INFO -- : …
 *   [Sat Nov 21 07:31:50.123456 2026] [mpm_event:notice] …
 */

export interface LogTime {
  readonly timeMs: number;
  /** Index of the first character after the time and what separates it from the text. */
  readonly end: number;
}

export interface LogTimeOptions {
  /** Minutes east of UTC of the host, for times without a zone. */
  readonly offsetMinutes: number;
  /** For syslog's times, which have no year. */
  readonly nowMs: number;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const utcZones = new Set(['UTC', 'GMT', 'Z', 'Etc/UTC']);

const iso = /^(?:[A-Z], )?\[?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|[+-]\d\d:?\d\d))?(?: #\d+)?\]?[: ]*/;
const dayFirst = /^\[?(\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ([A-Za-z_]{1,20}(?:\/[A-Za-z_]{1,20})?))?\]? */;
const ctime = /^\[?[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})\]?(?: - )? */;
const american = /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) (\d{1,2}):(\d\d):(\d\d) ([AP]M) */;
const syslog = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) /;
const uwsgiInner = /\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\]/;

/** The time that `line` begins with; `undefined` where it begins with none. Zones other than UTC and offsets count as the host's. */
export function parseLogTime(line: string, options: LogTimeOptions): LogTime | undefined {
  const head = line.slice(0, 80);
  return readIso(head, options) ?? readDayFirst(head, options) ?? readCtime(head, options) ?? readAmerican(head, options) ?? readSyslog(head, options);
}

/** The time inside a uWSGI line: `… on [Sat Nov 21 07:31:39 2026] ***`, or a request's. */
export function parseInnerTime(line: string, options: LogTimeOptions): number | undefined {
  const match = uwsgiInner.exec(line.slice(0, 4096));
  if (match === null) return undefined;
  return stamp([Number(match[6]), month(match[1]), Number(match[2]), Number(match[3]), Number(match[4]), Number(match[5])], 0, options.offsetMinutes);
}

function readIso(head: string, options: LogTimeOptions): LogTime | undefined {
  const match = iso.exec(head);
  if (match === null) return undefined;
  const zone = match[8];
  const offset = zone === undefined ? options.offsetMinutes : zoneMinutes(zone);
  const parts: Parts = [Number(match[1]), Number(match[2]) - 1, Number(match[3]), Number(match[4]), Number(match[5]), Number(match[6])];
  return found(stamp(parts, milliseconds(match[7]), offset), match[0]);
}

function readDayFirst(head: string, options: LogTimeOptions): LogTime | undefined {
  const match = dayFirst.exec(head);
  if (match === null) return undefined;
  const bracketed = head.startsWith('[');
  const zone = bracketed ? match[8] : undefined;
  // Without brackets a word after the time is the level (Tomcat), not a zone.
  const length = bracketed || match[8] === undefined ? match[0].length : match[0].lastIndexOf(match[8]);
  const parts: Parts = [Number(match[3]), month(match[2]), Number(match[1]), Number(match[4]), Number(match[5]), Number(match[6])];
  return found(stamp(parts, milliseconds(match[7]), zone !== undefined && utcZones.has(zone) ? 0 : options.offsetMinutes), head.slice(0, length));
}

function readCtime(head: string, options: LogTimeOptions): LogTime | undefined {
  const match = ctime.exec(head);
  if (match === null) return undefined;
  const parts: Parts = [Number(match[7]), month(match[1]), Number(match[2]), Number(match[3]), Number(match[4]), Number(match[5])];
  return found(stamp(parts, milliseconds(match[6]), options.offsetMinutes), match[0]);
}

function readAmerican(head: string, options: LogTimeOptions): LogTime | undefined {
  const match = american.exec(head);
  if (match === null) return undefined;
  const hour = (Number(match[4]) % 12) + (match[7] === 'PM' ? 12 : 0);
  const parts: Parts = [Number(match[3]), month(match[1]), Number(match[2]), hour, Number(match[5]), Number(match[6])];
  return found(stamp(parts, 0, options.offsetMinutes), match[0]);
}

function readSyslog(head: string, options: LogTimeOptions): LogTime | undefined {
  const match = syslog.exec(head);
  if (match === null) return undefined;
  const year = new Date(options.nowMs).getUTCFullYear();
  const at = (value: number): number | undefined =>
    stamp([value, month(match[1]), Number(match[2]), Number(match[3]), Number(match[4]), Number(match[5])], 0, options.offsetMinutes);
  const thisYear = at(year);
  // A December line read in January is last year's.
  const timeMs = thisYear !== undefined && thisYear > options.nowMs + 86_400_000 ? at(year - 1) : thisYear;
  return found(timeMs, match[0]);
}

type Parts = readonly [year: number, month: number, day: number, hour: number, minute: number, second: number];

function stamp(parts: Parts, ms: number, offsetMinutes: number): number | undefined {
  const [year, monthIndex, day, hour, minute, second] = parts;
  if (monthIndex < 0 || monthIndex > 11 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  return Date.UTC(year, monthIndex, day, hour, minute, second) + ms - offsetMinutes * 60_000;
}

function found(timeMs: number | undefined, prefix: string): LogTime | undefined {
  return timeMs === undefined ? undefined : { timeMs, end: prefix.length };
}

function month(name: string | undefined): number {
  return months.indexOf((name ?? '').toLowerCase());
}

function milliseconds(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000);
}

function zoneMinutes(zone: string): number {
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}
