/**
 * The time of an error-log line: local time without a zone, as `2026/11/21 01:55:14`.
 *
 * Source: nginx 1.22.1, ngx_times.c. The zone is the host's; where it is a named one its rules are asked for each
 * half hour, so that a window over a change of clocks is read rightly.
 */
import type { HostClock } from '../model/host.ts';
import { offsetOfWall, zoneOffset } from '../model/zone.ts';

const halfHour = 1_800_000;

/** Turns wall-clock text into milliseconds by the host's zone; NaN for a text that is no date. */
export function wallClock(clock: HostClock, shiftMs = 0): (wall: string) => number {
  const offsetAt = zoneOffsets(clock);
  const cache = new Map<number, number>();
  let lastText = '';
  let lastMs = Number.NaN;
  return wall => {
    if (wall === lastText) return lastMs;
    const local = parseWall(wall);
    const key = Math.floor(local / halfHour);
    let offset = cache.get(key);
    if (offset === undefined) {
      offset = Number.isFinite(local) ? (offsetOfWall(local, clock.nowMs, offsetAt) ?? offsetAt(local)) : 0;
      if (cache.size < 10_000) cache.set(key, offset);
    }
    lastText = wall;
    lastMs = local - offset + shiftMs;
    return lastMs;
  };
}

/** Milliseconds of the text read as UTC; NaN where it is no date. */
export function parseWall(wall: string): number {
  const part = (from: number, to: number): number => Number(wall.slice(from, to));
  const [month, day, hour, minute, second] = [part(5, 7), part(8, 10), part(11, 13), part(14, 16), part(17, 19)];
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 60)) return Number.NaN;
  return Date.UTC(part(0, 4), month - 1, day, hour, minute, second);
}

/** Milliseconds east of UTC at a time. `UTC+02:00` and names this machine does not know are taken as fixed. */
function zoneOffsets(clock: HostClock): (utcMs: number) => number {
  const fixed = clock.offsetMinutes * 60_000;
  if (clock.zone === 'UTC' || clock.zone === 'Etc/UTC') return () => 0;
  if (!/^[A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)*$/u.test(clock.zone) || /^UTC[+-]/u.test(clock.zone)) return () => fixed;
  return zoneOffset(clock.zone) ?? (() => fixed);
}
