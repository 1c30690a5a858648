/**
 * The zone in which nginx writes its logs. That of the host, unless the unit or the container gives it another one (`TZ`), which
 * nobody can read from outside: error-log lines carry no zone (nginx 1.22.1, ngx_times.c), but access-log lines do. Samples:
 *
 *   192.0.2.7 - - [21/Nov/2026:23:15:47 -0500] "GET / HTTP/1.1" 502 157
 *   {"time":"2026-11-21T23:15:47-05:00","status":502}
 */
import { ask } from '../../model/collector.ts';
import type { HostClock } from '../../model/host.ts';
import { formatOffset } from '../../model/zone.ts';
import type { Asking } from '../../logs/window.ts';
import { wallClock } from '../../parsers/nginx-error-log-zone.ts';
import { parseTimeIso, parseTimeLocal } from '../../parsers/nginx-log-format-time.ts';
import { textOf } from './answers.ts';

const tailBytes = 4096;
const mostLogs = 4;
/** A line of last summer has another offset without having another zone. */
const lately = 86_400_000;
const longestOffset = 14 * 60;
const stamps = /\[(\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} )([+-]\d{4})\]|(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})([+-]\d{2}:\d{2})/;

/** The host's clock, with another zone where all of the newest lines of these access logs are written in one. */
export function* clockOfLogs(paths: readonly string[], clock: HostClock): Asking<HostClock> {
  const chosen = paths.filter(path => path.startsWith('/') && !path.startsWith('/dev/') && !path.includes('$')).slice(0, mostLogs);
  const tails = yield* ask(...chosen.map(path => ({ kind: 'read', path, options: { offset: -tailBytes, limit: tailBytes } }) as const));
  const own = wallClock(clock);
  const offsets = new Set<number | 'own'>();
  // What is cut off at the start, and what a client had written into its request, stands behind the line's own time or without one.
  for (const line of tails.flatMap(tail => (textOf(tail) ?? '').split('\n').slice(1))) {
    const seen = readStamp(line);
    if (seen === undefined || Math.abs(clock.nowMs - seen.timeMs) > lately) continue;
    offsets.add(own(seen.wall) === seen.timeMs ? 'own' : seen.offsetMinutes);
    if (offsets.size > 1) return clock;
  }
  const [offsetMinutes] = offsets;
  return offsetMinutes === undefined || offsetMinutes === 'own' ? clock : { ...clock, zone: formatOffset(offsetMinutes), offsetMinutes };
}

/** The first time of a line with its zone. `wall` is written as an error log writes it. */
function readStamp(line: string): { readonly wall: string; readonly timeMs: number; readonly offsetMinutes: number } | undefined {
  const [, local, zone = '', iso = '', isoZone = ''] = stamps.exec(line.slice(0, 1024)) ?? [];
  const timeMs = local === undefined ? parseTimeIso(iso + isoZone) : parseTimeLocal(local + zone);
  const asUtcMs = local === undefined ? parseTimeIso(`${iso}+00:00`) : parseTimeLocal(`${local}+0000`);
  const offsetMinutes = (asUtcMs - timeMs) / 60_000;
  if (!(Math.abs(offsetMinutes) <= longestOffset)) return undefined;
  return { wall: new Date(asUtcMs).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' '), timeMs, offsetMinutes };
}
