import { zoneOffset } from '../../model/zone.ts';

/** Tells moments in one zone. Every text is in the same zone, whatever zone the report's times are written in. */
export interface ZoneClock {
  /** `UTC`, `Europe/Berlin`, `+02:00`: as it is told to the reader. */
  readonly zone: string;
  /** `07:31:20` */
  time(ms: number): string;
  /** `07:31` */
  minute(ms: number): string;
  /** `2026-11-21` */
  day(ms: number): string;
}

const unknownTime = '--:--:--';

/** The clock of a zone: an IANA name or an offset. A zone that is neither is told in UTC. */
export function zoneClock(zone: string): ZoneClock {
  const offsetMs = fixedOffsetMs(zone);
  if (offsetMs !== undefined) return clockOf(zone, ms => new Date(ms + offsetMs).toISOString().slice(0, 19));
  const offsetAt = zoneOffset(zone);
  return offsetAt === undefined ? zoneClock('UTC') : clockOf(zone, ms => new Date(ms + offsetAt(ms)).toISOString().slice(0, 19));
}

function clockOf(zone: string, isoOf: (ms: number) => string): ZoneClock {
  const part = (ms: number, from: number, to: number, otherwise: string): string => (isTime(ms) ? isoOf(ms).slice(from, to) : otherwise);
  return {
    zone,
    time: ms => part(ms, 11, 19, unknownTime),
    minute: ms => part(ms, 11, 16, unknownTime.slice(0, 5)),
    day: ms => part(ms, 0, 10, '----------'),
  };
}

/** Years of four digits, with a day to spare for the offset. */
function isTime(ms: number): boolean {
  return ms >= -62_135_000_000_000 && ms <= 253_402_200_000_000;
}

function fixedOffsetMs(zone: string): number | undefined {
  if (/^(?:UTC|GMT|Z|Etc\/UTC)$/i.test(zone)) return 0;
  const [, sign, hours, minutes = '0'] = /^(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?$/.exec(zone) ?? [];
  return sign === undefined ? undefined : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** `2026-11-21 06:00:00–08:00:00 UTC`, the day of the end only where it is another one. */
export function spanText(clock: ZoneClock, fromMs: number, toMs: number): string {
  const endDay = clock.day(toMs) === clock.day(fromMs) ? '' : `${clock.day(toMs)} `;
  return `${clock.day(fromMs)} ${clock.time(fromMs)}–${endDay}${clock.time(toMs)} ${clock.zone}`;
}

/** A moment inside a window: the clock time, with the day where the window has several. */
export function momentText(clock: ZoneClock, ms: number, window: { readonly fromMs: number; readonly toMs: number } | undefined): string {
  const isOneDay = window !== undefined && clock.day(window.fromMs) === clock.day(window.toMs) && clock.day(window.fromMs) === clock.day(ms);
  return isOneDay ? clock.time(ms) : `${clock.day(ms)} ${clock.time(ms)}`;
}
