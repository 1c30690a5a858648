/**
 * The hour that a log line names, in milliseconds. A text with a zone is read in that; one without in the host's.
 *
 * An hour that a change of clocks makes happen twice is read as the later one, unless that lies in the future: as the
 * error log is read in a diagnosis. An hour that it leaves out is read with the offset that was in force before.
 */
import { offsetOfWall, zoneOffset } from '../../model/zone.ts';
import type { ScanTask } from '../scan/scanner.ts';
import type { TimeStyle } from '../scan/plan.ts';

/** The host's zone: its name (`Europe/Berlin`), or minutes east of UTC. A name that nobody knows is read as UTC. */
export type LogZone = string | number;

const dayMs = 86_400_000;
/** Clocks of two hosts may differ by so much. */
const graceMs = 300_000;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

interface Hour {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
}

const shapes: Readonly<Record<TimeStyle, RegExp>> = {
  local: /^(?<day>\d\d)\/(?<name>[A-Za-z]{3})\/(?<year>\d{4})[: ](?<hour>\d\d)$/u,
  iso: /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt ](?<hour>\d\d)$/u,
  'nginx-error': /^(?<year>\d{4})\/(?<month>\d\d)\/(?<day>\d\d) (?<hour>\d\d)$/u,
  ctime: /^[A-Za-z]{3} (?<name>[A-Za-z]{3}) (?<day>[ \d]\d) (?<hour>\d\d)$/u,
  'day-first': /^(?<day>\d\d)-(?<name>[A-Za-z]{3})-(?<year>\d{4}) (?<hour>\d\d)$/u,
  syslog: /^(?<name>[A-Za-z]{3}) (?<day>[ \d]\d) (?<hour>\d\d)$/u,
};

/** Reads hours of all styles for a scan; see `ScanTask.hourMs`. */
export function hourReader(zone: LogZone, nowMs: number): ScanTask['hourMs'] {
  const offsetAt = zoneOffsets(zone);
  const toMs = (hour: Hour, offsetMs: number | undefined): number => {
    const local = Date.UTC(hour.year, hour.month, hour.day, hour.hour);
    const date = new Date(local);
    // The 30th of February is a day of March, and the years 0 to 99 are of the last century, to the calendar.
    if (date.getUTCDate() !== hour.day || date.getUTCMonth() !== hour.month || date.getUTCFullYear() !== hour.year) return Number.NaN;
    return local - (offsetMs ?? offsetOfWall(local, nowMs, offsetAt) ?? offsetAt(local - dayMs));
  };
  return (style, prefix, suffix) => {
    const groups = shapes[style].exec(prefix)?.groups;
    if (groups === undefined) return Number.NaN;
    const month = groups['name'] === undefined ? Number(groups['month']) - 1 : months.indexOf(groups['name'].toLowerCase());
    const hour = Number(groups['hour']);
    if (month < 0 || month > 11 || hour > 23) return Number.NaN;
    const parts = { month, day: Number(groups['day']), hour };
    if (style === 'syslog') return newestYear(parts, nowMs, one => toMs(one, undefined));
    if (style === 'ctime') {
      const year = /^ *(\d{4})(?![\d:])/u.exec(suffix)?.[1];
      return year === undefined ? Number.NaN : toMs({ ...parts, year: Number(year) }, undefined);
    }
    return toMs({ ...parts, year: Number(groups['year']) }, style === 'nginx-error' ? undefined : zoneIn(suffix));
  };
}

/** The offset that a text begins with: `Z`, ` UTC`, `+02:00`, ` -0330`; `undefined` where it names none. */
function zoneIn(suffix: string): number | undefined {
  const text = suffix.trimStart();
  if (/^(?:Z|UTC|GMT|Etc\/UTC)(?![A-Za-z])/iu.test(text)) return 0;
  const match = /^([+-])(\d\d):?(\d\d)(?!\d)/u.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}

/** A month and a day without a year: of the years up to now the last in which they do not lie in the future. */
function newestYear(parts: Omit<Hour, 'year'>, nowMs: number, toMs: (hour: Hour) => number): number {
  if (!Number.isFinite(nowMs)) return Number.NaN;
  const newest = new Date(nowMs + dayMs).getUTCFullYear();
  // The 29th of February may be eight years away.
  for (let year = newest; year >= newest - 8; year -= 1) {
    const at = toMs({ ...parts, year });
    if (at <= nowMs + graceMs) return at;
  }
  return Number.NaN;
}

/** Milliseconds east of UTC at a time. */
function zoneOffsets(zone: LogZone): (utcMs: number) => number {
  if (typeof zone === 'number') {
    const fixed = Number.isFinite(zone) ? zone * 60_000 : 0;
    return () => fixed;
  }
  const offsetAt = zone === 'UTC' ? undefined : zoneOffset(zone);
  if (offsetAt === undefined) return () => 0;
  const cache = new Map<number, number>();
  return utcMs => {
    // Clocks change on quarters of an hour.
    const quarter = Math.floor(utcMs / 900_000) * 900_000;
    let offset = cache.get(quarter);
    if (offset === undefined) {
      offset = offsetAt(quarter);
      if (cache.size < 10_000) cache.set(quarter, offset);
    }
    return offset;
  };
}
