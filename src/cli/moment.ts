import { hourReader, type LogZone } from '../core/logs/formats/index.ts';
import { BadhopError } from '../core/model/error.ts';
import type { Since } from './since.ts';

/** The zone that times without one are read in: a name as the time zone database has it, or an offset such as `+02:00`. */
export interface ReadZone {
  /** As it is told. */
  readonly name: string;
  readonly logZone: LogZone;
}

/** Reads the value of `--zone`; without one it is the zone of this machine. */
export function readZone(text: string | undefined): ReadZone {
  if (text === undefined) {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return { name: timeZone, logZone: timeZone };
  }
  const wanted = text.trim();
  if (/^(?:utc|gmt|z)$/i.test(wanted)) return { name: 'UTC', logZone: 'UTC' };
  const [, sign, hours, minutes = '00'] = /^(?:UTC|GMT)?([+-])([01]?\d):?([0-5]\d)?$/i.exec(wanted) ?? [];
  if (sign !== undefined && hours !== undefined) {
    const name = `${sign}${hours.padStart(2, '0')}:${minutes}`;
    return { name, logZone: (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) };
  }
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: wanted }).resolvedOptions();
    return { name: timeZone, logZone: timeZone };
  } catch (error) {
    throw new BadhopError('usage', `--zone ${text}: there is no such time zone`, {
      cause: error,
      hint: 'Give a name such as UTC or Europe/Berlin, or an offset such as +02:00.',
    });
  }
}

/** The moment that `--since` or `--until` means. One without a zone is a time of day in the zone that the logs are read in. */
export function momentMs(when: Since, nowMs: number, zone: ReadZone): number {
  if (when.kind === 'length') return nowMs - when.ms;
  if (when.hasZone) return when.ms;
  const local = new Date(when.ms).toISOString();
  return hourReader(zone.logZone, nowMs)('iso', local.slice(0, 13), '') + (when.ms % 3_600_000);
}
