/**
 * Notices that the times of an error log, which say no zone, were read in another one than they were written in: its messages then lie
 * some quarters of an hour off the failing requests of the access log, whose times have a zone.
 */
import { zoneOffset } from '../../model/zone.ts';
import type { LogFormat } from '../scan/format.ts';
import type { TimeStyle } from '../scan/plan.ts';
import type { RollUp, Series } from '../scan/roll-up.ts';
import { countsOf, sumOf, type Grid } from './grid.ts';

const quarterMs = 900_000;
/** From the westernmost zone to the easternmost one. */
const mostQuarters = 4 * 26;
/** Of the messages, so many have a failing request of the same time: at most as they were read, and at least in the right zone. */
const asRead = 0.3;
const inZone = 0.8;
const leastBins = 3;
const mostChance = 1e-3;

export interface ZoneShift {
  /** The zone that it seems to be written in: `+02:00`. */
  readonly zone: string;
  /** `2 h later than`, seen from the requests. */
  readonly text: string;
  /** Ids of the formats whose times have no zone. */
  readonly formats: ReadonlySet<string>;
}

/** Undefined where the times agree, or nothing can be said. `zone` is the one that the log was read in. */
export function findZoneShift({ series, widthMs }: RollUp, grid: Grid, formats: readonly LogFormat[], zone: string): ZoneShift | undefined {
  const zoneless = new Set(formats.filter(format => format.kind === 'error' && isZoneless(format)).map(({ id }) => id));
  const zoned = new Set(formats.filter(format => format.kind === 'access' && !isZoneless(format)).map(({ id }) => id));
  // Most logs are of one kind.
  if (zoneless.size === 0 || zoned.size === 0) return undefined;
  const failing = series.filter(({ outcome }) => outcome?.failed === true && outcome.madeBy !== 'client');
  const counts = (of: readonly Series[]): Float64Array => countsOf(of, widthMs, grid);
  const messages = filledBins(counts(failing.filter(({ format }) => zoneless.has(format))));
  const requests = counts(failing.filter(({ format, outcome }) => zoned.has(format) && outcome?.madeBy !== 'backend'));
  if (grid.widthMs > quarterMs / 3 || messages.length < leastBins || sumOf(requests) === 0) return undefined;
  // A message may stand in the next bin.
  const near = requests.map((count, at) => count + (requests[at - 1] ?? 0) + (requests[at + 1] ?? 0));
  const met = (quarters: number): number => {
    const bins = Math.round((quarters * quarterMs) / grid.widthMs);
    return messages.filter(at => (near[at + bins] ?? 0) > 0).length / messages.length;
  };
  if (met(0) > asRead) return undefined;
  let best = 0;
  for (let quarters = -mostQuarters; quarters <= mostQuarters; quarters += 1) {
    if (met(quarters) > met(best) || (met(quarters) === met(best) && Math.abs(quarters) < Math.abs(best))) best = quarters;
  }
  const filled = near.filter(count => count > 0).length / near.length;
  const chance = 2 * mostQuarters * filled ** Math.floor(messages.length * met(best));
  if (met(best) < inZone || chance > mostChance) return undefined;
  const shiftMs = -best * quarterMs;
  const offsetMs = offsetOf(zone, grid.startMs);
  return offsetMs === undefined ? undefined : { zone: offsetText(offsetMs + shiftMs), text: shiftText(shiftMs), formats: zoneless };
}

const withoutZone: ReadonlySet<TimeStyle> = new Set<TimeStyle>(['nginx-error', 'ctime', 'day-first', 'syslog']);

function isZoneless({ plan }: LogFormat): boolean {
  return plan.kind === 'steps' && plan.steps.some(step => step.do === 'time' && step.form === 'clock' && withoutZone.has(step.style));
}

function filledBins(counts: Float64Array): readonly number[] {
  const bins: number[] = [];
  for (let at = 0; at < counts.length; at += 1) if ((counts[at] ?? 0) > 0) bins.push(at);
  return bins;
}

function offsetOf(zone: string, atMs: number): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/u.exec(zone) ?? [];
  if (sign !== undefined) return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return zone === 'UTC' ? 0 : zoneOffset(zone)?.(atMs);
}

function offsetText(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000);
  return `${ms < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

function shiftText(ms: number): string {
  const hours = Math.abs(ms) / 3_600_000;
  return `${hours} h ${ms > 0 ? 'later' : 'earlier'} than`;
}
