import { readFile, readlink } from 'node:fs/promises';
import { uptime } from 'node:os';
import type { HostClock } from '../../core/model/host.ts';
import { formatOffset } from '../../core/model/zone.ts';
import { execLocal } from './local-exec.ts';
import { withinTime } from './time-limit.ts';

const readLimitMs = 500;

/**
 * The host's clock. The zone is the one that /etc/localtime names, not the TZ of whoever runs badhop: daemons
 * write their logs in the first.
 */
export async function localClock(): Promise<HostClock> {
  const zone = await hostZone();
  const nowMs = Date.now();
  const bootMs = Math.round(nowMs - uptime() * 1000);
  const offset = zone === undefined ? undefined : zoneOffset(zone, nowMs);
  if (zone !== undefined && offset !== undefined) return { nowMs, zone, offsetMinutes: offset, bootMs };
  const offsetMinutes = (await dateOffset()) ?? -new Date(nowMs).getTimezoneOffset();
  return { nowMs, zone: formatOffset(offsetMinutes), offsetMinutes, bootMs };
}

async function hostZone(): Promise<string | undefined> {
  const nothing = (): undefined => undefined;
  const link = await withinTime<string | undefined>(readlink('/etc/localtime').catch(nothing), readLimitMs, nothing);
  if (link !== undefined) return zoneOfLink(link);
  // Without any /etc/localtime the C library counts in UTC; /etc/timezone alone changes nothing there.
  const file = await withinTime<string | undefined>(
    readFile('/etc/localtime', 'latin1').catch(() => ''),
    readLimitMs,
    nothing,
  );
  return file === '' ? 'UTC' : undefined;
}

/** `Europe/Berlin` of `/usr/share/zoneinfo/posix/Europe/Berlin`; undefined for a link to something else. */
export function zoneOfLink(link: string): string | undefined {
  const marker = 'zoneinfo/';
  const at = link.lastIndexOf(marker);
  if (at < 0) return undefined;
  return link.slice(at + marker.length).replace(/^(?:posix|right)\//, '') || undefined;
}

/** Minutes east of UTC in a zone at a time; undefined for a zone that is not in the tables. */
export function zoneOffset(zone: string, atMs: number): number | undefined {
  // Most servers' zone; loading the tables of all of them takes a fiftieth of a second.
  if (zone === 'UTC' || zone === 'Etc/UTC') return 0;
  try {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(atMs);
    return parseOffset(parts.find(part => part.type === 'timeZoneName')?.value ?? '');
  } catch {
    return undefined;
  }
}

/** `GMT+05:30`, `+0530`, `GMT`. */
export function parseOffset(text: string): number | undefined {
  if (text === 'GMT' || text === 'UTC') return 0;
  const match = /^(?:GMT|UTC)?([+-])([0-9]{2}):?([0-9]{2})/.exec(text.trim());
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

async function dateOffset(): Promise<number | undefined> {
  const result = await execLocal(['date', '+%z'], { timeoutMs: 1000, maxBytes: 100 });
  return result.state === 'known' && result.value.code === 0 ? parseOffset(result.value.stdout) : undefined;
}
